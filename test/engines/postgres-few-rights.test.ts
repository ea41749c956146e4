import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KeptFacts } from '../../src/engines/drop.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';
import { checksOf, runOn } from './restoring.ts';

/** What a user sees and may do who is no superuser. */

const NAME = `shop "ü" 😀`;
const LOGIN = { username: 'maker', password: 'x' };
const FACTS = {
  ...{ registered: [], isUnused: true, isOnlyCopy: false, mayBeGone: false, begunIn: null, kept: null },
};
let server: TestPostgres;
beforeAll(async () => {
  server = await startPostgres();
  await server.query('ALTER SYSTEM SET autovacuum_naptime = 1');
  await server.query('SELECT pg_reload_conf()');
  await server.query(`CREATE ROLE ${LOGIN.username} LOGIN CREATEDB PASSWORD '${LOGIN.password}'`);
  await server.query(`CREATE DATABASE "${NAME.replaceAll('"', '""')}" OWNER ${LOGIN.username}`);
  // Such as a load has left it, vacuumed for as long as the test lasts.
  const slowly = 'autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1';
  await server.query(
    `CREATE TABLE t (n int) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 0, ${slowly});
     INSERT INTO t SELECT generate_series(1, 20000); UPDATE t SET n = n + 1`,
    NAME,
  );
});
afterAll(() => server.stop());

const replacing = (replacedId: string | null = null) =>
  restorePostgres({
    ...{ host: '127.0.0.1', port: server.port, databaseName: NAME, ...LOGIN },
    ...{ options: postgres.options.parse({}), newName: NAME, token: 'vacuum', format: 'plain' },
    ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
    inPlace: { keptName: `${NAME}_kept`, replacedId, endSessions: false },
  });

it('autovacuum is nobody who uses a database, whoever looks', async () => {
  // One works on the table as long as the test lasts, and others on the catalog beside it.
  const workers = `SELECT count(*) > 0 AS "are there" FROM pg_stat_activity WHERE datname = '${NAME.replaceAll("'", "''")}' AND backend_type = 'autovacuum worker'`;
  await until('autovacuum to work', 60_000, async () => {
    const [found] = await server.query(workers);
    return found?.['are there'] === true;
  });
  const checks = await checksOf(replacing());
  expect(checks.find(({ name }) => name === 'Sessions')).toEqual({
    ...{ name: 'Sessions', ok: true, says: `Nobody is connected to “${NAME}”.` },
  });
  expect(await server.query(workers)).toEqual([{ 'are there': true }]);
});

it('an owner who may rename none drops what is kept by its name, and nobody else’s', async () => {
  const kept = `"${`${NAME}_kept`.replaceAll('"', '""')}"`;
  await server.query(`CREATE DATABASE ${kept}`);
  await server.query(`ALTER ROLE ${LOGIN.username} NOCREATEDB`);
  const [row] = await server.query(`SELECT oid::text FROM pg_database WHERE datname LIKE '%\\_kept'`);
  const id = String(row?.['oid']);
  const { swap } = replacing(id);
  const planned = (facts: Partial<KeptFacts> = {}) => {
    if (swap === undefined) throw new Error('a plan without a swap');
    return swap.drop(id, { ...FACTS, ...facts });
  };
  const drop = async (facts: Partial<KeptFacts> = {}) => {
    const { command, explain, read } = planned(facts);
    return read(await runOn({ explain }, command));
  };
  await expect(drop()).rejects.toThrow('The user may not drop database');
  await server.query(`ALTER DATABASE ${kept} OWNER TO ${LOGIN.username}`);
  // As it is where few may read what tells the server.
  await server.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
  const where = async () => {
    const { where: found, explain } = planned();
    return found?.read(await runOn({ explain }, found.command)) ?? null;
  };
  const there = (await where()) ?? '';
  expect(there).toMatch(/^- \d{20} \d{20}$/);
  expect(await drop()).toBe('dropped');
  expect(await server.query(`SELECT FROM pg_database WHERE oid = ${id}`)).toEqual([]);
  // Of what is not there nothing says where it was.
  expect(await where()).toBeNull();
  const ask = { details: { field: 'mayBeGone' } };
  await expect(drop()).rejects.toMatchObject(ask);
  // One that was begun, of which nobody heard, was on this very server: it is the same start, or counts since the same instant.
  const [, startedAt = '', since = ''] = there.split(' ');
  const other = '20260228235959999999';
  for (const begunIn of [there, `- ${other} ${since}`, `- ${startedAt} -`, `7 ${startedAt} ${other}`]) {
    expect(await drop({ begunIn })).toBe('dropped');
  }
  // Whoever is after a crash, or anywhere else, is asked.
  for (const begunIn of ['', `- ${other} ${other}`, `- ${since} ${startedAt}`, '- * *', '7']) {
    await expect(drop({ begunIn })).rejects.toMatchObject(ask);
  }
  expect(await drop({ mayBeGone: true })).toBe('dropped');
});

it.each([`sh"op ' \\ 😀`, 'sh"op \\ \u202E\u00A0'])(
  'the command that a look gives lets the user %j create databases',
  async (username) => {
    const role = `"${username.replaceAll('"', '""')}"`;
    await server.query(`CREATE ROLE ${role} LOGIN PASSWORD 'x'`);
    const look = restorePostgres({
      ...{ host: '127.0.0.1', port: server.port, databaseName: null, username, password: 'x' },
      ...{ options: postgres.options.parse({}), newName: 'new', token: 't', format: 'plain' },
      ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
    });
    const rights = async () => (await checksOf(look)).find(({ name }) => name === 'Rights');
    const { ok, command = '' } = (await rights()) ?? {};
    expect(ok).toBe(false);
    await server.query(command);
    expect(await rights()).toMatchObject({ ok: true });
    await server.query(`DROP ROLE ${role}`);
  },
);
