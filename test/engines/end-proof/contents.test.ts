import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DumpContents } from '../../../src/engines/contents.ts';
import { newMysqlTextProof } from '../../../src/engines/end-proof/mysql-text.ts';
import { sha256Hex } from '../../../src/engines/end-proof/sha256.ts';
import type { EndProof } from '../../../src/engines/engine.ts';
import { mysql } from '../../../src/engines/mysql/mysql.ts';
import { postgres } from '../../../src/engines/postgres/postgres.ts';
import { sqlite } from '../../../src/engines/sqlite/sqlite.ts';
import { quote } from '../../../src/hosts/quote.ts';
import { newArchiveBlocks } from '../../../src/transfer/node/archive-blocks.ts';
import type { TestMariadb } from '../../support/mariadb.ts';
import { fillMariadb } from '../../support/mariadb-data.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { fillDatabase } from '../../support/postgres-data.ts';
import { ownName } from '../../support/shared/ask.ts';
import { sharedMariadb } from '../../support/shared/mariadb.ts';
import { sharedPostgres } from '../../support/shared/postgres.ts';
import { buildSqliteDump } from '../../support/sqlite-dump.ts';
import { cutAt } from '../proofs.ts';
import { runInShell } from '../shell.ts';
import { fillNasty } from '../sqlite-data.ts';

function contentsOf(newProof: () => EndProof, chunks: readonly Uint8Array[]): DumpContents | null {
  const proof = newProof();
  for (const chunk of chunks) proof.observe(chunk);
  proof.finish();
  return proof.contents?.() ?? null;
}

function rowsOf(contents: DumpContents | null): Readonly<Record<string, number | null>> {
  return Object.fromEntries(
    (contents?.tables ?? []).map(({ schema, name, rows }) => [
      schema === null ? name : `${schema}.${name}`,
      rows,
    ]),
  );
}

/** In any chunking, a byte at a time at its beginning among them, what is counted is the same. */
function expectSameInAnyChunking(newProof: () => EndProof, dump: Uint8Array): void {
  const whole = contentsOf(newProof, [dump]);
  const bytes = Array.from(dump.subarray(0, 50_000), (_, index) => dump.subarray(index, index + 1));
  expect(contentsOf(newProof, [...bytes, dump.subarray(50_000)])).toEqual(whole);
  const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });
  fc.assert(
    fc.property(places, (cuts) => {
      expect(contentsOf(newProof, cutAt(dump, cuts))).toEqual(whole);
    }),
    { numRuns: 6 },
  );
}

async function output(script: string, secrets: Readonly<Record<string, string>> = {}): Promise<Buffer> {
  const { exitCode, stderr, stdout } = await runInShell({ script, secrets });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return stdout;
}

it('takes the digest of any bytes as everybody else does', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(sha256Hex(bytes)).toBe(createHash('sha256').update(bytes).digest('hex'));
    }),
  );
});

describe('what a dump of PostgreSQL holds', () => {
  const SHOP = ownName('shöp');
  let server: TestPostgres;
  let counted: Readonly<Record<string, number>>;
  beforeAll(async () => {
    server = await sharedPostgres();
    await server.createDatabase(SHOP);
    await fillDatabase(server, SHOP, 0);
    await server.query(NASTY_POSTGRES, SHOP);
    const tables = await server.query(
      `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`,
      SHOP,
    );
    const counts = tables.map(({ schema, name }) => {
      const [of, table] = [String(schema), String(name)].map(pg.escapeIdentifier);
      return `SELECT ${pg.escapeLiteral(`${schema}.${name}`)} AS name, count(*)::int AS rows FROM ONLY ${of}.${table}`;
    });
    const rows = await server.query(counts.join(' UNION ALL '), SHOP);
    counted = Object.fromEntries(rows.map(({ name, rows }) => [String(name), Number(rows)]));
  });
  afterAll(() => server?.stop());

  const target = (options: Record<string, unknown>) => ({
    ...{ host: '127.0.0.1', port: server.port, databaseName: SHOP, ...server.superuser },
    options: postgres.options.parse(options),
  });
  const dumpOf = async (options: Record<string, unknown>) => {
    const { command } = postgres.dump(target(options));
    return output(command.script, command.secrets);
  };

  it.each(['plain', 'custom', 'tar'])(
    'is counted as the server counts, in the format %s',
    async (backupFormat) => {
      const dump = await dumpOf({ backupFormat });
      const newProof = () => postgres.storedProof(backupFormat);
      const contents = contentsOf(newProof, [dump]);
      expect(rowsOf(contents)).toEqual(counted);
      expect(contents?.largeObjects).toBe(5);
      expect(contents?.extensions).toEqual(['pg_trgm']);
      expect(contents?.roles).toEqual(
        expect.arrayContaining([server.superuser.username, 'pg_read_all_data']),
      );
      expect(contents?.tables.every(({ definition }) => /^[0-9a-f]{64}$/.test(definition ?? ''))).toBe(true);
      expectSameInAnyChunking(newProof, dump);
    },
  );

  it('has the same definitions, whatever the format', async () => {
    const found = [];
    for (const backupFormat of ['plain', 'custom', 'tar']) {
      const contents = contentsOf(() => postgres.storedProof(backupFormat), [await dumpOf({ backupFormat })]);
      found.push(contents?.tables.map(({ name, definition }) => [name, definition]));
    }
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).toEqual(found[0]);
  });

  it('leaves the rows open where they lie in compressed blocks', async () => {
    const dump = await dumpOf({ backupFormat: 'custom', backupCompression: 'gzip' });
    const contents = contentsOf(() => postgres.storedProof('custom'), [dump]);
    expect(rowsOf(contents)['public.notes']).toBeNull();
    expect(rowsOf(contents)['public.events']).toBe(0);
  });

  it('counts them when each block is inflated, and finds one that is damaged', async () => {
    const dump = await dumpOf({ backupFormat: 'custom', backupCompression: 'gzip' });
    const read = async (bytes: Buffer) => {
      const blocks = newArchiveBlocks();
      const proof = postgres.storedProof('custom', blocks);
      for (let at = 0; at < bytes.length; at += 997) {
        proof.observe(bytes.subarray(at, at + 997));
        await blocks.settle();
      }
      proof.finish();
      return proof.contents?.() ?? null;
    };
    const contents = await read(dump);
    expect(rowsOf(contents)).toEqual(counted);
    expect(contents?.largeObjects).toBe(5);
    // Within the last block: the archive's own structure says nothing of it.
    const damaged = Buffer.from(dump);
    damaged.fill(0, dump.length - 60, dump.length - 20);
    await expect(read(damaged)).rejects.toThrow(/can't be inflated/);
  });

  it('has no rows in a dump of definitions alone', async () => {
    const dump = await dumpOf({ pgDumpOptions: { schemaOnly: true } });
    const rows = rowsOf(contentsOf(() => postgres.storedProof('plain'), [dump]));
    expect(Object.keys(rows)).toEqual(Object.keys(counted).sort());
    expect(Object.values(rows).every((count) => count === 0)).toBe(true);
  });

  it.each([
    ['--inserts', 'plain'],
    ['--column-inserts', 'plain'],
    ['--rows-per-insert=7', 'plain'],
    ['--inserts --rows-per-insert=1000 --column-inserts', 'custom'],
    ['--rows-per-insert=3', 'tar'],
  ])('is counted in INSERTs, too: %s, %s', async (options, format) => {
    const { secrets, script } = postgres.dump(target({ backupFormat: format })).command;
    const dump = await output(script.replace(/\n(trusting "\$pg_dump")/, `\n$1 ${options}`), secrets);
    expect(dump.includes('INSERT INTO public."UPPER"')).toBe(true);
    const newProof = () => postgres.storedProof(format);
    expect(rowsOf(contentsOf(newProof, [dump]))).toEqual(counted);
    expectSameInAnyChunking(newProof, dump);
  });
});

describe('what a dump of MariaDB holds', () => {
  const SHOP = ownName('shöp');
  let server: TestMariadb;
  let counted: Readonly<Record<string, number>>;
  beforeAll(async () => {
    server = await sharedMariadb();
    await server.createDatabase(SHOP);
    await fillMariadb(server, SHOP, 0);
    await server.restore(Buffer.from(NASTY_MYSQL), SHOP);
    const tables = await server.query(
      `SELECT HEX(TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'`,
      SHOP,
    );
    const names = tables.map(([hex = '']) => Buffer.from(hex, 'hex').toString());
    const counts = names.map((name) => `SELECT COUNT(*) FROM \`${name.replaceAll('`', '``')}\``);
    const rows = await server.query(counts.join('; '), SHOP);
    counted = Object.fromEntries(names.map((name, index) => [name, Number(rows[index]?.[0])]));
  });
  afterAll(() => server?.stop());

  it.each([[''], ['--skip-extended-insert'], ['--complete-insert'], ['--net-buffer-length=4096']])(
    'is counted as the server counts: %s',
    async (options) => {
      const { command } = mysql.dump({
        ...{ host: '127.0.0.1', port: server.port, databaseName: SHOP, ...server.superuser },
        options: mysql.options.parse({}),
      });
      const script = command.script.replace('set -- --quick', `set -- ${options} --quick`);
      const dump = await output(script, command.secrets);
      const contents = contentsOf(newMysqlTextProof, [dump]);
      expect(rowsOf(contents)).toEqual(counted);
      expect(contents?.tables.every(({ definition }) => definition !== null)).toBe(true);
      expectSameInAnyChunking(newMysqlTextProof, dump);
      // MySQL's own tool has all rows of a statement on one line.
      const oneLine = dump.toString('latin1').replaceAll(/(?<=\) VALUES|` VALUES|\),)\n(?=\()/g, '');
      expect(rowsOf(contentsOf(newMysqlTextProof, [Buffer.from(oneLine, 'latin1')]))).toEqual(counted);
      expectSameInAnyChunking(newMysqlTextProof, Buffer.from(oneLine, 'latin1'));
    },
  );

  const literal = fc.string({
    unit: fc.constantFrom("'", '"', '\\', '`', '(', ')', ',', ';', '\n', 'a', 'ü'),
  });
  it('is counted whatever its strings hold', () => {
    fc.assert(
      fc.property(fc.array(fc.array(literal, { minLength: 1 }), { minLength: 1 }), fc.nat(), (rows, size) => {
        const written = rows.map((row) => `(${row.map((text) => `'${escaped(text)}'`).join(',')},NULL,0xAB)`);
        const dump = Buffer.from(
          `-- MySQL dump 10\nCREATE TABLE \`t\` (\n  \`a\` text COMMENT 'it''s; (\\n'\n);\nINSERT INTO \`t\` VALUES ${written.join(',')};\n${MYSQL_END}`,
        );
        const step = 1 + (size % 64);
        const chunks = Array.from({ length: Math.ceil(dump.length / step) }, (_, index) =>
          dump.subarray(index * step, (index + 1) * step),
        );
        expect(rowsOf(contentsOf(newMysqlTextProof, chunks))).toEqual({ t: rows.length });
      }),
    );
  });
});

function escaped(text: string): string {
  return text.replaceAll(/['"\\]/g, '\\$&').replaceAll('\n', '\\n');
}

describe('what a dump of SQLite holds', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'contents ü-'));
  const own = await buildSqliteDump('contents');
  afterAll(() => {
    own.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each(['sqlite3', 'our own command'])('is counted as the file counts, by %s', async (dumper) => {
    const path = join(folder, `nasty ${dumper}.db`);
    const db = new Database(path);
    fillNasty(db, { withExactValues: dumper !== 'sqlite3' });
    db.exec(NASTY_SQLITE);
    const names = db
      .prepare<[], string>(
        `SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'`,
      )
      .pluck()
      .all();
    const counted = Object.fromEntries(
      names.map((name) => [
        name,
        db
          .prepare<[], number>(`SELECT count(*) FROM "${name.replaceAll('"', '""')}"`)
          .pluck()
          .get(),
      ]),
    );
    db.close();
    const nothing = { host: null, port: null, databaseName: null, username: null, password: null };
    const { command } = sqlite.dump({ ...nothing, options: sqlite.options.parse({ filePath: path }) });
    const dump =
      dumper === 'sqlite3'
        ? await output(command.script)
        : await output(`exec ${own.command} ${quote(path)}`);
    const contents = contentsOf(() => sqlite.storedProof(null), [dump]);
    expect(rowsOf(contents)).toEqual(counted);
    expect(contents?.tables.every(({ definition }) => definition !== null)).toBe(true);
    expectSameInAnyChunking(() => sqlite.storedProof(null), dump);
  });

  it('is not told where more tables are named than are listed', () => {
    const tables = Array.from({ length: 20_001 }, (_, index) => `CREATE TABLE t${index}(a);\n`);
    const dumpOf = (some: readonly string[]) =>
      Buffer.from(`PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n${some.join('')}COMMIT;\n`);
    const counted = (some: readonly string[]) => contentsOf(() => sqlite.storedProof(null), [dumpOf(some)]);
    expect(counted(tables.slice(1))?.tables).toHaveLength(20_000);
    expect(counted(tables)).toBeNull();
  });
});

const MYSQL_END = `
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-01-01  1:01:01
`;

const NASTY_POSTGRES = String.raw`
CREATE EXTENSION pg_trgm;
CREATE SCHEMA "Größe.""x""";
CREATE TABLE "Größe.""x"""."INSERT INTO a (b) VALUES (1);" (a text, "b (c)" text);
INSERT INTO "Größe.""x"""."INSERT INTO a (b) VALUES (1);" VALUES
  (E');\nINSERT INTO public.notes VALUES (1);\n', E'),\n\t(''x'),
  (E'\\.', E'\\'), (E'\\.\n', E'\n'), (NULL, NULL), ('', E'\n\n\n'), (E'COPY public.notes FROM stdin;\n1\n\\.\n', '($$'),
  (E'CREATE TABLE public.never (a int);\n', '🐘');
CREATE TABLE no_columns ();
INSERT INTO no_columns SELECT FROM generate_series(1, 3);
CREATE TABLE "UPPER" (a serial, b integer GENERATED ALWAYS AS (1) STORED, c bigint GENERATED ALWAYS AS IDENTITY);
INSERT INTO "UPPER" DEFAULT VALUES;
CREATE TABLE heir (own integer) INHERITS (notes);
INSERT INTO heir (note, own) VALUES ('inherited', 1), (NULL, -5);
CREATE UNLOGGED TABLE unlogged (a bytea);
INSERT INTO unlogged SELECT decode('5c2e0a' || repeat('00ff5c', g), 'hex') FROM generate_series(0, 9) g;
CREATE FUNCTION several(a text) RETURNS void LANGUAGE sql BEGIN ATOMIC
  INSERT INTO notes (note) VALUES (a), (a);
  INSERT INTO notes (note) VALUES (a);
END;
CREATE PROCEDURE lines() LANGUAGE sql AS $x$
INSERT INTO notes (note) VALUES ('a');
CREATE TABLE never (a integer);
$x$;
CREATE RULE twice AS ON UPDATE TO empty_table DO ALSO (INSERT INTO notes (note) VALUES ('r'); INSERT INTO notes (note) VALUES ('s'));
GRANT SELECT ON notes TO pg_read_all_data WITH GRANT OPTION;
CREATE TABLE "\ufeffnotes" (a text);
INSERT INTO "\ufeffnotes" VALUES (E'\ufeff'), (NULL);
CREATE SCHEMA "\ufeff";
CREATE TABLE "\ufeff"."\ufeff" (a text);
INSERT INTO "\ufeff"."\ufeff" VALUES (1);
`.replaceAll('\\ufeff', '\ufeff');

const NASTY_MYSQL = String.raw`
CREATE TABLE ${'`INSERT INTO ``x`` (a) VALUES (1);\n(`'} (${'`a (b`'} text, c varbinary(300), d integer AS (1) VIRTUAL);
INSERT INTO ${'`INSERT INTO ``x`` (a) VALUES (1);\n(`'} (${'`a (b`'}, c) VALUES
  ('a\\', ''), ('\'),(\'', x'5c27'), (');\nINSERT INTO ${'`notes`'} VALUES (1);\n', x'0a'), ('"', NULL), ('\\\'', x'00'), ('', NULL);
CREATE TABLE wide (a longtext);
INSERT INTO wide VALUES (REPEAT('(\'\\),;', 5000)), (REPEAT('x', 100000)), (NULL);
CREATE TRIGGER more AFTER INSERT ON wide FOR EACH ROW INSERT INTO notes (account, note) VALUES (NULL, 'a'), (NULL, 'b');
DELIMITER //
CREATE PROCEDURE two_lines() BEGIN
INSERT INTO notes VALUES (1, 2, 'x');
CREATE TABLE never (a integer);
END//
DELIMITER ;
CREATE TABLE ${'`\ufeffnotes`'} (a text);
INSERT INTO ${'`\ufeffnotes`'} VALUES ('x'), (NULL);
`;

const NASTY_SQLITE = `
CREATE TABLE [in brackets] (a PRIMARY KEY, b) WITHOUT ROWID;
INSERT INTO [in brackets] VALUES (1, ');' || char(10) || 'INSERT INTO plain VALUES(1);'), (2, 'it''s');
CREATE TABLE \`INSERT INTO plain VALUES(\` (a);
INSERT INTO \`INSERT INTO plain VALUES(\` VALUES (zeroblob(200000)), (NULL);
CREATE TABLE "ü 🐘" (a);
INSERT INTO "ü 🐘" VALUES (1), (2), (3);
CREATE TABLE "\ufeffplain" (a);
INSERT INTO "\ufeffplain" VALUES (1), (2);
CREATE TRIGGER several_lines AFTER INSERT ON "ü 🐘" BEGIN
INSERT INTO plain (a) VALUES (1);
INSERT INTO plain (a) VALUES (CASE WHEN 1 THEN 2
END);
/* ; end */
END /* of it */ -- really
;
`;
