import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName, ownSuffix } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { load, restore } from './restoring.ts';
import { runInShell } from './shell.ts';

const NEIGHBOUR = ownName('neighbour');
const SOURCE = ownName('source');
/** The server makes it, which runs as somebody else. */
const canary = join('/tmp', ownName('canary').replaceAll(' ', '-'));
const ROOM = 'x'.repeat(200);
/** Of many kinds, each with a statement of its own in a dump. */
const RICH = `
  CREATE TYPE mood AS ENUM ('sad', 'it''s'); CREATE TYPE pair AS (a int, b text);
  CREATE TYPE span AS RANGE (subtype = float8); CREATE DOMAIN positive AS int CHECK (VALUE > 0);
  CREATE COLLATION plain FROM "C"; CREATE EXTENSION file_fdw; CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
  CREATE USER MAPPING FOR PUBLIC SERVER files;
  CREATE FOREIGN TABLE far (a text) SERVER files OPTIONS (filename '/dev/null');
  CREATE FUNCTION on_event() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
  CREATE EVENT TRIGGER "of END" ON ddl_command_end EXECUTE FUNCTION on_event(); ALTER EVENT TRIGGER "of END" DISABLE;
  CREATE PUBLICATION told FOR TABLE a; CREATE STATISTICS of_two (dependencies) ON a, (a || 'x') FROM a;
  CREATE TEXT SEARCH DICTIONARY words (TEMPLATE = simple);
  CREATE TEXT SEARCH CONFIGURATION reads (COPY = simple); ALTER TEXT SEARCH CONFIGURATION reads ALTER MAPPING FOR word WITH words;
  CREATE CAST (pair AS mood) WITH INOUT AS ASSIGNMENT; CREATE AGGREGATE total (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
  CREATE OPERATOR <-> (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi); CREATE OPERATOR FAMILY many USING btree;
  CREATE OPERATOR CLASS backwards FOR TYPE int USING btree AS OPERATOR 1 >, FUNCTION 1 btint4cmp(int, int);
  CREATE ACCESS METHOD heap_LEAVING TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE in_it (a int) USING heap_LEAVING;
  CREATE TABLE parts (a int GENERATED ALWAYS AS IDENTITY, ar int[], b bool) PARTITION BY RANGE (a);
  CREATE TABLE part PARTITION OF parts FOR VALUES FROM (0) TO (9); CREATE INDEX ON parts (a); ALTER TABLE part REPLICA IDENTITY FULL;
  CREATE VIEW sliced AS SELECT ar[1:CASE WHEN b THEN 1 ELSE 2 END] AS x, ar[NULL::int:2] AS y FROM parts;
  CREATE VIEW keyed AS SELECT a, count(*) FROM (SELECT 1 AS a) x GROUP BY a; CREATE MATERIALIZED VIEW seen AS SELECT * FROM keyed;
  CREATE RULE two AS ON UPDATE TO b DO ALSO (INSERT INTO a VALUES ('1'); DELETE FROM a WHERE a = '2');
  ALTER TABLE b ENABLE ROW LEVEL SECURITY; CREATE POLICY "some of" ON b FOR SELECT TO pg_monitor USING (a <> 'x');
  ALTER DEFAULT PRIVILEGES FOR ROLE pg_monitor GRANT SELECT ON TABLES TO pg_read_all_stats;
  CREATE FUNCTION united() RETURNS SETOF int LANGUAGE sql BEGIN ATOMIC (SELECT 1 LIMIT 1) UNION ALL SELECT 2; END;
  CREATE PROCEDURE done(INOUT n int) LANGUAGE sql BEGIN ATOMIC (SELECT 1 UNION SELECT 2) EXCEPT SELECT n; END;
  CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION noted() DEPENDS ON EXTENSION file_fdw;
  CREATE CONSTRAINT TRIGGER late AFTER INSERT ON b DEFERRABLE FOR EACH ROW EXECUTE FUNCTION noted(); ALTER TABLE b DISABLE TRIGGER late;
  SELECT lo_create(4242); COMMENT ON LARGE OBJECT 4242 IS 'x'; GRANT SELECT ON LARGE OBJECT 4242 TO pg_monitor;
`.replaceAll('LEAVING', ownName('leaving').replaceAll(/\W/g, '_'));
let server: TestPostgres;
const dumps = new Map<string, Buffer>();

const at = () => ({ host: '127.0.0.1', port: server.port, ...server.superuser });

beforeAll(async () => {
  server = await sharedPostgres();
  for (const name of [NEIGHBOUR, SOURCE]) await server.createDatabase(name);
  await server.query('CREATE TABLE kept (a int); INSERT INTO kept VALUES (1), (2)', NEIGHBOUR);
  // In the order of their names: what stands in the first comment is run before the second.
  await server.query(
    `CREATE TABLE a (a text); COMMENT ON TABLE a IS '${ROOM}'; INSERT INTO a VALUES ('1');
     CREATE TABLE b (a text); COMMENT ON TABLE b IS '${ROOM}';
     GRANT CONNECT ON DATABASE "${SOURCE}" TO pg_monitor; COMMENT ON DATABASE "${SOURCE}" IS 'x';
     ALTER DATABASE "${SOURCE}" SET work_mem TO '7MB'; GRANT SELECT (a), UPDATE ON TABLE a TO pg_monitor;
     CREATE FUNCTION of_sql(n int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN n > 0 THEN 1 END; SELECT 2; END;
     GRANT SELECT ON TABLE b TO pg_monitor WITH GRANT OPTION;
     SET SESSION AUTHORIZATION pg_monitor; GRANT SELECT ON TABLE b TO pg_read_all_stats; RESET SESSION AUTHORIZATION;
     ${RICH}
     SELECT lo_from_bytea(0, decode(repeat('ab', 3000), 'hex')), lo_from_bytea(0, 'two')`,
    SOURCE,
  );
  for (const backupFormat of ['plain', 'custom', 'tar']) {
    const options = postgres.options.parse({ backupFormat, backupCompression: 'none' });
    const { command } = postgres.dump({ ...at(), databaseName: SOURCE, options });
    const { stdout, stderr } = await runInShell({ script: command.script, secrets: command.secrets });
    expect(stderr).toBe('');
    dumps.set(backupFormat, stdout);
  }
});
afterAll(async () => {
  for (const name of await databases()) await server.dropDatabase(name);
  await server.dropDatabase(SOURCE);
  await server.stop();
});

let plans = 0;
function planFor(format: string, jobs: number | null = null) {
  plans += 1;
  return restorePostgres({
    ...{ ...at(), databaseName: null, options: postgres.options.parse({}) },
    ...{ newName: ownName(`new${plans}`), token: ownName(`l${plans}`).replaceAll(/\W/g, ''), format, jobs },
    ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
  });
}

const dumpOf = (format: string) => dumps.get(format) ?? expect.unreachable();

/** The dump, of the same length, with these in the places of the comments on its two tables. */
function forged(format: string, statements: readonly [string, string]): Buffer {
  let text = dumpOf(format).toString('latin1');
  statements.forEach((statement, index) => {
    const comment = `COMMENT ON TABLE public.${index === 0 ? 'a' : 'b'} IS '${ROOM}';`;
    expect(text).toContain(comment);
    expect(statement.length).toBeLessThanOrEqual(comment.length);
    text = text.replace(comment, () => statement.padEnd(comment.length));
  });
  return Buffer.from(text, 'latin1');
}

/** Of this file alone: others make theirs meanwhile. */
const databases = async () => {
  const rows = await server.query('SELECT datname FROM pg_database');
  return rows.map(({ datname }) => String(datname)).filter((name) => name.includes(ownSuffix()));
};

const LEAVING: readonly (readonly [string, string])[] = [
  ['COMMIT;', `DROP DATABASE "${NEIGHBOUR}";`],
  ['cOmMiT/**/AND CHAIN;', `ALTER DATABASE "${NEIGHBOUR}" RENAME TO "gone ${NEIGHBOUR}";`],
  ["COPY (SELECT 1) TO PROGRAM 'touch CANARY';", 'SELECT 1;'],
];

it.each(['plain', 'custom', 'tar', 'custom by jobs'])(
  'a dump that leaves its transaction takes no neighbour with it: %s',
  async (of) => {
    const [format = '', , jobs] = of.split(' ');
    const before = await databases();
    for (const statements of LEAVING) {
      const [first, second] = statements.map((text) => text.replace('CANARY', canary));
      const plan = planFor(format, jobs === undefined ? null : 2);
      await expect(load(plan, forged(format, [first ?? '', second ?? '']))).rejects.toMatchObject({
        code: 'dump_unsafe',
      });
    }
    expect(await databases()).toEqual(before);
    expect(await server.query('SELECT count(*)::int AS rows FROM kept', NEIGHBOUR)).toEqual([{ rows: 2 }]);
    expect(existsSync(canary)).toBe(false);
  },
);

it.each(['plain', 'custom', 'tar'])(
  'a dump with large objects, grants of others and much else is restored, in one transaction: %s',
  async (format) => {
    const plan = planFor(format);
    // Cut where nothing is proven yet, behind the large objects: the transaction of ours was not ended by theirs.
    const cutAt = dumpOf(format).length - 30;
    if (format === 'plain') {
      expect(dumpOf(format).toString('latin1')).toMatch(/\nCOMMIT;\n/);
      await expect(load(plan, dumpOf(format), { cutAt })).rejects.toThrow();
    }
    const whole = planFor(format);
    expect(await restore(whole, dumpOf(format))).toMatchObject({ a: 1, b: 0 });
    expect(dumpOf(format).toString('latin1')).toContain('SET SESSION AUTHORIZATION pg_monitor;');
    const granted =
      "SELECT grantor FROM information_schema.table_privileges WHERE table_name = 'b' AND grantee = 'pg_read_all_stats'";
    expect(await server.query(granted, ownName(`new${plans}`))).toEqual([{ grantor: 'pg_monitor' }]);
  },
);
