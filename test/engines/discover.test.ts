import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asideName } from '../../src/engines/drop.ts';
import { type Discovery, type DiscoveryPlan, MOST_FOUND } from '../../src/engines/engine.ts';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { readRecords } from '../../src/engines/records.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { newId } from '../../src/ids.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedMariadb } from '../support/shared/mariadb.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { runInShell, type ShellOptions } from './shell.ts';

const ODD = `x'"; $(touch /tmp/never) ü\n<script>+1`;
const SHELLS = [['dash'], ['bash'], ['busybox', 'sh']];

async function discovered(plan: DiscoveryPlan, options?: ShellOptions): Promise<Discovery> {
  const result = await runInShell(plan.command, options);
  if (result.exitCode !== 0) throw plan.explain(result) ?? new Error(result.stderr);
  return plan.read(result.stdout);
}

const names = ({ found }: Discovery) => found.map(({ name }) => name);

/** What a drop that was killed leaves. */
const ASIDE = asideName(newId());

describe('databases of PostgreSQL', () => {
  let server: TestPostgres;
  const name = ownName(ODD);
  beforeAll(async () => {
    server = await sharedPostgres();
    await server.createDatabase(name);
    await server.query('CREATE TABLE t AS SELECT 1 AS a', name);
    await server.createDatabase(ASIDE);
  });
  afterAll(async () => {
    await server?.dropDatabase(ASIDE);
    await server?.stop();
  });
  const plan = (over: Partial<Parameters<typeof postgres.discover>[0]> = {}) =>
    postgres.discover({
      host: '127.0.0.1',
      port: server.port,
      ...server.superuser,
      folders: [],
      options: postgres.options.parse({}),
      ...over,
    });

  it.each(SHELLS)('are found with their sizes, whatever their names, in %s', async (...shell) => {
    const found = await discovered(plan(), { shell });
    const [row] = await server.query(
      `SELECT pg_database_size(datname)::int AS size FROM pg_database WHERE datname = '${name.replaceAll("'", "''")}'`,
    );
    expect(found.found.find((one) => one.name === name)).toEqual({ name, sizeBytes: row?.['size'] });
    expect(found.serverVersion).toMatch(/^\d+\.\d+/);
    expect(found.notes).toEqual([]);
    for (const template of ['template0', 'template1', 'postgres', ASIDE])
      expect(names(found)).not.toContain(template);
  });

  it('are said with the reason where nobody is let in', async () => {
    const refused = discovered(plan({ password: 'wrong "one"' }));
    await expect(refused).rejects.toMatchObject({
      code: 'dump_refused',
      message: expect.stringContaining('wrong user or password'),
    });
  });

  it('are not taken from a server that says something else', () => {
    expect(() => plan().read(Buffer.from('Welcome to db1!\0\0\0'))).toThrow('no usable answer');
    expect(() => plan().read(new Uint8Array())).toThrow('no usable answer');
  });
});

describe('databases of MariaDB', () => {
  let server: TestMariadb;
  const name = ownName(ODD.replaceAll('"', ''));
  beforeAll(async () => {
    server = await sharedMariadb();
    await server.createDatabase(name);
  });
  afterAll(() => server?.stop());
  const plan = (over: Partial<Parameters<typeof mysql.discover>[0]> = {}) =>
    mysql.discover({
      host: '127.0.0.1',
      port: server.port,
      ...server.superuser,
      folders: [],
      options: mysql.options.parse({}),
      ...over,
    });

  it.each(SHELLS)('are found with their sizes, whatever their names, in %s', async (...shell) => {
    const found = await discovered(plan(), { shell });
    expect(found.found.find((one) => one.name === name)).toEqual({ name, sizeBytes: 0 });
    expect(found.serverVersion).toContain('MariaDB');
    for (const system of ['mysql', 'sys', 'information_schema', 'performance_schema']) {
      expect(names(found)).not.toContain(system);
    }
  });

  it('are said with the reason where nobody is let in', async () => {
    const refused = discovered(plan({ password: 'wrong' }));
    await expect(refused).rejects.toMatchObject({ code: 'dump_refused' });
  });

  it('are not taken from a server that says something else', () => {
    expect(() => plan().read(Buffer.from('bridgeport:found=41 1\n'))).toThrow('no usable answer');
  });
});

describe('files of SQLite', () => {
  let folder: string;
  let file: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'discover-'));
    file = join(folder, 'app.db');
    const db = new Sqlite(file);
    db.exec('CREATE TABLE t (a)');
    db.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const plan = (folders: readonly string[]) =>
    sqlite.discover({
      ...{ host: null, port: null, username: null, password: null },
      folders,
      options: sqlite.options.parse({}),
    });
  /** A folder with those files in it, each the database or that text. */
  const treeOf = (files: Readonly<Record<string, string | null>>): string => {
    const root = mkdtempSync(join(folder, 'tree-'));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(root, path, '..'), { recursive: true });
      if (text === null) copyFileSync(file, join(root, path));
      else writeFileSync(join(root, path), text.padEnd(600, 'x'));
    }
    return root;
  };

  it.each(SHELLS)('are found by what is in them, whatever their names, in %s', async (...shell) => {
    const root = treeOf({
      [`deep/er/${ODD.replaceAll('/', '_')}`]: null,
      '-rf': null,
      'no extension': null,
      'looks like.sqlite': 'SQLite format 3~',
      'nearly.db': 'SQLite format 3\u0001',
      'page.html': 'the words SQLite format 3\0',
      ...Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`noise/${at}.log`, 'log'])),
      'noise/z.db': null,
    });
    const { found, notes } = await discovered(plan([root]), { shell });
    expect(found).toEqual(
      ['-rf', `deep/er/${ODD.replaceAll('/', '_')}`, 'no extension', 'noise/z.db'].map((path) => ({
        name: join(root, path),
        sizeBytes: 8192,
      })),
    );
    expect(notes).toEqual([]);
  });

  it('are not looked for behind links or below the eighth folder, but in a folder that is a link', async () => {
    const root = treeOf({ '1/2/3/4/5/6/7/8.db': null, '1/2/3/4/5/6/7/8/9.db': null });
    const other = treeOf({ 'x.db': null });
    symlinkSync(other, join(root, 'link'));
    symlinkSync(join(other, 'x.db'), join(root, 'link.db'));
    symlinkSync(root, join(folder, 'given'));
    const { found } = await discovered(plan([join(folder, 'given')]));
    expect(found.map(({ name }) => name)).toEqual([join(folder, 'given/1/2/3/4/5/6/7/8.db')]);
  });

  it('in folders that are missing or closed are missed with a word, and found once in overlapping ones', async () => {
    const root = treeOf({ 'a/b.db': null, 'a/closed.db': null, 'a/d.db': null, 'closed/c.db': null });
    for (const path of ['closed', 'a/closed.db']) chmodSync(join(root, path), 0);
    const asNobody = { shell: ['setpriv', '--reuid=65534', '--clear-groups', 'sh'] };
    chmodSync(folder, 0o755);
    chmodSync(root, 0o755);
    const { found, notes } = await discovered(plan([root, join(root, 'a'), `${root}/none`]), asNobody);
    expect(found.map(({ name }) => name)).toEqual([join(root, 'a/b.db'), join(root, 'a/d.db')]);
    expect(notes).toEqual([
      `There is no folder ${root}/none that may be looked into.`,
      `Not all of ${root} could be looked at: some of its folders may not be entered.`,
    ]);
  });

  it('leave nothing behind, of 1,000 others neither, and a list that ends somewhere', async () => {
    const root = mkdtempSync(join(folder, 'many-'));
    const script = `i=0; while [ $i -lt 1000 ]; do printf %600s x >"f$i"; i=$((i+1)); done`;
    execFileSync('sh', ['-c', script], { cwd: root });
    expect((await discovered(plan([root]))).found).toEqual([]);
    const printed = Array.from({ length: MOST_FOUND + 5 }, (_, at) => `file\0${at}\0/srv/${at}.db\0`).join(
      '',
    );
    const many = plan(['/srv']).read(Buffer.from(`search\0\0\0${printed}file\x001\0/srv/cut o`));
    expect(many.found).toHaveLength(MOST_FOUND);
    expect(many.notes).toEqual([`There are more than ${MOST_FOUND}; those after them are not listed.`]);
  });

  it('are listed up to so many however often the folders that were named lie in each other', () => {
    const most = (...folders: readonly string[]) => plan(folders).mostFields;
    const words = (folders: number) => 3 * 2 * folders;
    const files = (most('/srv') ?? 0) - words(1);
    expect(files).toBeGreaterThan(3 * MOST_FOUND);
    expect(most('/srv/app', '/srv', '/var/lib')).toBe(2 * files + words(3));
    expect(most('/srv/ü "a"/b/', '/srv/ü "a"', '/', '/srv/ü')).toBe(3 * files + words(4));
    expect(most('/srv', '/srv')).toBe(2 * files + words(2));
    expect(most('/srv/a', '/srv/ab', '/var')).toBe(files + words(3));
  });

  it('with names that are not in UTF-8 are counted, and nonsense is refused', () => {
    const bytes = Buffer.from([...Buffer.from('search\0\0\0file\x0042\0/srv/'), 0xff, 0]);
    expect(plan(['/srv']).read(bytes)).toMatchObject({
      found: [],
      notes: ['Left out because their names are not in UTF-8: 1.'],
    });
    expect(() => plan(['/srv']).read(Buffer.from('yes\n'.repeat(100)))).toThrow('no usable answer');
    expect(() => plan([])).toThrow('at least one folder');
  });

  it('can’t be looked for where find is missing, which is said', async () => {
    const result = await runInShell(plan(['/srv']).command, {
      shell: ['/bin/sh'],
      env: { PATH: '/nonexistent' },
    });
    expect(plan(['/srv']).explain(result)?.message).toContain('findutils');
  });
});

describe('records', () => {
  it('are read as they were written, and one that was cut off is left out', () => {
    const field = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(fc.tuple(field, field, field)), fc.nat(), (records, cut) => {
        const bytes = Buffer.from(
          records
            .flat()
            .map((text) => `${text}\0`)
            .join(''),
        );
        expect(readRecords(bytes, 3)).toEqual(records);
        const read = readRecords(bytes.subarray(0, cut), 3);
        expect(read).toEqual(records.slice(0, read.length));
      }),
    );
  });
});
