import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { KeptFacts } from '../../src/engines/drop.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import type { RestorePlan } from '../../src/engines/restore.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { until } from '../support/until.ts';
import { runOn } from './restoring.ts';

/** What a swap finds on the server, and what it and the way back make of it; the names are odd. */

let server: TestPostgres;
const mark = ownName('swap');
const name = `shop ü"😀' $x$ ${mark}`;
const keptName = `${name}_kept`;
const token = mark.replaceAll(/\W/g, '');
const work = `bp_restore_${token}`;
const second = { token: `${token}b`, keptName: `${name}_kept 2` };
const aside = `bp_drop_${token}`;
const names = [name, keptName, work, aside, `${name}_mine`, second.keptName, `bp_restore_${second.token}`];

beforeAll(async () => {
  server = await sharedPostgres();
});
beforeEach(async () => {
  for (const one of names) await server.dropDatabase(one);
  await server.createDatabase(name);
  await server.query('CREATE TABLE old_one ()', name);
});
afterAll(async () => {
  for (const one of names) await server.dropDatabase(one);
  await server.stop();
});

const quoted = (one: string) => `"${one.replaceAll('"', '""')}"`;
const rename = (from: string, to: string) =>
  server.query(`ALTER DATABASE ${quoted(from)} RENAME TO ${quoted(to)}`);

function planOf(
  replacedId: string | null,
  of = { token, keptName },
  { madeIn, mayBeSwapped = false }: { readonly madeIn?: string | null; readonly mayBeSwapped?: boolean } = {},
): RestorePlan {
  return restorePostgres({
    ...{ host: '127.0.0.1', port: server.port, databaseName: name, ...server.superuser },
    ...{ options: postgres.options.parse({}), newName: name, token: of.token, format: 'plain' },
    ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
    inPlace: { keptName: of.keptName, replacedId, endSessions: true, mayBeSwapped },
    ...(madeIn === undefined ? {} : { madeIn }),
  });
}

function swapOf({ swap }: RestorePlan) {
  if (swap === undefined) throw new Error('a plan without a swap');
  return swap;
}

/** Up to the swap; gives what tells the replaced one. */
async function restored(): Promise<string> {
  const plan = planOf(null);
  const { command, read } = swapOf(plan).identify;
  const id = read(await runOn(plan, command));
  await runOn(plan, plan.create);
  await server.query('CREATE TABLE new_one ()', work);
  return id;
}

const swap = (id: string) => runOn(planOf(id), swapOf(planOf(id)).swap(id));
const remove = (id: string) => runOn(planOf(id), planOf(id).remove);
async function look(id: string) {
  const { command, read } = swapOf(planOf(id)).isDone(id);
  return read(await runOn(planOf(id), command));
}
const isDone = async (id: string) => (await look(id)).isDone;
/** `told` is what the look behind the swap told of what is kept. */
async function drop(id: string, told: string | null, facts: Partial<KeptFacts> = {}) {
  const known = { registered: [], isUnused: false, isOnlyCopy: false, mayBeGone: false, begunIn: null };
  const { command, read, explain } = swapOf(planOf(id)).drop(id, { ...known, kept: told, ...facts });
  return read(await runOn({ explain }, command));
}

/** The table that tells a database, by its name. */
async function found(): Promise<Readonly<Record<string, unknown>>> {
  const rows = await server.query('SELECT datname FROM pg_database');
  const there = rows.map(({ datname }) => String(datname)).filter((one) => names.includes(one));
  const tables = there.map(async (one) => [
    one,
    (await server.query(`SELECT relname FROM pg_class WHERE relname ~ '_one$'`, one))[0]?.['relname'],
  ]);
  return Object.fromEntries(await Promise.all(tables));
}

it('both names change or neither does, and what has taken its place is not removed', async () => {
  const id = await restored();
  expect(await isDone(id)).toBe(false);
  // By which of the two it came about is told.
  expect((await swap(id)).trim()).toBe('bridgeport:swapped');
  expect((await swap(id)).trim()).toBe('');
  expect(await isDone(id)).toBe(true);
  expect(await found()).toEqual({ [name]: 'new_one', [keptName]: 'old_one' });
  await expect(remove(id)).rejects.toThrow('taken the place');
  expect(await found()).toEqual({ [name]: 'new_one', [keptName]: 'old_one' });
  const { kept: told } = await look(id);
  await server.query(`ALTER DATABASE ${quoted(keptName)} IS_TEMPLATE true`);
  expect(await drop(id, told)).toBe('dropped');
  // On that very server, so that it is known to be gone.
  expect(await drop(id, told)).toBe('dropped');
  expect(await found()).toEqual({ [name]: 'new_one' });
});

it('a name that is nobody’s is given to what was restored, or back to what was there', async () => {
  const first = await restored();
  await rename(name, keptName);
  await swap(first);
  expect(await found()).toEqual({ [name]: 'new_one', [keptName]: 'old_one' });
  await server.dropDatabase(name);
  await remove(first);
  expect(await found()).toEqual({ [name]: 'old_one' });
  const second = await restored();
  await rename(name, keptName);
  await remove(second);
  expect(await found()).toEqual({ [name]: 'old_one' });
});

it('what is not the replaced one is neither swapped nor dropped, whatever it is called', async () => {
  const id = await restored();
  await rename(name, `${name}_mine`);
  await server.query(`CREATE DATABASE ${quoted(name)}`);
  await expect(swap(id)).rejects.toThrow('Nothing was swapped');
  await rename(name, keptName);
  await expect(drop(id, null)).rejects.toThrow('not the one that was kept');
  await remove(id);
  expect(await found()).toEqual({ [keptName]: undefined, [`${name}_mine`]: 'old_one' });
});

it('of two swaps of one database one is made, and the other keeps nothing of it', async () => {
  const id = await restored();
  const other = planOf(id, second);
  await runOn(other, other.create);
  // The first rename of both waits for this.
  const { username: user, password } = server.superuser;
  const holder = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user,
    password,
    database: 'postgres',
  });
  await holder.connect();
  try {
    await holder.query(`BEGIN; COMMENT ON DATABASE ${quoted(name)} IS 'held'`);
    const ends = Promise.allSettled([swap(id), runOn(other, swapOf(other).swap(id))]);
    await until('both to wait', 60_000, async () => {
      const [waiting] = await server.query(
        `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND classid = 'pg_database'::regclass AND objid = ${id}`,
      );
      return waiting?.['n'] === 2 ? true : undefined;
    });
    await holder.query('ROLLBACK');
    const refused = (await ends).filter((end) => end.status === 'rejected');
    expect(refused.map(({ reason }) => String(reason))).toEqual([
      expect.stringContaining('Nothing was swapped'),
    ]);
  } finally {
    await holder.end();
  }
  const there = await found();
  const keptOnes = [keptName, second.keptName].filter((one) => one in there);
  expect(keptOnes.map((one) => there[one])).toEqual(['old_one']);
  expect(there).toHaveProperty([name]);
  const works = [work, `bp_restore_${second.token}`].filter((one) => one in there);
  expect(works).toHaveLength(1);
});

it('a setting that can’t be given is found out before the loading, and nothing stays of it', async () => {
  await server.query(
    `ALTER DATABASE ${quoted(name)} SET "odd.setting" TO 'x'; COMMENT ON DATABASE ${quoted(name)} IS 'c'`,
  );
  const id = await restored();
  const [row] = await server.query(
    `SELECT (SELECT count(*)::int FROM pg_db_role_setting WHERE setdatabase = d.oid) AS settings,
       shobj_description(d.oid, 'pg_database') AS comment FROM pg_database d WHERE datname = '${work}'`,
  );
  expect(row).toEqual({ settings: 0, comment: null });
  await remove(id);
  expect(await found()).toEqual({ [name]: 'old_one' });
});

/** Behind the swap: what tells it, and what the look told of what is kept. */
async function swapped(): Promise<{ readonly id: string; readonly told: string | null }> {
  await server.query('CREATE TABLE rows (n int); INSERT INTO rows VALUES (1), (2)', name);
  const id = await restored();
  await swap(id);
  return { id, told: (await look(id)).kept };
}
const keptRows = async () =>
  (await server.query('SELECT n FROM rows ORDER BY n', keptName)).map(({ n }) => n);

it('what is kept is not dropped once somebody has written into it, or nobody knows whether somebody has', async () => {
  const { id, told } = await swapped();
  expect(told).toMatch(/^\d+ \d+$/);
  await expect(drop(id, null)).rejects.toMatchObject({
    ...{ message: expect.stringContaining('nobody knows whether somebody has written') },
    details: { field: 'isUnused' },
  });
  const unknown = { details: { field: 'isUnused' }, message: expect.stringContaining('nobody knows') };
  for (const [closed, open] of [
    ['SET track_counts TO off', 'RESET track_counts'],
    ['ALLOW_CONNECTIONS false', 'ALLOW_CONNECTIONS true'],
  ]) {
    await server.query(`ALTER DATABASE ${quoted(keptName)} ${closed}`);
    await expect(drop(id, told)).rejects.toMatchObject(unknown);
    await server.query(`ALTER DATABASE ${quoted(keptName)} ${open}`);
  }
  await server.query('ANALYZE', keptName);
  await server.query('INSERT INTO rows VALUES (3)', keptName);
  await expect(drop(id, told)).rejects.toMatchObject({
    ...{ message: expect.stringContaining('somebody has written into database') },
    details: { field: 'isUnused' },
  });
  expect(await keptRows()).toEqual([1, 2, 3]);
  expect(await drop(id, told, { isUnused: true })).toBe('dropped');
  expect(await found()).toEqual({ [name]: 'new_one' });
});

it('who is in what is kept is told of by its own name, and its template mark stays', async () => {
  const { id, told } = await swapped();
  await server.query(`ALTER DATABASE ${quoted(keptName)} IS_TEMPLATE true`);
  const { username: user, password } = server.superuser;
  const session = new pg.Client({ host: '127.0.0.1', port: server.port, user, password, database: keptName });
  await session.connect();
  const said = String(await drop(id, told).catch((error: Error) => error.message));
  expect(said).toMatch(
    /^Somebody uses database "shop .*_kept" .* so that it was not dropped\. End the sessions/,
  );
  expect(said).not.toContain('let the restore end them');
  await session.end();
  const isTemplate = `SELECT datistemplate AS is FROM pg_database WHERE datname = current_database()`;
  expect(await server.query(isTemplate, keptName)).toEqual([{ is: true }]);
  expect(await drop(id, told)).toBe('dropped');
});

it('a drop that was broken off is ended by the next one', async () => {
  const { id, told } = await swapped();
  await server.query(
    `UPDATE pg_database SET datconnlimit = -2 WHERE datname = '${keptName.replaceAll("'", "''")}'`,
  );
  expect(await drop(id, told)).toBe('dropped');
  expect(await found()).toEqual({ [name]: 'new_one' });
});

it('what is on another server, or not there on one that nobody knows, is not called dropped', async () => {
  const { id, told } = await swapped();
  const elsewhere = `7${told}`.replace(/^(\d{1,19})\d* /, '$1 ');
  await expect(drop(id, elsewhere)).rejects.toThrow('on another database server than it was on');
  expect(await keptRows()).toEqual([1, 2]);
  // As an upgrade leaves it: whatever anybody says, it is there.
  await expect(drop(id, elsewhere, { mayBeGone: true })).rejects.toMatchObject({
    ...{ message: expect.stringContaining('a database of its name, or of its OID, is there') },
    details: expect.not.objectContaining({ field: 'mayBeGone' }),
  });
  expect(await keptRows()).toEqual([1, 2]);
  await server.dropDatabase(keptName);
  const ask = { details: { field: 'mayBeGone' } };
  await expect(drop(id, elsewhere, { begunIn: '' })).rejects.toMatchObject(ask);
  expect(await drop(id, elsewhere, { mayBeGone: true })).toBe('dropped');
  await expect(drop(id, null)).rejects.toMatchObject(ask);
  // One that was begun, and nobody knows where, says nothing of this server.
  await expect(drop(id, null, { begunIn: '' })).rejects.toMatchObject(ask);
  expect(await drop(id, null, { mayBeGone: true })).toBe('dropped');
  // Its name is another’s by now, which nobody touches.
  await rename(name, keptName);
  await expect(drop(id, null, { begunIn: '' })).rejects.toMatchObject(ask);
  expect(await drop(id, null, { mayBeGone: true })).toBe('dropped');
  expect(await drop(id, told)).toBe('dropped');
  expect(await found()).toEqual({ [keptName]: 'new_one' });
});

it('what has its place again by whoever went back is neither dropped nor kept any more', async () => {
  const { id, told } = await swapped();
  await rename(name, `${name}_mine`);
  await rename(keptName, name);
  expect(await drop(id, told)).toBe('taken-back');
  expect(await found()).toEqual({ [name]: 'old_one', [`${name}_mine`]: 'new_one' });
});

it('of two that change names while one is to be dropped neither is, and one that is aside is dropped next', async () => {
  const { id, told } = await swapped();
  await server.createDatabase(second.keptName);
  await server.query('CREATE TABLE other_one ()', second.keptName);
  const { username: user, password } = server.superuser;
  const at = { host: '127.0.0.1', port: server.port, user, password };
  const holder = new pg.Client({ ...at, database: 'postgres' });
  await holder.connect();
  try {
    await holder.query('BEGIN');
    await holder.query(`ALTER DATABASE ${quoted(keptName)} RENAME TO ${quoted(`${name}_mine`)}`);
    await holder.query(`ALTER DATABASE ${quoted(second.keptName)} RENAME TO ${quoted(keptName)}`);
    const dropped = drop(id, told, { isUnused: true }).catch((error: Error) => error.message);
    await until('the drop to wait', 60_000, async () => {
      const [waiting] = await server.query(
        `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND classid = 'pg_database'::regclass AND objid = ${id}`,
      );
      return waiting?.['n'] === 1 ? true : undefined;
    });
    await holder.query('COMMIT');
    expect(await dropped).toContain('is not the one that was kept');
  } finally {
    await holder.end();
  }
  expect(await found()).toEqual({ [name]: 'new_one', [keptName]: 'other_one', [`${name}_mine`]: 'old_one' });
  // As a kill leaves it between the two: whoever is refused finds it by its name, or is told by which.
  await rename(`${name}_mine`, aside);
  const refusal = async () => String(await drop(id, null).catch((error: Error) => error.message));
  expect(await refusal()).toMatch(
    /^It was not dropped: nobody knows.* is called “bp_drop_\w+” now: rename it/,
  );
  await rename(keptName, second.keptName);
  expect(await refusal()).toMatch(/^It was not dropped: nobody knows.*isUnused\)\.$/);
  expect(await found()).toEqual({ [name]: 'new_one', [second.keptName]: 'other_one', [keptName]: 'old_one' });
  await rename(keptName, aside);
  await rename(second.keptName, keptName);
  expect(await drop(id, told)).toBe('dropped');
  expect(await found()).toEqual({ [name]: 'new_one', [keptName]: 'other_one' });
});

it('the only copy stays where it is there, and is settled where it is not', async () => {
  const { id, told } = await swapped();
  const only = { isOnlyCopy: true, isUnused: true };
  await expect(drop(id, told, only)).rejects.toMatchObject({
    ...{ code: 'invalid', details: { field: 'isOnlyCopy' } },
    message: expect.stringContaining('is the only copy of what was there before the restore'),
  });
  expect(await found()).toEqual({ [name]: 'new_one', [keptName]: 'old_one' });
  await rename(name, `${name}_mine`);
  await rename(keptName, name);
  expect(await drop(id, told, only)).toBe('taken-back');
  await server.dropDatabase(name);
  expect(await drop(id, told, only)).toBe('dropped');
  await expect(drop(id, null, only)).rejects.toMatchObject({ details: { field: 'mayBeGone' } });
  expect(await drop(id, null, { ...only, mayBeGone: true })).toBe('dropped');
});

it('what was made on another server is not taken for gone on this one', async () => {
  const { preflight } = planOf(null);
  const here = preflight.place?.(await runOn(preflight, preflight.command)) ?? '';
  expect(here).toMatch(/^\d{19}$/);
  const id = await restored();
  const removing = (madeIn: string | null, mayBeSwapped = false) => {
    const plan = planOf(id, { token, keptName }, { madeIn, mayBeSwapped });
    return runOn(plan, plan.remove);
  };
  // What is there is it, whatever the server is called by now.
  await removing('1');
  expect(await found()).toEqual({ [name]: 'old_one' });
  await expect(removing('1')).rejects.toMatchObject({
    ...{ code: 'conflict', details: { field: 'mayBeGone' } },
    message: expect.stringContaining('made on another database server than is found there'),
  });
  for (const madeIn of [here, null, '1; true']) await removing(madeIn);
  // What was there before has a name that somebody else has given it, behind a swap of which nobody heard.
  await runOn(planOf(null), planOf(null).create);
  await swap(id);
  await rename(keptName, `${name}_mine`);
  await expect(removing(here, true)).rejects.toMatchObject({ details: { field: 'mayBeGone' } });
  await removing(here);
  await rename(`${name}_mine`, keptName);
  await expect(removing(here, true)).rejects.toThrow('taken the place');
});
