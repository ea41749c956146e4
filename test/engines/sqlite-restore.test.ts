import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { RestoreTarget } from '../../src/engines/restore.ts';
import { newSqliteGuard } from '../../src/engines/sqlite/guard/guard.ts';
import type { SqliteOptions } from '../../src/engines/sqlite/options.ts';
import { restoreSqlite } from '../../src/engines/sqlite/restore.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { isAppError } from '../../src/errors.ts';
import { createRandom } from '../attack/verdict.ts';
import { byHand } from '../support/by-hand.ts';
import { SEED } from '../support/seed.ts';
import { buildSqliteDump } from '../support/sqlite-dump.ts';
import { ourKey, storedDump, writeStored } from '../support/stored-dump.ts';
import { cutAt } from './proofs.ts';
import { CUT, checksOf, load, restore, rowsInDump, runOn } from './restoring.ts';
import { runInShell } from './shell.ts';
import { contentOf, fillNasty } from './sqlite-data.ts';

const folder = mkdtempSync(join(tmpdir(), "rest'ore ü <script> "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const program = await buildSqliteDump('restore');
afterAll(() => program.remove());

/** A machine without sqlite3. */
const bare = join(folder, 'bin');
mkdirSync(bare);
for (const name of [
  'sh',
  'cat',
  'chgrp',
  'chmod',
  'chown',
  'df',
  'head',
  'id',
  'ln',
  'ls',
  'mkdir',
  'mv',
  'rm',
  'rmdir',
  'sleep',
  'stat',
  'sync',
  'tail',
  'tr',
  'wc',
  'base64',
])
  symlinkSync(`/usr/bin/${name}`, join(bare, name));
const OURS = { PATH: bare, BRIDGEPORT_SQLITE_DUMP: program.command };
const machines: readonly [string, Readonly<Record<string, string>> | undefined][] = [
  ['sqlite3', undefined],
  ['our own command', OURS],
];

/** In WAL mode, with a writer that still has it open. */
const source = join(folder, 'sou"rce $x.db');
const writer = new Database(source);
writer.pragma('journal_mode = WAL');
fillNasty(writer, { withExactValues: false });
chmodSync(source, 0o640);
afterAll(() => writer.close());

async function dumped(backupFormat: 'plain' | 'binary'): Promise<Buffer> {
  const nothing = { host: null, port: null, databaseName: null, username: null, password: null };
  const { command } = sqlite.dump({
    ...nothing,
    options: sqlite.options.parse({ filePath: source, backupFormat }),
  });
  const scratch = join(folder, `.bridgeport-${backupFormat}`, 'copy');
  const script = `scratch='${scratch.replaceAll("'", "'\\''")}'\n${command.script}`;
  const { exitCode, stderr, stdout } = await runInShell({ script });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}
const plain = await dumped('plain');
const binary = await dumped('binary');

const random = createRandom(SEED);

let names = 0;
function target(over: Partial<RestoreTarget<SqliteOptions>> = {}): RestoreTarget<SqliteOptions> {
  names += 1;
  const home = join(folder, `app ${names}`);
  mkdirSync(home);
  return {
    host: null,
    port: null,
    databaseName: null,
    username: null,
    password: null,
    options: sqlite.options.parse({ filePath: source }),
    newName: join(home, `new 'ü" $(touch x).db`),
    token: `t${names}`,
    format: 'plain',
    serverVersion: '3.40.1',
    clientVersion: null,
    expectedBytes: 100_000,
    needs: null,
    ...over,
  };
}

function filesBeside({ newName }: RestoreTarget): readonly string[] {
  return readdirSync(join(newName, '..'));
}

describe.each(machines)('by %s', (_name, environment) => {
  it('SQL text comes back with equal content, mode and owner of the source', async () => {
    const to = target();
    const plan = restoreSqlite(to);
    expect((await checksOf(plan, environment)).filter(({ ok }) => !ok)).toEqual([]);
    const rows = await restore(plan, plain, environment);
    expect(rows).toMatchObject({ plain: 5, parent: 2, child: 3, empty_one: 0, without: 3, words_content: 2 });
    expect(rows).not.toHaveProperty('words');
    expect(rows).toEqual(rowsInDump(sqlite.storedProof('plain'), plain));
    expect(contentOf(to.newName)).toEqual(contentOf(source));
    expect(statSync(to.newName).mode & 0o777).toBe(0o640);
    expect(filesBeside(to)).toHaveLength(1);
    // Whole and named: nobody's to remove, and ended well if asked again.
    await runOn(plan, plan.finish ?? plan.create, undefined, environment);
    await runOn(plan, plan.remove, undefined, environment);
    expect(filesBeside(to)).toHaveLength(1);
    expect((await checksOf(plan, environment)).filter(({ ok }) => !ok).map(({ name }) => name)).toEqual([
      'Name',
    ]);
    await expect(runOn(plan, plan.create, undefined, environment)).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('a copy of the file comes back as it is', async () => {
    const to = target({ format: 'binary' });
    await restore(restoreSqlite(to), binary, environment);
    expect(readFileSync(to.newName).equals(binary)).toBe(true);
    expect(filesBeside(to)).toHaveLength(1);
  });

  it('nothing stays where the source breaks off, of text or of a copy', async () => {
    const borders = [...plain.toString('latin1').matchAll(/;\n/g)].map(({ index }) => index + 2);
    const anywhere = (dump: Buffer) => Math.floor(random() * dump.length);
    const cuts = [
      ...[anywhere(plain), anywhere(plain), plain.length].map((cutAt) => ['plain', plain, cutAt] as const),
      ...[0.2, 0.5, 0.9].map((place) => {
        const border = borders[Math.floor(place * borders.length)] ?? 0;
        return ['plain', plain, border] as const;
      }),
      ...[anywhere(binary), anywhere(binary), binary.length].map(
        (cutAt) => ['binary', binary, cutAt] as const,
      ),
    ];
    console.log(`cuts by seed ${SEED}: ${cuts.map(([format, , cutAt]) => `${format} ${cutAt}`).join(', ')}`);
    for (const [format, dump, cutAt] of cuts) {
      const to = target({ format });
      const options = environment ? { cutAt, environment } : { cutAt };
      await expect(load(restoreSqlite(to), dump, options)).rejects.toBe(CUT);
      expect(filesBeside(to)).toEqual([]);
    }
  });
});

it.each([
  ['UTF-8', 'utf8'],
  ['UTF-16le', 'utf16le'],
] as const)('a name that begins with a byte order mark is told as it is, in %s', (encoding, spelling) => {
  const names = ['users', '\ufeffusers'];
  const lines = names.map((name) => `bridgeport:rows=${Buffer.from(name, spelling).toString('hex')} 1`);
  const answer = [`bridgeport:encoding=${encoding}`, ...lines, 'bridgeport:end\n'].join('\n');
  expect(
    restoreSqlite(target())
      .count.read(answer)
      .map(({ name }) => name),
  ).toEqual(names);
});

it('a file that is not whole gets no name', async () => {
  const damaged = Buffer.from(binary);
  damaged.fill(0xff, Math.floor(damaged.length / 2), Math.floor(damaged.length / 2) + 8192);
  const to = target({ format: 'binary' });
  const plan = restoreSqlite(to);
  await load(plan, damaged);
  await expect(runOn(plan, plan.check)).rejects.toMatchObject({ code: 'dump_failed' });
  await expect(runOn(plan, plan.finish ?? plan.create)).rejects.toMatchObject({
    code: 'dump_failed',
    message: expect.stringMatching(/integrity_check/),
  });
  await runOn(plan, plan.remove);
  expect(filesBeside(to)).toEqual([]);
});

it('a name that somebody else took meanwhile is not replaced', async () => {
  const to = target();
  const plan = restoreSqlite(to);
  await load(plan, plain);
  writeFileSync(to.newName, 'of somebody else');
  await expect(runOn(plan, plan.finish ?? plan.create)).rejects.toMatchObject({ code: 'conflict' });
  await runOn(plan, plan.remove);
  expect(readFileSync(to.newName, 'utf8')).toBe('of somebody else');
  expect(filesBeside(to)).toHaveLength(1);
});

it('a name whose old journal is left is refused', async () => {
  const to = target();
  writeFileSync(`${to.newName}-wal`, 'old');
  const [check] = (await checksOf(restoreSqlite(to))).filter(({ ok }) => !ok);
  expect(check?.says).toMatch(/\(-wal\): SQLite would read it into the new one/);
});

it('what stands in the way is a line each', async () => {
  const to = target({ expectedBytes: 2 ** 60 });
  const nowhere = { ...to, newName: '/nowhere ü/x.db' };
  const says = (await checksOf(restoreSqlite(nowhere))).filter(({ ok }) => !ok).map(({ says }) => says);
  expect(says).toEqual([expect.stringMatching(/^There is no such folder/)]);
  const full = (await checksOf(restoreSqlite(to))).filter(({ ok }) => !ok).map(({ says }) => says);
  expect(full).toEqual([expect.stringMatching(/^Only .* about 1024 PiB are needed/)]);
});

it.each(['', 'x.db', '/x/', '/a/../x.db', `/${'x'.repeat(250)}`, '/nul\0'])(
  'refuses the path %j',
  (newName) => {
    expect(() => restoreSqlite({ ...target(), newName })).toThrow(/can't be the path of a new file/);
  },
);

describe('a hostile dump', () => {
  const canary = join(folder, 'canary');
  const statements: Readonly<Record<string, string>> = {
    'a command': `.shell touch '${canary}'`,
    'a command behind a trigger': `CREATE TRIGGER x AFTER INSERT ON plain BEGIN SELECT 1; END;\n.trace '${canary}'`,
    'a command behind a slash': `CREATE VIEW x AS SELECT 1\n/\n.trace '${canary}'`,
    'a command behind go': `CREATE VIEW x AS SELECT 1\n  GO \n.trace '${canary}'`,
    'a command behind a NUL': `CREATE VIEW x AS SELECT 1\0'\n;\n.trace '${canary}'\n';`,
    'another file': `ATTACH '${canary}' AS x;`,
    'a copy elsewhere': `VACUUM INTO '${canary}';`,
    'a function that writes': `SELECT writefile('${canary}', 'x');`,
    'a setting of files': `PRAGMA temp_store_directory = '${canary}';`,
    'a virtual table': `CREATE VIRTUAL TABLE x USING csv(filename='/etc/passwd');`,
    'a query': 'EXPLAIN SELECT 1;',
    'rows of the files of the host': `INSERT INTO plain SELECT data, 1 FROM fsdir('/etc/passwd');`,
    'a value of the files of the host': `INSERT INTO plain VALUES(1,(SELECT data FROM fsdir('/etc/passwd')));`,
    'a value that tells of the files of the host': `INSERT INTO plain VALUES(1,'/etc/passwd' IN fsdir('/etc'));`,
    'a value by a function': `INSERT INTO plain VALUES(1,readfile('/etc/passwd'));`,
    'more than rows': `INSERT INTO plain VALUES(1,2) RETURNING (SELECT data FROM fsdir('/etc/passwd'));`,
    'a table of the files of the host': `CREATE TABLE x AS SELECT data FROM fsdir('/etc/passwd');`,
    'a table that tells of the files of the host': `CREATE TABLE x AS VALUES('/etc/passwd' IN fsdir('/etc'));`,
  };
  const holding = (statement: string) => {
    const at = plain.indexOf('CREATE TABLE');
    return Buffer.concat([plain.subarray(0, at), Buffer.from(`${statement}\n`), plain.subarray(at)]);
  };

  it.each(Object.entries(statements))('with %s is refused, in any chunks', (_name, statement) => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (places) => {
        expect(refuses(cutAt(holding(statement), places))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('without that guard still reaches no file and runs no command', async () => {
    for (const name of ['a command', 'another file', 'a copy elsewhere', 'a function that writes']) {
      const dump = holding(statements[name] ?? '');
      for (const [, environment] of machines) {
        const options = { isGuarded: false, ...(environment ? { environment } : {}) };
        const to = target();
        await load(restoreSqlite(to), dump, options).catch(() => {});
      }
    }
    expect(existsSync(canary)).toBe(false);
  });

  it('is not what dumps are, in any chunks', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }), (places) => {
        expect(refuses(cutAt(plain, places))).toBe(false);
      }),
      { numRuns: 30 },
    );
    const ours = spawnSync('sh', ['-c', `${program.command} "$0"`, source], { encoding: 'buffer' }).stdout;
    expect(ours.length).toBeGreaterThan(1000);
    expect(refuses([ours])).toBe(false);
  });

  function refuses(chunks: readonly Uint8Array[]): boolean {
    const guard = newSqliteGuard();
    try {
      for (const chunk of chunks) guard.observe(chunk);
      return false;
    } catch (error) {
      if (isAppError(error, 'dump_unsafe')) return true;
      throw error;
    }
  }
});

it('is what bridgeport-restore makes with --into, and nothing stays of a backup that is damaged', async () => {
  const path = join(folder, 'by hand "ü" 😀.sql.zst');
  const plain = Buffer.from(
    'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE "t ü"(a);\nINSERT INTO "t ü" VALUES(1);\nINSERT INTO "t ü" VALUES(\'x; COMMIT;\');\nCOMMIT;\n',
  );
  const of = { type: 'sqlite', format: 'plain', compression: 'zstd-3' } as const;
  writeStored(path, await storedDump(plain, of));
  const made = join(folder, 'made by hand ü.db');
  const ended = await byHand([path, '--public-key', ourKey, '--into', made]);
  expect(ended).toMatchObject({
    status: 0,
    said: expect.stringContaining('1 tables and 2 rows, as many as the manifest tells of'),
  });
  const db = new Database(made, { readonly: true });
  expect(db.prepare('SELECT a FROM "t ü"').pluck().all()).toEqual([1, 'x; COMMIT;']);
  db.close();
  const shorter = Buffer.from(plain.toString().replace('INSERT INTO "t ü" VALUES(1);\n', ''));
  writeStored(path, await storedDump(shorter, { ...of, counted: plain }));
  const before = readdirSync(folder);
  const refused = await byHand([path, '--public-key', ourKey, '--into', join(folder, 'never.db')]);
  expect(refused).toMatchObject({ status: 6, said: expect.stringContaining('all is as it was') });
  expect(readdirSync(folder)).toEqual(before);
});
