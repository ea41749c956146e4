import { expect, it } from 'vitest';
import { nextName, proposedName } from '../../src/restores/new-name.ts';

const NOW = new Date('2026-11-29T23:59:59.999Z');
const bytes = (text: string) => new TextEncoder().encode(text).length;

it('a name is proposed that a server takes, however long the database’s own is, and others where it is taken', () => {
  const of = (databaseName: string) => ({ isFile: false, databaseName, filePath: null });
  expect(proposedName(of('shop "ü"'), NOW)).toBe('shop "ü"_restored_20261129');
  const long = proposedName(of('😀'.repeat(15)), NOW);
  expect(long).toBe(`${'😀'.repeat(11)}_restored_20261129`);
  expect(bytes(long)).toBeLessThanOrEqual(63);
  expect(bytes(nextName(long, 9) ?? '')).toBeLessThanOrEqual(63);
  expect(nextName('shop_restored_20261129', 2)).toBe('shop_restored_20261129_2');
  expect(nextName('shop', 10)).toBeUndefined();
  const file = { isFile: true, databaseName: null, filePath: '/srv/app.db' };
  expect(proposedName(file, NOW)).toBe('/srv/app.db.restored-20261129');
  expect(nextName('/srv/app.db.restored-20261129', 2)).toBe('/srv/app.db.restored-20261129-2');
  expect(() => proposedName({ ...file, filePath: null }, NOW)).toThrow('Enter one');
});
