import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import Database from 'better-sqlite3';
import { afterAll, expect, it } from 'vitest';
import { newSqliteTextProof } from '../../src/engines/end-proof/sqlite-text.ts';
import { main } from '../../src/engines/sqlite/node/dump.ts';
import { readSchema, tryDefinitions } from '../../src/engines/sqlite/node/dump-schema.ts';
import { cpuMsOf } from '../support/cpu-time.ts';
import { isWhole } from './proofs.ts';

const folder = mkdtempSync(join(tmpdir(), 'definitions ü '));
afterAll(() => rmSync(folder, { recursive: true }));

/** What looks like a comment in quotes, what looks like quotes in a comment, and comments to the very end. */
const DEFINITIONS = [
  "CREATE TABLE t1 (a DEFAULT '/*')",
  "CREATE TABLE t2 (path CHECK (path NOT LIKE '/tmp/*'))",
  'CREATE VIEW v1 AS SELECT 1 AS [a/*b]',
  'CREATE VIEW v2 AS SELECT 2 AS "a""/*", 3 AS `b``/*`, \'it\'\'s /*\' AS "--"',
  "CREATE TABLE t3 (type DEFAULT 'image/*', accept DEFAULT '*/*')",
  "CREATE VIEW v3 AS SELECT 'a -- b' AS x",
  "CREATE VIEW v4 AS SELECT 4 AS x /* it's ' closed */",
  'CREATE VIEW v5 AS SELECT 5 AS x /* x',
  "CREATE VIEW v6 AS SELECT 6 AS x /* it's\n'never' closed *",
  'CREATE VIEW v7 AS SELECT 7 AS x -- x',
  "CREATE VIEW v8 AS SELECT 8 AS x -- it's /* x",
  'CREATE VIEW v9 AS SELECT 9 AS x /* -- */',
  'CREATE VIEW v10 AS SELECT 10 AS x /*/ [ x',
  "CREATE TRIGGER tr AFTER INSERT ON t1 BEGIN SELECT '/*'; INSERT INTO t3 VALUES ('*/', '--'); END",
  "CREATE INDEX i ON t1 (a) WHERE a <> '/*'",
];

it('a definition ends where SQLite ends it, whatever its quotes and comments hold', async () => {
  const [path, copy] = [join(folder, 'from.db'), join(folder, 'to.db')];
  const db = new Database(path);
  for (const sql of DEFINITIONS) db.exec(sql);
  db.exec("INSERT INTO t2 VALUES ('/*'); INSERT INTO t1 VALUES ('''/*'), (NULL)");

  const out = new PassThrough();
  const [dump] = await Promise.all([text(out), main([path], out).finally(() => out.end())]);
  execFileSync('sqlite3', ['-bail', copy], { input: dump });

  const restored = new Database(copy, { readonly: true });
  expect(contentOf(restored)).toEqual(contentOf(db));
  expect(isWhole(newSqliteTextProof, [Buffer.from(dump)])).toBe(true);
  db.close();
  restored.close();
});

it('what is tried of a definition is what is written', () => {
  const definition = (sql: string) => () => tryDefinitions([{ type: 'table', name: 't', sql }]);
  for (const sql of DEFINITIONS.filter((one) => one.startsWith('CREATE TABLE'))) {
    expect(definition(sql)).not.toThrow();
  }
  expect(definition('CREATE TABLE t (x); SELECT 1 /* x')).toThrow(/more than one statement/);
  // Of a comment that is closed where the definition ends, nothing is left for what follows.
  expect(definition('CREATE TABLE t (x) /*; SELECT 1')).not.toThrow();
});

function contentOf(db: Database.Database) {
  const names = db
    .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name")
    .pluck()
    .all();
  const definitions = db
    .prepare<[], { sql: string }>('SELECT type, name, sql FROM sqlite_schema ORDER BY name')
    .all()
    // What ends a comment that was open becomes a part of what is kept.
    .map(({ sql, ...rest }) => ({ ...rest, sql: sql.replace(/(?:\*\/|\s)+$/, '') }));
  return { definitions, rows: names.map((name) => [name, db.prepare(`SELECT * FROM ${name}`).all()]) };
}

it('a definition full of carriage returns is read at once', () => {
  const db = new Database(':memory:');
  db.exec(`CREATE VIEW v AS SELECT${'\r'.repeat(60_000)}1 AS x`);
  expect(cpuMsOf(() => expect(readSchema(db)).toHaveLength(1))).toBeLessThan(1_000);
  db.exec('CREATE VIEW w AS SELECT 10\n\r/\t\r\n5 AS x');
  expect(() => readSchema(db)).toThrow('takes for its end');
  db.close();
});
