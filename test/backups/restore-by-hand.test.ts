import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restoreByHand } from '../../src/backups/restore-by-hand.ts';
import { backupFileName } from '../../src/databases/file-name.ts';

const run = promisify(execFile);
const DOCS = await readFile(new URL('../../docs/backup-and-restore.md', import.meta.url), 'utf8');
const SECTIONS = [
  ['PostgreSQL', 'postgres', 'createdb -T template0 restored'],
  ['MySQL and MariaDB', 'mysql', "mariadb -e 'CREATE DATABASE restored CHARACTER SET utf8mb4'"],
  ['SQLite', 'sqlite', 'test ! -e restored.db'],
] as const;
const sha256 = 'ab'.repeat(32);

/** Rows of the table `file | command` under that heading. */
function rowsOf(section: string): readonly (readonly [string, string])[] {
  const text = DOCS.split(`### ${section}\n`)[1]?.split('\n### ')[0] ?? '';
  return [...text.matchAll(/^\| `(\.[a-z.]+)` \| `(.+)` \|$/gm)].map(
    ([, extension = '', command = '']) => [extension, command.replaceAll('\\|', '|')] as const,
  );
}

const ofFile = (type: string, fileName: string, more = {}) =>
  restoreByHand({ type, fileName, sha256, serverVersion: null, ...more });

describe.each(SECTIONS)('restoring a file of %s by hand', (section, type, create) => {
  it('is done by the commands of the docs, for every kind of file that they name', () => {
    expect(rowsOf(section).length).toBeGreaterThanOrEqual(3);
    for (const [extension, command] of rowsOf(section)) {
      expect(ofFile(type, `appdb${extension}`)?.restore).toBe(command);
    }
  });

  it('begins with a check of the file and an empty database, and goes no further than what fails', () => {
    expect(ofFile(type, 'appdb.sql')?.lines.slice(0, -1)).toEqual([
      expect.stringMatching(/^# .* npx --no bridgeport-restore --into restored(\.db)? appdb\.sql$/),
      'set -o pipefail',
      `echo '${sha256}  appdb.sql' | sha256sum -c &&`,
      `${create} &&`,
    ]);
    expect(ofFile(type, 'appdb.sql', { sha256: null })?.lines).toHaveLength(4);
    expect(ofFile(type, 'appdb.sql', { sha256: null })?.notes[0]).toContain('is not known');
  });
});

describe('restoring by hand', () => {
  it('looks at the end of a tar archive before pg_restore, which would keep what comes before a cut', () => {
    const [whole, restore] = (ofFile('postgres', 'it’s.tar.zst')?.restore ?? '').split(' && ');
    expect(whole).toBe("zstd -dc 'it’s.tar.zst' | tar -xOf - restore.sql >/dev/null");
    expect(restore).toBe("zstd -dc 'it’s.tar.zst' | pg_restore -1 -d restored");
    expect(ofFile('postgres', 'a.tar')?.notes[0]).toContain('was cut within the rows of its last table');
    expect(ofFile('postgres', 'a.dump')?.restore).not.toContain('tar ');
  });

  it('takes the client of what was dumped', () => {
    expect(ofFile('mysql', 'a.sql', { serverVersion: '8.0.39' })?.restore).toMatch(/^mysql --binary-mode /);
    expect(ofFile('mysql', 'a.sql', { serverVersion: '10.11.6-MariaDB' })?.restore).toMatch(/^mariadb /);
  });

  it('is not told of what no engine writes', () => {
    expect(ofFile('redis', 'a.sql')).toBeUndefined();
    expect(ofFile('mysql', 'a.dump')).toBeUndefined();
    expect(ofFile('postgres', 'a.exe')).toBeUndefined();
    expect(ofFile('postgres', '')).toBeUndefined();
  });

  it('names the file as one word of the shell that no program takes for an option, whatever the database is called', async () => {
    const names = [
      '-rf',
      '--',
      "it's",
      '"x" $(touch y) `z` ; rm',
      ' a  b ',
      '🐘 größe',
      '<script>',
      '!!',
      '~',
      '*',
      '-\n',
    ];
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.constantFrom(...names), fc.string({ unit: 'binary' })), async (name) => {
        const fileName = backupFileName(name, '2026-03-04T05:06:07.890Z', '.dump');
        const restore = ofFile('postgres', fileName)?.restore ?? '';
        const print = `pg_restore() { printf '%s\\n' "$@"; }\n${restore}`;
        const { stdout } = await run('bash', ['-c', print], { env: { LC_ALL: 'C.UTF-8' } });
        const word = stdout.split('\n').slice(3, -1).join('\n');
        expect([fileName, `./${fileName}`]).toContain(word);
        expect(word.startsWith('-')).toBe(false);
      }),
      { numRuns: 40 },
    );
  });
});
