import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultRule } from '../../dev/bucket/server.ts';
import { DATABASE, type Field, openField } from '../crash/field.ts';
import { prepareRestores, type RestoreGround, ROWS } from '../crash/restore-ground.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';

/** The app is killed while it restores and is started again: there is the whole database under its name, or nothing of it. */
const BUCKET = 'restores';
let field: Field;
let ground: RestoreGround;
let backupId: string;
/** Of its object: other requests than a restore's are about its manifest. */
let key: string;
let undisturbedMs: number;

beforeAll(async () => {
  field = await openField([BUCKET]);
  ground = await prepareRestores(field, BUCKET);
  backupId = ground.backups[0] ?? '';
  const { backup } = (await ground.app().ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
  key = String(backup['storagePath']);
  const begunAt = performance.now();
  expect(await ground.endOf(await ask('undisturbed'))).toBe('completed');
  undisturbedMs = performance.now() - begunAt;
});
afterEach(() => field.bucket.faults.clear());
afterAll(async () => {
  await ground?.close();
  await field?.close();
});

const nameOf = (what: string) => `${what} ü"😀'`;
const ask = (what: string) => ground.ask('restore', backupId, { newName: nameOf(what) });

async function killAndLook(what: string, runId: string): Promise<string> {
  await ground.killAndStart();
  const state = await ground.endOf(runId);
  expect(await ground.nameless()).toEqual([]);
  expect((await ground.databases()).includes(nameOf(what))).toBe(state === 'completed');
  if (state === 'completed') expect(await ground.rowsOf(nameOf(what))).toBe(ROWS);
  return state;
}

const stall = (): FaultRule => ({
  match: { operation: 'GetObject', key },
  fault: { kind: 'stall', bytes: 100_000 },
});
const STEPS: readonly [string, () => FaultRule][] = [
  ['its look at the backup', () => ({ match: { operation: 'HeadObject', key }, fault: { kind: 'hang' } })],
  ['its first bytes', stall],
];

describe('a restore that is killed', () => {
  it.each(STEPS)('during %s leaves nothing, and its name can be had', async (what, rule) => {
    const hits = field.bucket.faults.hits().length;
    field.bucket.faults.add(rule());
    const runId = await ask(what);
    await until('the restore to be there', 60_000, () => field.bucket.faults.hits().length > hits);
    expect(await killAndLook(what, runId)).toBe('interrupted');
    expect(await ground.endOf(await ask(what))).toBe('completed');
    expect(await ground.rowsOf(nameOf(what))).toBe(ROWS);
  });

  it.each([0.3, 0.6, 0.9])('%d of its way is whole or gone', async (part) => {
    const what = `killed at ${part}`;
    const runId = await ask(what);
    await pause(part * undisturbedMs);
    expect(['interrupted', 'completed']).toContain(await killAndLook(what, runId));
  });
});

/** Whatever becomes of a drill, its database is gone after the next start, and nothing else is. */
describe('a drill that is killed', () => {
  const drill = () => ground.ask('drill', backupId);

  async function killDrill(runId: string) {
    const before = (await ground.databases()).filter((name) => !name.startsWith('bp_drill_'));
    await ground.killAndStart();
    const state = await ground.endOf(runId);
    expect(await ground.databases()).toEqual(before);
    return { state, drill: (await ground.runOf(runId))['drill'] as Json };
  }

  it('while it loads leaves no database, and the next one proves the backup', async () => {
    const hits = field.bucket.faults.hits().length;
    field.bucket.faults.add(stall());
    const runId = await drill();
    await until('the drill to load', 60_000, async () => {
      const isMade = (await ground.databases()).some((name) => name.startsWith('bp_drill_'));
      return isMade && field.bucket.faults.hits().length > hits ? true : undefined;
    });
    const ended = await killDrill(runId);
    expect([ended.state, ended.drill['outcome']]).toEqual(['interrupted', 'interrupted']);
    const next = await drill();
    expect(await ground.endOf(next)).toBe('completed');
    expect((await ground.databases()).filter((name) => name.startsWith('bp_drill_'))).toEqual([]);
  });

  it.each([0.7])('%d of its way leaves no database', async (part) => {
    const runId = await drill();
    await pause(part * undisturbedMs);
    const { state, drill: said } = await killDrill(runId);
    expect([
      ['completed', 'proven'],
      ['interrupted', 'interrupted'],
    ]).toContainEqual([state, said['outcome']]);
  });
});

it('a reading in full that is killed is begun again by the next start, and reads all', async () => {
  const hits = field.bucket.faults.hits().length;
  field.bucket.faults.add(stall());
  const runId = await ground.ask('verify', backupId);
  await until('the reading to go on', 60_000, () => field.bucket.faults.hits().length > hits);
  await ground.killAndStart();
  expect(await ground.endOf(runId)).toBe('completed');
  expect(await ground.runOf(runId)).toMatchObject({ kind: 'verification', attempts: 2, error: null });
  const { backup } = (await ground.app().ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
  // No drill says that.
  expect(backup['proofs']).toMatchObject({ bytes: expect.any(String), parsed: expect.any(String) });
});

/** A rename of that database waits for it until it rolls back, or ends. */
async function hold(database: string): Promise<pg.Client> {
  const { superuser, port } = field.postgres;
  const { username: user, password } = superuser;
  const holder = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
  await holder.connect();
  await holder.query(`BEGIN; COMMENT ON DATABASE "${database.replaceAll('"', '""')}" IS 'held'`);
  return holder;
}

const untilHeldUp = () =>
  until('a rename to wait', 60_000, async () => {
    const [waiting] = await field.postgres.query(
      `SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND locktype = 'object' AND classid = 'pg_database'::regclass`,
    );
    return Number(waiting?.['n']) > 0;
  });

async function isRenaming(): Promise<boolean> {
  const [found] = await field.postgres.query(
    `SELECT count(*)::int AS n FROM pg_stat_activity WHERE query LIKE '%RENAME TO%' AND state <> 'idle' AND pid <> pg_backend_pid()`,
  );
  return Number(found?.['n']) > 0;
}

describe('a restore in place that is killed', () => {
  it('in its swap leaves the name to one of the two, and the other one is kept', async () => {
    const { postgres } = field;
    await postgres.query('DELETE FROM noise WHERE n <= 100', DATABASE);
    const holder = await hold(DATABASE);
    try {
      const body = { inPlace: true, confirm: ground.registered, safetyBackup: false };
      const runId = await ground.ask('restore', backupId, body);
      await untilHeldUp();
      await ground.app().kill();
      await holder.query('ROLLBACK');
      await ground.killAndStart();
      expect(await ground.endOf(runId)).toBe('completed');
      const { restore } = (await ground.runOf(runId)) as { restore: Json };
      const kept = String((restore['kept'] as Json)['name']);
      expect([await ground.rowsOf(DATABASE), await ground.rowsOf(kept)]).toEqual([ROWS, ROWS - 100]);
      expect(await ground.nameless()).toEqual([]);
      await ground.app().ask('POST', `/api/restores/${runId}/drop-kept`, {
        // The next start may have found it swapped, and can't tell who has written into what is kept since.
        ...{ confirm: kept, isOnlyCopy: true, isUnused: true },
      });
      expect(await ground.databases()).not.toContain(kept);
    } finally {
      await holder.end();
    }
  });
});

describe('a rename into place that is killed', () => {
  it('gives what it took its name back', async () => {
    const name = nameOf('to be renamed');
    const restored = await ask('to be renamed');
    expect(await ground.endOf(restored)).toBe('completed');
    await field.postgres.query('DELETE FROM noise WHERE n <= 7', name);
    await field.postgres.query('DELETE FROM noise WHERE n <= 100', DATABASE);
    const before = [ROWS - 7, await ground.rowsOf(DATABASE)];
    const rename = async () => {
      const body = { confirm: ground.registered, safetyBackup: false };
      return String((await ground.app().ask('POST', `/api/restores/${restored}/rename`, body))['runId']);
    };
    // While it takes the name: let go at once, or only when all is over.
    for (const letGo of ['at once', 'at last']) {
      const holder = await hold(name);
      try {
        const runId = await rename();
        await untilHeldUp();
        await ground.app().kill();
        if (letGo === 'at once') await holder.query('ROLLBACK');
        await ground.killAndStart();
        expect(await ground.endOf(runId)).toBe('interrupted');
      } finally {
        await holder.end();
      }
      expect([await ground.rowsOf(name), await ground.rowsOf(DATABASE)]).toEqual(before);
      expect(await ground.nameless()).toEqual([]);
    }
    // In the swap.
    const holder = await hold(DATABASE);
    try {
      const runId = await rename();
      await untilHeldUp();
      await ground.app().kill();
      await holder.query('ROLLBACK');
      // Without the app nobody sends what follows the rename that waited: it is taken back.
      await until('the rename to end', 60_000, async () => !(await isRenaming()));
      await ground.killAndStart();
      // It is never done by the next start, of whenever that is.
      expect(await ground.endOf(runId)).toBe('interrupted');
      expect((await ground.runOf(runId))['restore']).toMatchObject({ state: 'removed', kept: null });
      expect([await ground.rowsOf(name), await ground.rowsOf(DATABASE)]).toEqual(before);
      expect(await ground.nameless()).toEqual([]);
    } finally {
      await holder.end();
    }
  });
});
