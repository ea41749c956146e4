import fc from 'fast-check';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteBackup } from '../../src/backups/delete-backup.ts';
import { sweepDeleted } from '../../src/backups/remove-deleted.ts';
import { repairCounts } from '../../src/backups/repair-counts.ts';
import { recordUpload } from '../../src/backups/run-record.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import { deleteDatabase } from '../../src/databases/databases.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { Db } from '../../src/db/schema.ts';
import { deleteEnvironment } from '../../src/environments/environments.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { addRun } from '../support/backup-row.ts';
import { openPostgresDatabase } from '../support/database.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';

const NOW = new Date('2026-03-04T05:06:07.890Z');
const ACTOR = { userId: null, address: null };
const PLACES = [
  { endpoint: 'https://s3.example.com', region: 'fra1', bucket: 'backups' },
  { endpoint: 'https://s3.example.com', region: 'fra1', bucket: 'old_backups' },
  { endpoint: 'https://old.example.com:9000', region: 'x', bucket: 'backups' },
  { endpoint: 'host:local', region: null, bucket: '' },
] as const;

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await sharedPostgres();
});
afterAll(() => postgres.stop());

const openers: Readonly<Record<string, { open: () => Promise<Db>; runs: number }>> = {
  SQLite: { open: async () => openDatabase(':memory:'), runs: 60 },
  PostgreSQL: { open: () => openPostgresDatabase(postgres), runs: 5 },
};

/** What happens to backups, each with the number of a database or of a backup. */
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('begin' as const), number: fc.nat(3), place: fc.nat(3) }),
  },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('complete' as const), number: fc.nat(20) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom('fail', 'doubt', 'ask again', 'delete', 'delete', 'record late'),
      number: fc.nat(20),
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constantFrom('sweep', 'sweep in vain'), number: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constantFrom('delete database', 'delete environment'),
      number: fc.nat(3),
    }),
  },
);

describe.each(Object.entries(openers))('what is stored, on %s', (_, { open, runs }) => {
  let db: Db;
  let log: string[];
  beforeEach(async () => {
    db = await open();
    log = [];
    await migrate(db, { file: null, now: () => NOW });
  });
  afterEach(() => db.destroy());

  it('is told by the totals as by a full count, whatever happens to backups', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        await db.deleteFrom('environments').execute();
        await makeDatabases(db);
        const past: Past = new Map();
        for (const one of steps) {
          await take(one);
          expect(await totals(db)).toEqual(await fullCount(db));
          await remember(db, past);
          expect(await toldOfDays(db)).toEqual(await fullDays(db, past));
          expect(await toldOfEnvironments(db)).toEqual(await fullEnvironments(db, past));
          expect(await newest(db)).toEqual(await fullNewest(db));
        }
        expect(await repairCounts({ db, log: quiet(), now: () => NOW })).toBe(0);
      }),
      { numRuns: runs },
    );
  });

  it('is counted anew, and logged, for each database whose totals do not fit', async () => {
    await makeDatabases(db);
    for (const number of [0, 1, 2]) {
      await take({ does: 'begin', number, place: number });
      await take({ does: 'complete', number });
    }
    await db.updateTable('stored_totals').set({ backups: 7 }).where('database_id', '=', 'd0').execute();
    await db.deleteFrom('stored_totals').where('database_id', '=', 'd1').execute();
    await db
      .insertInto('stored_totals')
      .values({ database_id: 'd3', endpoint: 'x', bucket: 'y', backups: 1, bytes: 1 })
      .execute();
    await db.updateTable('newest_backups').set({ good_size: 1 }).where('database_id', '=', 'd2').execute();
    expect(await repairCounts({ db, log: quiet(), now: () => NOW })).toBe(4);
    expect(await totals(db)).toEqual(await fullCount(db));
    expect(await newest(db)).toEqual(await fullNewest(db));
    expect(log).toHaveLength(4);
    expect(await repairCounts({ db, log: quiet(), now: () => NOW })).toBe(0);
  });

  it('is counted anew for each database whose days or newest backups do not fit; the past is not forgotten', async () => {
    await makeDatabases(db);
    for (const number of [0, 1, 2, 3]) {
      await take({ does: 'begin', number, place: number });
      await take({ does: number === 3 ? 'fail' : 'complete', number });
    }
    const past: Past = new Map();
    await remember(db, past);
    // The one of d2 is deleted: its day remembers that it was good.
    await take({ does: 'delete', number: 2 });
    const told = await toldOfDays(db);
    expect(told).toEqual(await fullDays(db, past));
    await db.updateTable('backup_days').set({ kept: 5 }).where('database_id', '=', 'd0').execute();
    await db.deleteFrom('backup_days').where('database_id', '=', 'd1').execute();
    await db.deleteFrom('newest_backups').where('database_id', '=', 'd3').execute();
    await db.deleteFrom('environment_days').execute();
    expect(await repairCounts({ db, log: quiet(), now: () => NOW })).toBe(3);
    expect(await toldOfDays(db)).toEqual(told);
    expect(await newest(db)).toEqual(await fullNewest(db));
    expect(await toldOfEnvironments(db)).toEqual(await fullEnvironments(db, past));
    expect(await repairCounts({ db, log: quiet(), now: () => NOW })).toBe(0);
  });

  it('is compared in pieces of some databases each, between which others have their turn', async () => {
    await makeDatabases(db, 130);
    for (const [index, number] of [0, 49, 99, 129].entries()) {
      await take({ does: 'begin', number, place: 0 });
      await take({ does: 'complete', number: index });
    }
    expect(await totals(db)).toHaveLength(4);
    await db.deleteFrom('stored_totals').where('database_id', '!=', 'd99').execute();
    let turns = 0;
    let isOver = false;
    const count = () => {
      turns += 1;
      if (!isOver) setImmediate(count);
    };
    setImmediate(count);
    const repaired = await repairCounts({ db, log: quiet(), now: () => NOW });
    isOver = true;
    expect(turns).toBeGreaterThanOrEqual(3);
    expect(repaired).toBe(3);
    expect(await totals(db)).toEqual(await fullCount(db));
  });

  it('is compared no further once the app stops', async () => {
    await makeDatabases(db, 130);
    const wrong = ['d0', 'd129'].map((id) => ({
      database_id: id,
      endpoint: 'x',
      bucket: 'ü +"🐘',
      backups: 1,
      bytes: 1,
    }));
    await db.insertInto('stored_totals').values(wrong).execute();
    expect(await repairCounts({ db, log: quiet(), now: () => NOW }, AbortSignal.abort())).toBe(1);
    expect(await totals(db)).toHaveLength(1);
    expect(await repairCounts({ db, log: quiet(), now: () => NOW })).toBe(1);
  });

  function quiet() {
    return createLog(
      'warn',
      (line) => log.push(line),
      () => NOW,
    );
  }

  async function take({ does, number, place = 0 }: { does: string; number: number; place?: number }) {
    const backups = await db.selectFrom('backups').select(['id', 'status']).orderBy('created_at').execute();
    const backup = backups[number % Math.max(1, backups.length)];
    const claim = { runId: backup?.id ?? '', claimedBy: 'w' };
    const error = { code: 'internal', message: 'm', step: 'upload' } as const;
    const openPlace = async () => {
      // Deleting tries the storage at once; every other time it is there.
      if (does === 'sweep in vain' || (does === 'delete' && number % 2 === 1)) throw new Error('unreachable');
      const store = { remove: async () => {}, head: async () => null, listUploads: async () => [] };
      return { store, close: async () => {} };
    };
    const runs = { wake: () => {}, cancel: () => true };
    const services = { db, now: () => NOW, log: quiet(), runs, openPlace } as never;
    if (does === 'begin') return begin(db, `d${number}`, PLACES[place] ?? PLACES[0], backups.length);
    if (does === 'complete') {
      const run = { bytes: 1000 + number, sha256: 'ab', versionId: null };
      return settleCompleted(db, claim, run, NOW);
    }
    if (does === 'fail') return settleFailed(db, claim, { error, outcome: 'failed' }, NOW);
    if (does === 'doubt') return settleFailed(db, claim, { error, outcome: 'uncertain' }, NOW);
    if (does === 'ask again') {
      const doubtful = db.updateTable('runs').set({ claimed_by: 'w' }).where('state', '=', 'uncertain');
      return doubtful.execute();
    }
    // A run that was given up may still go on for a while.
    if (does === 'record late') return recordUpload(db, claim, { bytes: 5_000_000_000 }).catch(ignore);
    if (does === 'delete') return deleteBackup(services, claim.runId).catch(ignore);
    if (does === 'delete database') return deleteDatabase(services, ACTOR, `d${number}`).catch(ignore);
    if (does === 'delete environment')
      return deleteEnvironment(services, ACTOR, `e${number % 2}`).catch(ignore);
    return sweepDeleted(services, { completeMayTakeMs: 1000 }, new AbortController().signal);
  }
});

/** Refused, as it should be: what is not there or still runs. */
const ignore = () => undefined;

async function makeDatabases(db: Db, count = 4): Promise<void> {
  const at = { created_at: NOW.toISOString(), updated_at: NOW.toISOString() };
  for (const id of ['e0', 'e1']) {
    await db
      .insertInto('environments')
      .values({ id, name: `"${id}" + ü 🐘`, ...at } as never)
      .execute();
  }
  for (let number = 0; number < count; number += 1) {
    const of = {
      id: `d${number}`,
      environment_id: `e${number % 2}`,
      name: `d'${number} +ä`,
      type: 'postgres',
    };
    await db
      .insertInto('databases')
      .values({ ...of, ...at } as never)
      .execute();
  }
}

/** A run with its object, unless one of that database runs already or the database is gone. */
async function begin(db: Db, databaseId: string, place: (typeof PLACES)[number], age: number): Promise<void> {
  const [id, key] = [newId(), `ümlaut + ${newId()} 🐘`];
  const busy = await db
    .selectFrom('databases')
    .leftJoin('backups', (join) =>
      join.onRef('backups.database_id', '=', 'databases.id').on('backups.status', '=', 'in_progress'),
    )
    .select('backups.id')
    .where('databases.id', '=', databaseId)
    .executeTakeFirst();
  if (busy === undefined || busy.id !== null) return;
  const backup = await db
    .insertInto('backups')
    .values({
      ...{ id, database_id: databaseId, filename: key, size: 0, type: 'manual', status: 'in_progress' },
      ...{ storage_type: 'spaces', storage_path: key, bytes_read: 0, bytes_stored: 0 },
      created_at: new Date(NOW.getTime() + age * 9 * 3_600_000).toISOString(),
      ...{ is_pinned: 0, token: id },
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  await addRun(db, backup, { claimed_by: 'w' });
  await db
    .insertInto('backup_objects')
    .values({ id: newId(), backup_id: id, kind: 'dump', number: 0, ...place, key, bytes: 3 })
    .execute();
}

/** What has ended so far, by the backup's id, also of those that are gone. */
type Past = Map<string, { database: string; environment: string; day: string; good: boolean; bytes: number }>;

async function seen(db: Db) {
  const rows = await db
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select(['backups.id', 'database_id', 'environment_id', 'backups.created_at', 'started_at'])
    .select(['status', 'outcome', 'size'])
    .where('deleted_at', 'is', null)
    .execute();
  return rows.toSorted((a, b) => `${b.created_at} ${b.id}`.localeCompare(`${a.created_at} ${a.id}`));
}

async function remember(db: Db, past: Past): Promise<void> {
  for (const row of await seen(db)) {
    const good = row.status === 'completed';
    if (!good && row.outcome !== 'failed') continue;
    const [day, bytes] = [row.created_at.slice(0, 10), good ? Number(row.size) : 0];
    past.set(row.id, { database: row.database_id, environment: row.environment_id, day, good, bytes });
  }
}

function lines(counts: ReadonlyMap<string, readonly number[]>): readonly string[] {
  return [...counts].map(([name, numbers]) => `${name}: ${numbers.join(' ')}`).sort();
}

/** Good, failed, kept and added of each database and day. */
async function toldOfDays(db: Db) {
  const rows = await db.selectFrom('backup_days').selectAll().execute();
  const known = rows.filter(({ good, failed }) => Number(good) + Number(failed) > 0);
  return known
    .map((row) => `${row.database_id} ${row.day}: ${row.good} ${row.failed} ${row.kept} ${row.added}`)
    .sort();
}

async function fullDays(db: Db, past: Past) {
  const databases = new Set((await db.selectFrom('databases').select('id').execute()).map(({ id }) => id));
  const there = new Set((await seen(db)).map(({ id }) => id));
  const counts = new Map<string, number[]>();
  for (const [id, { database, day, good, bytes }] of past) {
    if (!databases.has(database)) continue;
    const [g = 0, f = 0, k = 0, b = 0] = counts.get(`${database} ${day}`) ?? [];
    const isKept = good && there.has(id);
    counts.set(`${database} ${day}`, [
      g + (good ? 1 : 0),
      f + (good ? 0 : 1),
      k + (isKept ? 1 : 0),
      b + bytes,
    ]);
  }
  return lines(counts);
}

/** Good and failed ones, what was added and what is left of it. */
async function toldOfEnvironments(db: Db) {
  const counts = new Map<string, number[]>();
  for (const row of await db.selectFrom('environment_days').selectAll().execute()) {
    const [g = 0, f = 0, a = 0, left = 0] = counts.get(row.environment_id) ?? [];
    const [added, freed] = [Number(row.added), Number(row.freed)];
    counts.set(row.environment_id, [
      g + Number(row.good),
      f + Number(row.failed),
      a + added,
      left + added - freed,
    ]);
  }
  return lines(counts);
}

async function fullEnvironments(db: Db, past: Past) {
  const there = new Set((await db.selectFrom('environments').select('id').execute()).map(({ id }) => id));
  const counts = new Map<string, number[]>();
  for (const { environment, good, bytes } of past.values()) {
    if (!there.has(environment)) continue;
    const [g = 0, f = 0, a = 0] = counts.get(environment) ?? [];
    counts.set(environment, [g + (good ? 1 : 0), f + (good ? 0 : 1), a + bytes, 0]);
  }
  const rows = await db
    .selectFrom('stored_totals')
    .innerJoin('databases', 'databases.id', 'stored_totals.database_id')
    .select(['environment_id', 'bytes'])
    .execute();
  for (const { environment_id, bytes } of rows) {
    const [g = 0, f = 0, a = 0, left = 0] = counts.get(environment_id) ?? [];
    counts.set(environment_id, [g, f, a, left + Number(bytes)]);
  }
  return lines(counts);
}

async function newest(db: Db) {
  const rows = await db.selectFrom('newest_backups').selectAll().orderBy('database_id').execute();
  return rows.map((row) => [row.database_id, row.good_id, row.good_at, row.ended_id, row.ended_at]);
}

async function fullNewest(db: Db) {
  const rows = await seen(db);
  const databases = [...new Set(rows.map(({ database_id }) => database_id))].sort();
  return databases.flatMap((id) => {
    const own = rows.filter((row) => row.database_id === id);
    const good = own.find(({ status }) => status === 'completed');
    const ended = own.find(({ outcome }) => outcome === 'completed' || outcome === 'failed');
    if (ended === undefined) return [];
    return [[id, good?.id ?? null, good?.created_at ?? null, ended.id, ended.created_at]];
  });
}

async function totals(db: Db) {
  const rows = await db.selectFrom('stored_totals').selectAll().execute();
  return sorted(rows);
}

async function fullCount(db: Db) {
  const rows = await db
    .selectFrom('backup_objects')
    .innerJoin('backups', 'backups.id', 'backup_objects.backup_id')
    .select(['database_id', 'endpoint', 'bucket', sql<number>`count(distinct backups.id)`.as('backups')])
    .select(sql<number>`sum(bytes)`.as('bytes'))
    .where('status', '=', 'completed')
    .where('deleted_at', 'is', null)
    .groupBy(['database_id', 'endpoint', 'bucket'])
    .execute();
  return sorted(rows);
}

function sorted(
  rows: readonly { database_id: string; endpoint: string; bucket: string; backups: number; bytes: number }[],
) {
  const text = (row: (typeof rows)[number]) => `${row.database_id} ${row.endpoint} ${row.bucket}`;
  return rows
    .map((row) => ({ ...row, backups: Number(row.backups), bytes: Number(row.bytes) }))
    .toSorted((a, b) => text(a).localeCompare(text(b)));
}
