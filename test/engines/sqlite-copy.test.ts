import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { newSqliteFileProof } from '../../src/engines/end-proof/sqlite-file.ts';
import type { EngineTarget } from '../../src/engines/engine.ts';
import type { SqliteOptions } from '../../src/engines/sqlite/options.ts';
import { restoreSqlite } from '../../src/engines/sqlite/restore.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { quote } from '../../src/hosts/quote.ts';
import { buildSqliteDump } from '../support/sqlite-dump.ts';
import { cutAt, isWhole } from './proofs.ts';
import { restore } from './restoring.ts';
import { type Finished, runInShell, type ShellOptions } from './shell.ts';
import { contentOf, fillNasty } from './sqlite-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'copy '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let scratchFolder: string;
beforeEach(() => {
  scratchFolder = mkdtempSync(join(folder, 'scratch ü $x '));
});

const dump = await buildSqliteDump('copy');
afterAll(() => dump.remove());
/** A machine that has everything but sqlite3. */
const bare = join(folder, 'bin');
mkdirSync(bare);
for (const program of [
  ...['sh', 'head', 'tail', 'tr', 'wc', 'cat', 'df', 'id', 'ls', 'mkdir', 'rm', 'rmdir', 'chgrp', 'chmod'],
  ...['chown', 'ln', 'mv', 'sleep', 'stat', 'sync', 'base64'],
])
  symlinkSync(`/usr/bin/${program}`, join(bare, program));
/** A machine whose sqlite3 is older than `-safe`. */
const old = join(folder, 'old');
mkdirSync(old);
writeFileSync(
  join(old, 'sqlite3'),
  `#!/bin/sh
case " $* " in *' -safe '*) echo 'unknown option: -safe' >&2; exit 1 ;; esac
exec /usr/bin/sqlite3 "$@"
`,
);
chmodSync(join(old, 'sqlite3'), 0o755);

/** As a sqlite3 from 3.44 on answers where a virtual table can't be asked. */
const newer = join(folder, 'newer');
mkdirSync(newer);
writeFileSync(
  join(newer, 'sqlite3'),
  `#!/bin/sh
case " $* " in *' file:restored.sqlite'*) ;; *) exec /usr/bin/sqlite3 "$@" ;; esac
IFS= read -r first
[ "$first" = 'PRAGMA integrity_check(3);' ] && echo 'Runtime error near line 1: SQL logic error' >&2 && exit 1
{ printf '%s\\n' "$first"; cat; } | /usr/bin/sqlite3 "$@"
`,
);
chmodSync(join(newer, 'sqlite3'), 0o755);

type Machine = readonly [string, ShellOptions];
const sqlite3: Machine = ['sqlite3', {}];
const oldSqlite3: Machine = ['an old sqlite3', { env: { PATH: `${old}:${process.env['PATH']}` } }];
const ours: Machine = [
  'our own command',
  { shell: ['/bin/sh'], env: { PATH: bare, BRIDGEPORT_SQLITE_DUMP: dump.command } },
];
const newerSqlite3: Machine = ['a newer sqlite3', { env: { PATH: `${newer}:${process.env['PATH']}` } }];
const machines = [sqlite3, oldSqlite3, ours];

function target(filePath: string, backupFormat: string, more = {}): EngineTarget<SqliteOptions> {
  const nothing = { host: null, port: null, databaseName: null, username: null, password: null };
  return { ...nothing, options: sqlite.options.parse({ filePath, backupFormat, ...more }) };
}

async function copied(path: string, options: ShellOptions = {}, within = scratchFolder): Promise<Finished> {
  const { script } = sqlite.dump(target(path, 'binary')).command;
  const scratch = join(within, '.bridgeport-token', 'scratch-copy');
  return runInShell({ script: `scratch=${quote(scratch)}\n${script}` }, options);
}

function explained(path: string, failure: Finished) {
  return sqlite.dump(target(path, 'binary')).explain(failure);
}

let files = 0;
function newFile(fill: (db: Database.Database) => void): string {
  const path = join(folder, `db '${++files}' 🙂.db`);
  const db = new Database(path);
  fill(db);
  db.close();
  return path;
}

/** With what only its application has: SQLite looks for a collation no earlier than it compares. */
function ofAnApplication(name: string, statements: string): string {
  const path = join(folder, `${name} ${++files}.db`);
  const db = new Database(path);
  db.function('slug', { deterministic: true }, (text) => text);
  db.unsafeMode(true);
  db.exec(`${statements}; INSERT INTO m (t) VALUES ('a'), ('b'); PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = replace(sql, 'NOCASE', '"app ""coll"') WHERE type <> 'table' OR sql NOT LIKE '% VIRTUAL %';
    UPDATE sqlite_schema SET sql = replace(replace(sql, 'porter', 'app_words'), 'USING fts4', 'USING app_module')
    WHERE sql LIKE '% VIRTUAL %'`);
  db.close();
  return path;
}

const NEEDY: readonly [string, string, string][] = [
  ['an index', `CREATE TABLE m (t TEXT COLLATE NOCASE); CREATE INDEX ix ON m (t)`, 'collation'],
  ['a key', `CREATE TABLE m (t TEXT COLLATE NOCASE PRIMARY KEY) WITHOUT ROWID`, 'collation'],
  ['a comparison', `CREATE TABLE m (t TEXT COLLATE NOCASE, CHECK (t <> ''))`, 'collation'],
  ['a CHECK', `CREATE TABLE m (t TEXT, CHECK (slug(t) <> ''))`, 'function'],
  ['an index on a function', 'CREATE TABLE m (t TEXT); CREATE INDEX ix ON m (slug(t))', 'function'],
  ['a generated column', 'CREATE TABLE m (t TEXT, s AS (slug(t)))', 'function'],
];

describe.each(NEEDY)('a file that needs its application for %s', (name, statements, kind) => {
  const path = ofAnApplication(name, statements);
  const missing = kind === 'collation' ? 'the collation "app \\"coll"' : 'the function "slug"';

  it.each([sqlite3, ours])('is told before its dump by %s', async (_, options) => {
    const plan = sqlite.dump(target(path, 'plain'));
    const failure = await runInShell(plan.command, options);
    expect(failure.stdout.toString()).toBe('');
    expect(plan.explain(failure), failure.stderr).toMatchObject({
      code: 'dump_failed',
      message: expect.stringMatching(/of its application.*Choose the format binary/),
    });
    expect(plan.explain(failure)?.message).toContain(missing);
  });

  it.each([sqlite3, ours])('is told by a look with %s', async (_, options) => {
    const plan = sqlite.look(target(path, 'plain'));
    const { stdout } = await runInShell(plan.command, options);
    const { warnings } = plan.read(stdout.toString());
    expect(warnings.at(-1)).toContain(missing);
    expect(warnings.at(-1)).toContain('Choose the format binary');
    const asCopy = sqlite.look(target(path, 'binary'));
    expect(asCopy.read((await runInShell(asCopy.command, options)).stdout.toString()).warnings).toEqual([
      expect.stringContaining('while it is copied'),
    ]);
  });

  it.each(machines)('is copied as it is by %s', async (_, options) => {
    const { exitCode, stderr, stdout } = await copied(path, options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(isWhole(newSqliteFileProof, [stdout])).toBe(true);
    const original = readFileSync(path);
    // But for the counters of changes and of the schema.
    const content = (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 24), bytes.subarray(100)]);
    expect(content(stdout).equals(content(original))).toBe(true);
    expect(readdirSync(scratchFolder)).toEqual([]);
  });
});

/** Nothing of them is read for a dump: their definitions are rows, and what they hold lies in tables beside them. */
describe.each([
  [
    'a tokenizer',
    `CREATE VIRTUAL TABLE m USING fts5(t, tokenize = 'porter')`,
    'no such tokenizer: app_words',
  ],
  ['a module', 'CREATE VIRTUAL TABLE m USING fts4(t)', 'no such module: app_module'],
])('a file with a virtual table that needs %s of its application', (name, statements, lacks) => {
  const path = ofAnApplication(name, statements);
  const textOf = (file: string) => execFileSync('sqlite3', [file, '.dump'], { encoding: 'utf8' });

  it('can not be asked by sqlite3', () => {
    const asked = spawnSync('sqlite3', [path, 'SELECT * FROM m'], { encoding: 'utf8' });
    expect(asked.stderr).toContain(lacks);
  });

  it.each([sqlite3, newerSqlite3, ours])(
    'is dumped as SQL text and restored as it was, by %s',
    async (_, options) => {
      const { exitCode, stderr, stdout } = await runInShell(
        sqlite.dump(target(path, 'plain')).command,
        options,
      );
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      const newName = join(folder, `restored ${++files}.db`);
      const plan = restoreSqlite({
        ...{ ...target(path, 'plain'), newName, token: `t${files}`, format: 'plain', needs: null },
        ...{ serverVersion: null, clientVersion: null, expectedBytes: null },
      });
      await restore(plan, stdout, options.env);
      expect(textOf(newName)).toBe(textOf(path));
      expect(textOf(newName)).toContain('app_');
    },
  );

  it.each(machines)('is copied as it is by %s', async (_, options) => {
    const { exitCode, stderr, stdout } = await copied(path, options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const copy = join(folder, `copied ${++files}.db`);
    writeFileSync(copy, stdout);
    expect(textOf(copy)).toBe(textOf(path));
  });
});

/** The sqlite3 of Debian 12 takes its own JSON functions for unsafe ones where no schema is trusted. */
describe.each([sqlite3, ours])('a file with JSON in its definitions, by %s', (_, options) => {
  const path = newFile((db) =>
    db.exec(`CREATE TABLE "m 'ü" (id INTEGER PRIMARY KEY, d TEXT CHECK (json_valid(d) OR d IS NULL),
      k AS (json_extract(d, '$.k')) STORED); CREATE INDEX ix ON "m 'ü" (d ->> 'k');
      INSERT INTO "m 'ü" (d) VALUES ('{"k":"🙂"}'), (NULL)`),
  );

  const rowsOf = (file: string) => {
    const db = new Database(file);
    const rows = db.prepare(`SELECT id, d, k FROM "m 'ü" INDEXED BY ix WHERE d ->> 'k' = '🙂'`).all();
    const found = [rows, db.prepare(`SELECT count(*) FROM "m 'ü"`).get(), db.pragma('integrity_check')];
    db.close();
    return found;
  };

  it('is dumped as SQL text that can be restored', async () => {
    const plan = sqlite.dump(target(path, 'plain'));
    const { exitCode, stderr, stdout } = await runInShell(plan.command, options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const restored = join(folder, `restored ${++files}.db`);
    execFileSync('sqlite3', ['-bail', restored], { input: stdout });
    expect(rowsOf(restored)).toEqual(rowsOf(path));
  });

  it('is copied', async () => {
    const { exitCode, stderr, stdout } = await copied(path, options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const copy = join(folder, `copied ${++files}.db`);
    writeFileSync(copy, stdout);
    expect(rowsOf(copy)).toEqual(rowsOf(path));
  });

  it('needs nothing of its application, as a look says', async () => {
    const plan = sqlite.look(target(path, 'plain'));
    const { stdout } = await runInShell(plan.command, options);
    expect(plan.read(stdout.toString()).warnings).toEqual([expect.stringContaining('not in WAL mode')]);
  });
});

describe.each(machines)('a copy by %s', (_, options) => {
  it('has equal content, and is no text', async () => {
    const path = newFile((db) => fillNasty(db, { withExactValues: true }));
    const { stdout } = await copied(path, options);
    const copy = join(folder, `copied ${++files}.db`);
    writeFileSync(copy, stdout);
    expect(contentOf(copy)).toEqual(contentOf(path));
  });

  it('holds what lies only in the file -wal, and leaves the folder as it was', async () => {
    const path = newFile((db) => db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)'));
    const writer = new Database(path);
    try {
      writer.pragma('wal_autocheckpoint = 0');
      const add = writer.prepare('INSERT INTO t VALUES (?)');
      writer.transaction(() => {
        for (let n = 0; n < 2_000; n += 1) add.run(`row ${n} ${'x'.repeat(100)}`);
      })();
      const before = readdirSync(folder);
      const { stdout } = await copied(path, options);
      expect(isWhole(newSqliteFileProof, [stdout])).toBe(true);
      expect(readdirSync(folder)).toEqual(before);
      const copy = join(folder, `copied ${++files}.db`);
      writeFileSync(copy, stdout);
      const db = new Database(copy);
      const found = [db.prepare('SELECT count(*) FROM t').pluck().get(), db.pragma('integrity_check')];
      db.close();
      expect(found).toEqual([2_000, [{ integrity_check: 'ok' }]]);
    } finally {
      writer.close();
    }
  });

  it('is not made where there is no room for it', async () => {
    const path = newFile((db) => db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)'));
    const full = mkdtempSync(join(folder, 'full-'));
    writeFileSync(
      join(full, 'df'),
      `#!/bin/sh\necho 'Filesystem 1024-blocks Used Available Capacity Mounted on'\necho '//a b/My Share 100 99 1 99% /x y'\n`,
    );
    chmodSync(join(full, 'df'), 0o755);
    const env = { ...options.env, PATH: `${full}:${options.env?.['PATH'] ?? process.env['PATH']}` };
    const failure = await copied(path, { ...options, env });
    expect(explained(path, failure), failure.stderr).toMatchObject({
      message: expect.stringMatching(/no room.*8192 bytes.*where 1024 are free/),
    });
    expect(readdirSync(scratchFolder)).toEqual([]);
  });

  it('is made in no folder that others could exchange', async () => {
    const path = newFile((db) => db.exec('CREATE TABLE t (x)'));
    const open = join(scratchFolder, 'open');
    mkdirSync(join(open, 'mine'), { recursive: true });
    symlinkSync(open, join(scratchFolder, 'link'));
    for (const [mode, isSafe] of [
      [0o777, false],
      [0o1777, true],
      [0o757, false],
      [0o755, true],
    ] as const) {
      chmodSync(open, mode);
      for (const within of [open, join(open, 'mine'), join(scratchFolder, 'link', 'mine')]) {
        const { exitCode, ...failure } = await copied(path, options, within);
        expect(exitCode === 0, `${mode.toString(8)} ${within} ${failure.stderr}`).toBe(isSafe);
        if (isSafe) continue;
        expect(explained(path, { exitCode, ...failure })).toMatchObject({
          code: 'dump_refused',
          message: expect.stringContaining('can be changed by others'),
        });
      }
    }
    expect(readdirSync(join(open, 'mine'))).toEqual([]);
  });
});

describe('the end of a copy', () => {
  it('is proved in any chunking, and missed wherever it is cut', async () => {
    const path = newFile((db) => {
      db.exec('PRAGMA page_size = 512; CREATE TABLE t (x)');
      for (let n = 0; n < 20; n += 1) db.prepare('INSERT INTO t VALUES (?)').run('x'.repeat(200));
    });
    const { stdout } = await copied(path);
    for (const places of [[], [0.001, 0.002], [0.01, 0.5, 0.99]]) {
      expect(isWhole(newSqliteFileProof, cutAt(stdout, places))).toBe(true);
    }
    const accepted = Array.from(stdout.keys()).filter((end) =>
      isWhole(newSqliteFileProof, [stdout.subarray(0, end)]),
    );
    expect(accepted).toEqual([]);
    expect(isWhole(newSqliteFileProof, [stdout, Buffer.from('\n')])).toBe(false);
    expect(isWhole(newSqliteFileProof, [Buffer.from('Welcome!\n'), stdout])).toBe(false);
  });

  it.each([16, 18, 21, 27, 31, 47, 59, 95, 100])(
    'is missed with the byte %i of the header changed',
    async (at) => {
      const path = newFile((db) => db.exec('CREATE TABLE t (x)'));
      const { stdout } = await copied(path);
      const changed = Buffer.from(stdout);
      changed[at] = (changed[at] ?? 0) ^ 0x55;
      expect(isWhole(newSqliteFileProof, [changed])).toBe(false);
    },
  );
});

it('says where a copy is made without need', async () => {
  const path = newFile((db) =>
    db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x); CREATE INDEX i ON t (x)'),
  );
  for (const [, options] of [sqlite3, ours]) {
    const plan = sqlite.look(target(path, 'binary'));
    const { stdout } = await runInShell(plan.command, options);
    expect(plan.read(stdout.toString()).warnings).toEqual([
      expect.stringContaining('plain would do as well'),
    ]);
  }
});

it('says where an old sqlite3 can not try the definitions', async () => {
  const path = newFile((db) => db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)'));
  const plan = sqlite.look(target(path, 'plain'));
  const { stdout } = await runInShell(plan.command, oldSqlite3[1]);
  expect(plan.read(stdout.toString()).warnings).toEqual([expect.stringContaining('older than 3.37')]);
});

describe('file extension and content type of a copy', () => {
  it.each([
    ['none', '.sqlite', 'application/vnd.sqlite3'],
    ['gzip', '.sqlite.gz', 'application/gzip'],
    ['zstd', '.sqlite.zst', 'application/zstd'],
  ])('with %s are %s, %s', (backupCompression, extension, contentType) => {
    const plan = sqlite.dump(target('/x', 'binary', { backupCompression, backupScratchPath: '/big one' }));
    expect([plan.fileExtension, plan.contentType, plan.compression.type, plan.scratch]).toEqual([
      extension,
      contentType,
      backupCompression,
      { folder: '/big one' },
    ]);
  });
});
