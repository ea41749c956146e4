import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { load, restore } from './restoring.ts';
import { runInShell } from './shell.ts';

const NEIGHBOUR = ownName('neighbour');
const SOURCE = ownName('source');
/** The server makes it, which runs as somebody else. */
const canary = join('/tmp', ownName('canary').replaceAll(' ', '-'));
const ROOM = 'x'.repeat(200);
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
  return rows
    .map(({ datname }) => String(datname))
    .filter((name) => /l\d|new\d/.test(name) || name.includes(NEIGHBOUR));
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
  60_000,
);

it.each(['plain', 'custom', 'tar'])(
  'a dump with large objects and functions is restored, in one transaction: %s',
  async (format) => {
    const plan = planFor(format);
    // Cut where nothing is proven yet, behind the large objects: the transaction of ours was not ended by theirs.
    const cutAt = dumpOf(format).length - 30;
    if (format === 'plain') {
      expect(dumpOf(format).toString('latin1')).toMatch(/\nCOMMIT;\n/);
      await expect(load(plan, dumpOf(format), { cutAt })).rejects.toThrow();
    }
    const whole = planFor(format);
    expect(await restore(whole, dumpOf(format))).toEqual({ a: 1, b: 0 });
  },
  60_000,
);
