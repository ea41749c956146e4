import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
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
import { newSqliteTextProof } from '../../src/engines/end-proof/sqlite-text.ts';
import type { EngineTarget } from '../../src/engines/engine.ts';
import type { SqliteOptions } from '../../src/engines/sqlite/options.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import type { HostCommand } from '../../src/hosts/host.ts';
import { quote } from '../../src/hosts/quote.ts';
import { buildSqliteDump } from '../support/sqlite-dump.ts';
import { cutAt, isWhole } from './proofs.ts';
import { runInShell, type ShellOptions } from './shell.ts';
import { contentOf, fillNasty, NASTY_SCHEMA } from './sqlite-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'sqlite-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function newFile(fill: (db: Database.Database) => void): string {
  const path = join(folder, `db ${++files}.db`);
  const db = new Database(path);
  fill(db);
  db.close();
  return path;
}

function target(filePath: string | null, options: Record<string, unknown> = {}): EngineTarget<SqliteOptions> {
  const nothing = { host: null, port: null, databaseName: null, username: null, password: null };
  return { ...nothing, options: sqlite.options.parse({ filePath, ...options }) };
}

const dump = await buildSqliteDump('plain');
afterAll(() => dump.remove());
/** A machine that has everything but sqlite3. */
const bare = join(folder, 'bin');
mkdirSync(bare);
for (const program of ['sh', 'head', 'tail', 'tr', 'wc'])
  symlinkSync(`/usr/bin/${program}`, join(bare, program));

const dumpers: readonly [string, ShellOptions][] = [
  ['sqlite3', {}],
  ['our own command', { shell: ['/bin/sh'], env: { PATH: bare, BRIDGEPORT_SQLITE_DUMP: dump.command } }],
];

async function dumped(path: string, options: ShellOptions = {}): Promise<Buffer> {
  const plan = sqlite.dump(target(path));
  const { exitCode, stderr, stdout } = await runInShell(plan.command, options);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const proof = plan.newEndProof();
  proof.observe(stdout);
  proof.finish();
  return stdout;
}

function rowsOf(path: string, table: string): unknown[] {
  const db = new Database(path, { readonly: true });
  const rows = db.prepare(`SELECT * FROM ${table}`).all();
  db.close();
  return rows;
}

/** By the stock program, into a new file. */
async function restored(sql: Buffer): Promise<string> {
  const path = join(folder, `restored ${++files}.db`);
  const result = await runInShell({ script: `exec sqlite3 -bail ${quote(path)}` }, { input: sql });
  expect({ exitCode: result.exitCode, stderr: result.stderr }).toEqual({ exitCode: 0, stderr: '' });
  return path;
}

describe.each(dumpers)('a dump by %s', (name, options) => {
  it('restores by sqlite3 with equal schema and content', async () => {
    const path = newFile((db) => fillNasty(db, { withExactValues: name !== 'sqlite3' }));
    const copy = await restored(await dumped(path, options));
    expect(contentOf(copy)).toEqual(contentOf(path));
  });

  it('leaves the folder as it was, also in WAL mode', async () => {
    const path = newFile((db) => {
      db.pragma('journal_mode = WAL');
      db.exec('CREATE TABLE t (x); INSERT INTO t VALUES (1)');
    });
    const before = readdirSync(folder);
    await dumped(path, options);
    expect(readdirSync(folder)).toEqual(before);
  });

  it('is consistent while a writer commits, in WAL mode', async () => {
    const path = newFile((db) => {
      db.pragma('journal_mode = WAL');
      db.exec('CREATE TABLE a (n INTEGER, pad TEXT); CREATE TABLE b (n INTEGER, pad TEXT)');
      const add = db.prepare('INSERT INTO a VALUES (?, ?)');
      const addB = db.prepare('INSERT INTO b VALUES (?, ?)');
      db.transaction(() => {
        for (let n = 0; n < 30_000; n += 1) {
          add.run(n, 'x'.repeat(50));
          addB.run(n, 'y'.repeat(50));
        }
      })();
    });
    // Each transaction adds one row to both tables: in any consistent picture their counts are equal.
    const writer = spawn(process.execPath, ['--input-type=module', '-e', WRITER, path], {
      cwd: import.meta.dirname,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await new Promise((resolve) => writer.stdout.once('data', resolve));
    try {
      for (let round = 0; round < 3; round += 1) {
        const copy = new Database(await restored(await dumped(path, options)), { readonly: true });
        const [a, b] = ['a', 'b'].map((table) =>
          copy.prepare(`SELECT count(*), max(n) FROM ${table}`).raw().get(),
        );
        copy.close();
        expect(a).toEqual(b);
      }
    } finally {
      const ended = new Promise((resolve) => writer.once('exit', resolve));
      writer.stdin.end();
      await ended;
    }
    const db = new Database(path, { readonly: true });
    const written = db.prepare('SELECT count(*) FROM a').pluck().get();
    db.close();
    expect(written).toBeGreaterThan(30_000);
  });

  it.each([
    `quotes ' " \` here.db`,
    'spaces  and $(touch never) `id` $HOME.db',
    'new\nline.db',
    '-dash.db',
    'file:x?mode=memory&cache=shared#y%00.db',
    ':memory:',
    'ünïcödé 🙂 漢字.db',
    '\\back\\slash;.db',
  ])('takes the file name %j as it is', async (fileName) => {
    const place = mkdtempSync(join(folder, 'names-'));
    const path = join(place, fileName);
    const db = new Database(path);
    db.exec(`CREATE TABLE t (x); INSERT INTO t VALUES ('only here')`);
    db.close();
    expect((await dumped(path, options)).toString()).toContain('only here');
    expect(readdirSync(place)).toEqual([fileName]);
  });

  it('of a table with very many columns restores', async () => {
    // Ours reads two values for each column, of which SQLite gives 2,000.
    const length = name === 'sqlite3' ? 1_900 : 990;
    const names = Array.from({ length }, (_, index) => `c${index}`);
    const path = newFile((db) => {
      db.exec(`CREATE TABLE wide (${names.join(', ')})`);
      db.exec(`INSERT INTO wide VALUES (${names.map((column) => `'${column}'`).join(', ')})`);
    });
    const copy = await restored(await dumped(path, options));
    expect(rowsOf(copy, 'wide')).toEqual(rowsOf(path, 'wide'));
  });

  it.each([
    ['CREATE VIEW v AS SELECT 10\n / \n5 AS x', true],
    ['CREATE VIEW v AS SELECT 1 AS\r\nGO\r\n', true],
    ['CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 10\n/\n5; END', false],
    ["CREATE VIEW v AS SELECT 'go' AS x, 10 / 5\n -- go\n", false],
    // As a script with line ends of Windows leaves them, run statement by statement.
    ['CREATE INDEX tr ON t (x)\r', false],
    ['CREATE INDEX tr ON t (x) WHERE x > 1 -- "ü" 😀\r', false],
  ])('of the definition %j is refused (%s) where a line of it would end it', async (sql, isRefused) => {
    const path = newFile((db) => db.exec(`CREATE TABLE t (x); ${sql}`));
    if (!isRefused) {
      const copy = await restored(await dumped(path, options));
      const definition = "sqlite_schema WHERE name IN ('v', 'tr')";
      const [found, expected] = [rowsOf(copy, definition), rowsOf(path, definition)];
      // sqlite3 takes the carriage return from the end of each line that it reads, and ends a last comment with a line end.
      const sameEnds = (rows: unknown[]) => JSON.stringify(rows).replaceAll(/\\r|\\n(?=")/g, '');
      expect(sameEnds(found)).toEqual(sameEnds(expected));
      return;
    }
    const plan = sqlite.dump(target(path));
    const failure = await runInShell(plan.command, options);
    expect(failure.exitCode).not.toBe(0);
    expect(plan.explain(failure), failure.stderr).toMatchObject({
      code: 'dump_failed',
      message: expect.stringContaining('a line of only "/" or "go"'),
    });
  });

  it('gives reals back bit by bit', async () => {
    // SQLite itself reads the digits of numbers near its smallest ones inexactly.
    const all = fc.sample(fc.double({ noNaN: true }), { numRuns: 5000, seed: 7 });
    const values = all.filter((value) => name !== 'sqlite3' || Math.abs(value) > 1e-250);
    const path = newFile((db) => {
      db.exec('CREATE TABLE t (x)');
      const add = db.prepare('INSERT INTO t VALUES (?)');
      db.transaction(() => {
        for (const value of values) add.run(value);
      })();
    });
    const copy = await restored(await dumped(path, options));
    const read = (file: string) => {
      const db = new Database(file, { readonly: true });
      const rows = db.prepare('SELECT x FROM t ORDER BY rowid').pluck().all();
      db.close();
      return rows;
    };
    const [expected, found] = [read(path), read(copy)];
    const different = expected.filter((value, index) => !Object.is(value, found[index]));
    expect(different).toEqual([]);
  });

  it('carries what the file’s header says', async () => {
    const path = newFile((db) => {
      db.exec(
        `PRAGMA encoding = 'UTF-16le'; PRAGMA user_version = 42; PRAGMA application_id = 7; CREATE TABLE t (x)`,
      );
      db.exec(`INSERT INTO t VALUES ('漢字 🙂 it''s')`);
    });
    const copy = new Database(await restored(await dumped(path, options)), { readonly: true });
    const found = ['encoding', 'user_version', 'application_id'].map((name) =>
      copy.pragma(name, { simple: true }),
    );
    const text = copy.prepare('SELECT x FROM t').pluck().get();
    copy.close();
    expect([...found, text]).toEqual(['UTF-16le', 42, 7, '漢字 🙂 it’s'.replace('’', "'")]);
  });

  it('of a damaged file does not pass for a whole one', async () => {
    const path = newFile((db) => {
      db.exec('CREATE TABLE t (x)');
      const add = db.prepare('INSERT INTO t VALUES (?)');
      db.transaction(() => {
        for (let n = 0; n < 5000; n += 1) add.run(`row ${n} ${'x'.repeat(100)}`);
      })();
    });
    const pages = statSync(path).size / 4096;
    for (const page of [2, Math.floor(pages / 2), pages - 1]) {
      const bytes = readFileSync(path);
      bytes.fill(0xff, page * 4096, page * 4096 + 4096);
      const damaged = join(folder, `damaged ${page}.db`);
      writeFileSync(damaged, bytes);
      const plan = sqlite.dump(target(damaged));
      const { exitCode, stdout } = await runInShell(plan.command, options);
      expect(exitCode === 0 && isWhole(plan.newEndProof, [stdout])).toBe(false);
    }
  });

  it('is whole in any chunking and refused when cut anywhere', async () => {
    const path = newFile((db) => {
      db.exec(`CREATE TABLE t (x); CREATE TABLE "COMMIT;
COMMIT;
" (y /* COMMIT;
COMMIT;
*/ DEFAULT 'it''s')`);
      db.prepare('INSERT INTO t VALUES (?)').run(`a;\nCOMMIT;\n`);
      db.exec(`CREATE VIEW v AS SELECT 1 -- COMMIT;
;CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT '
COMMIT;
'; END`);
    });
    const bytes = await dumped(path, options);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 }), (places) => {
        expect(isWhole(newSqliteTextProof, cutAt(bytes, places))).toBe(true);
      }),
    );
    const accepted = Array.from(bytes.keys()).filter((end) =>
      isWhole(newSqliteTextProof, [bytes.subarray(0, end)]),
    );
    expect(accepted).toEqual([]);
    // What sqlite3 writes of a database in which it met an error; it ends with status 0.
    const text = bytes.toString('latin1');
    for (const damaged of [
      text.replace(/COMMIT;\n$/, 'ROLLBACK; -- due to errors\n'),
      text.replace(/COMMIT;\n$/, '/****** CORRUPTION ERROR *******/\nCOMMIT;\n'),
      text.replace(/COMMIT;\n$/, '/**** ERROR: (11) database disk image is malformed *****/\nCOMMIT;\n'),
    ]) {
      expect(damaged).not.toBe(text);
      for (const places of [[], [0.1, 0.9, 0.99], Array.from({ length: 99 }, (_, n) => n / 100)]) {
        const proof = newSqliteTextProof();
        for (const chunk of cutAt(Buffer.from(damaged, 'latin1'), places)) proof.observe(chunk);
        expect(() => proof.finish()).toThrow(/sqlite3 met an error in the database/);
      }
    }
  });
});

/** A schema that only an attacker writes: a name cut short by NUL leaves the quotes of what is made of it open. */
function escapingFile(proof: string): string {
  const cut = 'aaa\nSELECT abs(-9223372036854775807-n) FROM (SELECT count(*) AS n FROM (SELECT 1 FROM ';
  const spelled = `aaa\t)) WHERE n > 0;\n.shell touch ${proof}\nselect "`;
  return newFile((db) => {
    db.unsafeMode(true);
    for (const name of ['aaa', cut, spelled]) db.exec(`CREATE TABLE "${name.replaceAll('"', '""')}"(x text)`);
    db.pragma('writable_schema = ON');
    db.exec(
      `UPDATE sqlite_schema SET name = 'aaa' || char(0) || 'q', tbl_name = 'aaa' || char(0) || 'q' WHERE name = 'aaa'`,
    );
  });
}

describe.each(dumpers)('by %s', (_, options) => {
  it('runs no command that the names in a file spell', async () => {
    const proof = join(folder, `escaped ${files}`).replaceAll(' ', '-');
    const plan = sqlite.dump(target(escapingFile(proof)));
    await runInShell(plan.command, options);
    expect(existsSync(proof)).toBe(false);
  });
});

describe('a file in WAL mode that a program has open by another name', () => {
  const used = newFile((db) => {
    db.pragma('journal_mode = WAL');
    db.exec('CREATE TABLE t (n); INSERT INTO t VALUES (1)');
  });
  mkdirSync(join(folder, 'elsewhere'));
  const other = join(folder, 'elsewhere', 'db');
  linkSync(used, other);
  const link = join(folder, 'elsewhere', 'link');
  symlinkSync(used, link);

  it.each(['plain', 'binary'])('is refused: what it wrote last lies elsewhere (%s)', async (backupFormat) => {
    const db = new Database(used);
    db.exec('INSERT INTO t VALUES (2)');
    try {
      for (const plan of ['look', 'dump'] as const) {
        const { command, explain } = sqlite[plan](target(other, { backupFormat }));
        const result = await runInShell(command);
        expect(result.exitCode).toBe(66);
        expect(result.stdout.toString()).toBe('');
        expect(explain(result)).toMatchObject({
          code: 'dump_refused',
          message: expect.stringContaining('open by another name'),
        });
      }
      expect(existsSync(`${other}-wal`)).toBe(false);
      for (const path of [used, link]) expect((await dumped(path)).toString()).toContain('VALUES(2,2)');
    } finally {
      db.close();
    }
    expect((await dumped(other)).toString()).toContain('VALUES(2,2)');
  });

  it('is not what a file is that programs open for a moment each, with another -shm each time', async () => {
    const programs = join(folder, 'another each time');
    mkdirSync(programs);
    const stat = `#!/bin/sh
case "$*" in *-shm) echo "1 $$" ;; *) exec /usr/bin/stat "$@" ;; esac
`;
    writeFileSync(join(programs, 'stat'), stat, { mode: 0o755 });
    const env = { PATH: `${programs}:${process.env['PATH']}` };
    const db = new Database(used);
    db.exec('SELECT * FROM t');
    const { exitCode, stderr } = await runInShell(sqlite.look(target(used)).command, { env });
    db.close();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

describe('text with a NUL character', () => {
  it('is found in any column of many', async () => {
    const path = newFile((db) => {
      db.exec(`CREATE TABLE wide (${Array.from({ length: 1_900 }, (_, index) => `c${index}`).join(', ')})`);
      db.prepare('INSERT INTO wide (c1777) VALUES (?)').run('cut \0 here');
    });
    const plan = sqlite.dump(target(path));
    const failure = await runInShell(plan.command);
    expect(plan.explain(failure), failure.stderr).toMatchObject({ message: expect.stringContaining('NUL') });
  });

  it('is refused where sqlite3 would cut it', async () => {
    const path = newFile((db) => {
      db.exec(`CREATE TABLE fine (x); CREATE TABLE "a ""b\nc" ("x ""y" TEXT, z)`);
      db.prepare('INSERT INTO fine VALUES (?)').run(Buffer.from('blob \0'));
      db.prepare('INSERT INTO fine VALUES (?)').run('fine');
    });
    await dumped(path);
    const db = new Database(path);
    db.prepare('INSERT INTO "a ""b\nc" VALUES (?, ?)').run('x', 'cut \0 here');
    db.close();
    const plan = sqlite.dump(target(path));
    const failure = await runInShell(plan.command);
    expect(failure.exitCode).not.toBe(0);
    expect(plan.explain(failure), failure.stderr).toMatchObject({
      code: 'dump_failed',
      message: expect.stringContaining('NUL'),
    });
  });
});

describe('the look', () => {
  it.each(dumpers)('reads the version and the size with %s', async (_name, options) => {
    const path = newFile((db) => db.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (x)'));
    const plan = sqlite.look(target(path));
    const { exitCode, stderr, stdout } = await runInShell(plan.command, options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(plan.read(`Welcome!\n${stdout}`)).toEqual({
      serverVersion: expect.stringMatching(/^3\.\d+\.\d+$/),
      clientVersion: expect.stringMatching(/^3\.\d+\.\d+$/),
      estimatedBytes: statSync(path).size,
      warnings: [],
    });
  });

  it.each(dumpers)('warns of writers that will wait, with %s', async (_name, options) => {
    const plan = sqlite.look(target(newFile((db) => db.exec('CREATE TABLE t (x)'))));
    const { stdout } = await runInShell(plan.command, options);
    expect(plan.read(stdout.toString()).warnings).toEqual([expect.stringContaining('journal_mode=WAL')]);
  });
});

describe('a run', () => {
  const starts = join(folder, 'starts');
  const counting = join(folder, 'counting');
  mkdirSync(counting);
  const script = `#!/bin/sh\necho start >>${quote(starts)}\nexec /usr/bin/sqlite3 "$@"\n`;
  writeFileSync(join(counting, 'sqlite3'), script, { mode: 0o755 });
  const options = { env: { PATH: `${counting}:${process.env['PATH']}` } };
  const startsOf = async (command: HostCommand) => {
    writeFileSync(starts, '');
    const { exitCode, stderr, stdout } = await runInShell(command, options);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return { stdout, count: readFileSync(starts, 'utf8').length / 'start\n'.length };
  };

  it('starts sqlite3 once for its look, which warns of nothing, and six times for its dump', async () => {
    const path = newFile((db) => db.exec('CREATE TABLE "ü + \'😀\'" (x); CREATE VIEW v AS SELECT 1'));
    const { brief, read } = sqlite.look(target(path));
    const looked = await startsOf(brief ?? { script: 'exit 1' });
    expect(looked.count).toBe(1);
    expect(read(looked.stdout.toString())).toEqual({
      serverVersion: expect.stringMatching(/^3\.\d+\.\d+$/),
      clientVersion: expect.stringMatching(/^3\.\d+\.\d+$/),
      estimatedBytes: statSync(path).size,
      warnings: [],
    });
    expect((await startsOf(sqlite.dump(target(path)).command)).count).toBe(6);
  });
});

describe('a failure is explained, and makes no file', () => {
  const cases: readonly [string, () => string, string, RegExp][] = [
    ['a missing file', () => join(folder, 'missing.db'), 'dump_source_missing', /no file/],
    ['a folder', () => folder, 'dump_source_missing', /not a file/],
    ['an empty file', () => plainFile('empty.db', ''), 'dump_source_missing', /not an SQLite database/],
    [
      'another kind of file',
      () => plainFile('text.db', 'hello '.repeat(99)),
      'dump_source_missing',
      /not an SQLite/,
    ],
    [
      'a cut header',
      () => plainFile('cut.db', 'SQLite format 3\0junk'),
      'dump_source_missing',
      /not an SQLite/,
    ],
  ];
  function plainFile(name: string, content: string): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  it.each(cases)('%s', async (_name, make, code, message) => {
    const path = make();
    const before = readdirSync(folder);
    const plan = sqlite.dump(target(path));
    for (const [, options] of dumpers) {
      const failure = await runInShell(plan.command, options);
      expect(failure.exitCode).not.toBe(0);
      expect(plan.explain(failure), failure.stderr).toMatchObject({
        code,
        message: expect.stringMatching(message),
      });
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  it('no sqlite3 and no other command', async () => {
    const path = newFile((db) => db.exec('CREATE TABLE t (x)'));
    for (const plan of [sqlite.look(target(path)), sqlite.dump(target(path))]) {
      const failure = await runInShell(plan.command, { shell: ['/bin/sh'], env: { PATH: bare } });
      expect(plan.explain(failure)).toMatchObject({
        code: 'dump_tool_missing',
        message: expect.stringContaining('package sqlite3'),
      });
    }
  });

  it('a file that the user may not read', async () => {
    const path = newFile((db) => db.exec('CREATE TABLE t (x)'));
    chmodSync(path, 0o000);
    chmodSync(folder, 0o755);
    const plan = sqlite.dump(target(path));
    const unprivileged =
      process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--clear-groups', 'sh'] : ['sh'];
    expect(plan.explain(await runInShell(plan.command, { shell: unprivileged }))).toMatchObject({
      code: 'dump_refused',
      message: expect.stringContaining('may not read'),
    });
  });

  it.each([null, '', 'relative.db', 'file:/x', ':memory:', '-x'])(
    'the path %j, before anything runs',
    (path) => {
      for (const plan of [() => sqlite.dump(target(path)), () => sqlite.look(target(path))]) {
        expect(plan).toThrow(expect.objectContaining({ code: 'invalid' }));
      }
    },
  );
});

describe('file extension, content type and our compression', () => {
  it.each([
    ['none', '.sql', 'application/sql'],
    ['gzip', '.sql.gz', 'application/gzip'],
    ['zstd', '.sql.zst', 'application/zstd'],
  ])('with %s are %s, %s', (backupCompression, extension, contentType) => {
    const plan = sqlite.dump(target('/x', { backupCompression }));
    expect([plan.fileExtension, plan.contentType, plan.compression.type]).toEqual([
      extension,
      contentType,
      backupCompression,
    ]);
  });
});

it('refuses a definition that is no text, in our own command', async () => {
  const path = newFile((db) => {
    db.unsafeMode(true);
    db.exec(`CREATE VIEW v AS SELECT 'x' AS y; PRAGMA writable_schema = ON;
      UPDATE sqlite_schema SET sql = CAST(CAST('CREATE VIEW v AS SELECT ''' AS BLOB) || x'ff' || CAST(''' AS y' AS BLOB) AS TEXT)`);
  });
  const plan = sqlite.dump(target(path));
  const failure = await runInShell(plan.command, dumpers[1]?.[1]);
  expect(plan.explain(failure), failure.stderr).toMatchObject({
    code: 'dump_failed',
    message: expect.stringContaining('no valid text'),
  });
});

describe('a row that no sqlite3 would read back', () => {
  const mebibyte = new Uint8Array(2 ** 20).fill(0x41);
  const proofOf = (mebibytes: number): (() => void) => {
    const proof = newSqliteTextProof();
    proof.observe(
      Buffer.from('PRAGMA x;\nBEGIN TRANSACTION;\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES(X'),
    );
    proof.observe(Buffer.from("'"));
    for (let n = 0; n < mebibytes; n += 1) proof.observe(mebibyte);
    proof.observe(Buffer.from("');\nINSERT INTO t VALUES(2);\nCOMMIT;\n"));
    return () => proof.finish();
  };
  it('is told by the length of its statement', () => {
    expect(proofOf(953)).not.toThrow();
    expect(proofOf(954)).toThrow(/a statement of 1000341\d\d\d bytes, and sqlite3 takes none of more than/);
  });
});

describe('the schema of the tests', () => {
  it('has one of everything', () => {
    expect(NASTY_SCHEMA).toMatch(/WITHOUT ROWID[\s\S]*fts5[\s\S]*AUTOINCREMENT/);
  });
});

const WRITER = `
import Database from 'better-sqlite3';
const db = new Database(process.argv[1], { timeout: 10000 });
const a = db.prepare('INSERT INTO a SELECT max(n) + 1, ? FROM a');
const b = db.prepare('INSERT INTO b SELECT max(n) + 1, ? FROM b');
const both = db.transaction(() => { a.run('new'); b.run('new'); });
let ended = false;
process.stdin.resume().on('end', () => { ended = true; });
both();
process.stdout.write('writing');
const go = () => { if (ended) { db.close(); process.exit(0); } both(); setTimeout(go, 1); };
go();
`;
