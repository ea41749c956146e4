import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { FaultRule } from '../../dev/bucket/server.ts';
import { backupsOf, create, isOpen, ODD } from '../attack/ground.ts';
import { DATABASE, type Field, openField, prepareField } from '../crash/field.ts';
import { type ChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import { until } from '../support/until.ts';

/** The app is killed while it restores and is started again: there is the whole database under its name, or nothing of it. */
const BUCKET = 'restores';
let field: Field;
let app: ChildApp;
let backupId: string;
let undisturbedMs: number;

const start = () => startChildApp(field.program, { ...field.env, DATA_DIR: join(field.folder, 'data') });

beforeAll(async () => {
  field = await openField([BUCKET]);
  const { postgres } = field;
  app = await start();
  const { environment, server } = await prepareField(field, app, BUCKET);
  const database = await create(app, 'database', `/api/environments/${environment}/databases`, {
    ...{ name: `shop ${ODD}`, type: 'postgres', serverId: server, backupFormat: 'plain' },
    ...{ host: '127.0.0.1', port: postgres.port, databaseName: DATABASE, ...postgres.superuser },
    ...{ backupStorageType: 'spaces', backupSpacesBucket: BUCKET, backupSpacesPrefix: `${ODD}/` },
  });
  backupId = String((await app.ask('POST', `/api/databases/${database}/backups`, {}))['backupId']);
  await until('the backup to end', 60_000, async () => !(await backupsOf(app, database)).some(isOpen));
  const begunAt = performance.now();
  expect(await endOf(await ask('undisturbed'))).toBe('completed');
  undisturbedMs = performance.now() - begunAt;
}, 180_000);
afterEach(() => field.bucket.faults.clear());
afterAll(async () => {
  await app?.kill();
  await field?.close();
});

const nameOf = (what: string) => `${what} ü"😀'`;

async function ask(what: string): Promise<string> {
  const asked = await app.ask('POST', `/api/backups/${backupId}/restore`, { newName: nameOf(what) });
  return String(asked['runId']);
}

async function endOf(runId: string): Promise<string> {
  return until('the restore to end', 90_000, async () => {
    const { run } = (await app.ask('GET', `/api/runs/${runId}`)) as { run: Json };
    const state = String(run['state']);
    return ['pending', 'running', 'uncertain'].includes(state) ? undefined : state;
  });
}

async function databases(): Promise<readonly string[]> {
  const rows = await field.postgres.query('SELECT datname FROM pg_database');
  return rows.map(({ datname }) => String(datname));
}

async function killAndLook(what: string, runId: string): Promise<string> {
  await app.kill();
  field.bucket.faults.clear();
  app = await start();
  const state = await endOf(runId);
  const names = await databases();
  expect(names.filter((name) => name.startsWith('bp_restore_'))).toEqual([]);
  expect(names.includes(nameOf(what))).toBe(state === 'completed');
  if (state === 'completed') expect(await rowsOf(what)).toBe(12_000);
  return state;
}

async function rowsOf(what: string): Promise<number> {
  const [row] = await field.postgres.query('SELECT count(*)::int AS rows FROM noise', nameOf(what));
  return Number(row?.['rows']);
}

const STEPS: readonly [string, FaultRule][] = [
  ['its look at the backup', { match: { operation: 'HeadObject' }, fault: { kind: 'hang' } }],
  ['its first bytes', { match: { operation: 'GetObject' }, fault: { kind: 'stall', bytes: 100_000 } }],
];

describe('a restore that is killed', () => {
  it.each(STEPS)(
    'during %s leaves nothing, and its name can be had',
    async (what, rule) => {
      const hits = field.bucket.faults.hits().length;
      field.bucket.faults.add(rule);
      const runId = await ask(what);
      await until('the restore to be there', 20_000, () => field.bucket.faults.hits().length > hits);
      expect(await killAndLook(what, runId)).toBe('interrupted');
      expect(await endOf(await ask(what))).toBe('completed');
      expect(await rowsOf(what)).toBe(12_000);
    },
    120_000,
  );

  it.each([0.3, 0.6, 0.9])(
    '%d of its way is whole or gone',
    async (part) => {
      const what = `killed at ${part}`;
      const runId = await ask(what);
      await pause(part * undisturbedMs);
      expect(['interrupted', 'completed']).toContain(await killAndLook(what, runId));
    },
    120_000,
  );
});

/** Whatever becomes of a drill, its database is gone after the next start, and nothing else is. */
describe('a drill that is killed', () => {
  const drill = async () => String((await app.ask('POST', `/api/backups/${backupId}/drill`, {}))['runId']);

  async function killDrill(runId: string) {
    const before = (await databases()).filter((name) => !name.startsWith('bp_drill_'));
    await app.kill();
    field.bucket.faults.clear();
    app = await start();
    const state = await endOf(runId);
    expect(await databases()).toEqual(before);
    const { run } = (await app.ask('GET', `/api/runs/${runId}`)) as { run: Json };
    return { state, drill: run['drill'] as Json };
  }

  it('while it loads leaves no database, and the next one proves the backup', async () => {
    const hits = field.bucket.faults.hits().length;
    field.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'stall', bytes: 100_000 } });
    const runId = await drill();
    await until('the drill to load', 20_000, async () => {
      const isMade = (await databases()).some((name) => name.startsWith('bp_drill_'));
      return isMade && field.bucket.faults.hits().length > hits ? true : undefined;
    });
    const ended = await killDrill(runId);
    expect([ended.state, ended.drill['outcome']]).toEqual(['interrupted', 'interrupted']);
    const next = await drill();
    expect(await endOf(next)).toBe('completed');
    expect((await databases()).filter((name) => name.startsWith('bp_drill_'))).toEqual([]);
  }, 120_000);

  it.each([0.7])(
    '%d of its way leaves no database',
    async (part) => {
      const runId = await drill();
      await pause(part * undisturbedMs);
      const { state, drill: said } = await killDrill(runId);
      expect([
        ['completed', 'proven'],
        ['interrupted', 'interrupted'],
      ]).toContainEqual([state, said['outcome']]);
    },
    120_000,
  );
});

describe('a restore in place that is killed', () => {
  it('in its swap leaves the name to one of the two, and the other one is kept', async () => {
    const { postgres } = field;
    await postgres.query('DELETE FROM noise WHERE n <= 100', DATABASE);
    const { superuser, port } = postgres;
    const { username: user, password } = superuser;
    const holder = new pg.Client({ host: '127.0.0.1', port, user, password, database: 'postgres' });
    await holder.connect();
    try {
      // The first rename waits for this.
      await holder.query(`BEGIN; COMMENT ON DATABASE "${DATABASE.replaceAll('"', '""')}" IS 'held'`);
      const body = { inPlace: true, confirm: `shop ${ODD}`, safetyBackup: false };
      const runId = String((await app.ask('POST', `/api/backups/${backupId}/restore`, body))['runId']);
      await until('the swap to wait', 60_000, async () => {
        const [waiting] = await postgres.query('SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted');
        return Number(waiting?.['n']) > 0;
      });
      await app.kill();
      await holder.query('ROLLBACK');
      app = await start();
      expect(await endOf(runId)).toBe('completed');
      const { restore } = (await app.ask('GET', `/api/runs/${runId}`))['run'] as { restore: Json };
      const kept = String((restore['kept'] as Json)['name']);
      const rowsIn = async (name: string) =>
        Number((await postgres.query('SELECT count(*)::int AS rows FROM noise', name))[0]?.['rows']);
      expect([await rowsIn(DATABASE), await rowsIn(kept)]).toEqual([12_000, 11_900]);
      expect((await databases()).filter((name) => name.startsWith('bp_restore_'))).toEqual([]);
      await app.ask('POST', `/api/restores/${runId}/drop-kept`, { confirm: kept });
      expect(await databases()).not.toContain(kept);
    } finally {
      await holder.end();
    }
  }, 120_000);
});
