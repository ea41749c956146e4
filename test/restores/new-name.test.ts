import { expect, it } from 'vitest';
import { keptName, nextName, proposedName } from '../../src/restores/new-name.ts';

const NOW = new Date('2026-11-29T23:59:59.999Z');
const name = (text: string) => ({ isFile: false, name: text });
const bytes = (text: string) => new TextEncoder().encode(text).length;

it('a name is proposed that a server takes, however long the database’s own is, and others where it is taken', () => {
  const of = (databaseName: string) => ({ isFile: false, databaseName, filePath: null });
  expect(proposedName(of('shop "ü"'), NOW)).toBe('shop "ü"_restored_20261129');
  const long = proposedName(of('😀'.repeat(15)), NOW);
  expect(long).toBe(`${'😀'.repeat(11)}_restored_20261129`);
  expect(bytes(long)).toBeLessThanOrEqual(63);
  expect(bytes(nextName(name(long), 9) ?? '')).toBeLessThanOrEqual(63);
  expect(nextName(name('shop_restored_20261129'), 2)).toBe('shop_restored_20261129_2');
  expect(nextName(name('shop'), 10)).toBeUndefined();
  const file = { isFile: true, databaseName: null, filePath: '/srv/app.db' };
  expect(proposedName(file, NOW)).toBe('/srv/app.db.restored-20261129');
  expect(nextName({ isFile: true, name: '/srv/app.db.restored-20261129' }, 2)).toBe(
    '/srv/app.db.restored-20261129-2',
  );
  expect(() => proposedName({ ...file, filePath: null }, NOW)).toThrow('Enter one');
});

it('a name that is kept is one that a server takes, also where it begins as a path does', () => {
  expect(keptName(name('shop'), NOW)).toBe('shop_before_20261129235959');
  expect(keptName(name('/srv/shop ü'), NOW)).toBe('/srv/shop ü_before_20261129235959');
  expect(nextName(name('/srv'), 2)).toBe('/srv_2');
  for (const long of [`/${'x'.repeat(62)}`, `/${'ü'.repeat(31)}`, '😀'.repeat(15)]) {
    const kept = keptName(name(long), NOW);
    expect(kept).toMatch(/_before_20261129235959$/);
    expect(bytes(kept)).toBeLessThanOrEqual(63);
  }
  expect(keptName({ isFile: true, name: `/srv/${'x'.repeat(90)}` }, NOW)).toMatch(
    /x{90}\.before-20261129235959$/,
  );
});
