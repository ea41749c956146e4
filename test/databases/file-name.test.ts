import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backupFileName } from '../../src/databases/file-name.ts';

const CREATED_AT = '2026-02-25T10:00:00.123Z';

test('a file name is the database name, the time and the extension', () => {
  expect(backupFileName('shop', CREATED_AT, '.sql.gz')).toBe('shop-2026-02-25T10-00-00-123Z.sql.gz');
});

test('any name gives one segment of at most 180 bytes that keeps its time and extension', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
      const made = backupFileName(name, CREATED_AT, '.dump.zst');
      expect(new TextEncoder().encode(made).length).toBeLessThanOrEqual(180);
      expect(made).not.toMatch(/[/\\\p{Cc}]/u);
      expect(made.endsWith('-2026-02-25T10-00-00-123Z.dump.zst')).toBe(true);
      expect(made.isWellFormed()).toBe(true);
    }),
  );
});

test('names that mean a folder become plain text', () => {
  expect(backupFileName('..', CREATED_AT, '')).toBe('_-2026-02-25T10-00-00-123Z');
  expect(backupFileName('../../etc/passwd', CREATED_AT, '')).toBe(
    '.._.._etc_passwd-2026-02-25T10-00-00-123Z',
  );
});
