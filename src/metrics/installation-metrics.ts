import { sql } from 'kysely';
import type { Db, RunKindName, RunState } from '../db/schema.ts';
import type { FreeSpace } from '../installation/free-space.ts';
import { failingWays } from '../notifications/failing-ways.ts';
import { createSamples, labelsOf, type Metric, type Samples, secondsOf } from './exposition.ts';

export interface InstallationContext {
  readonly db: Db;
  readonly version: string;
  readonly freeSpace: () => Promise<FreeSpace | null>;
  /** What `/ready` tells, by name. */
  readonly checks: () => Promise<Readonly<Record<string, boolean>>>;
}

const gauge = (name: string, help: string): Metric => ({ name: `bridgeport_${name}`, help, type: 'gauge' });

const INFO = gauge('info', 'The version that runs. Always 1.');
const READY = gauge('ready', 'Whether backups would work now, by what they need: the checks of /ready.');
const RUNS = gauge('runs', 'Runs that wait, go on, or of which nobody knows yet what became of them.');
const OLDEST = gauge(
  'runs_oldest_pending_timestamp_seconds',
  'Since when the run waits that waits longest; no sample while none does.',
);
const ENDED: Metric = {
  ...gauge(
    'backups_total',
    'Backups that ended since the installation began, by the environment and how. Cancelled ones do not count.',
  ),
  type: 'counter',
};
const STORED = gauge(
  'stored_bytes',
  'Bytes of completed backups that are kept, by place; bucket "" is a host.',
);
const LEFTOVERS = gauge('leftovers', 'What runs could not remove from a storage or a host yet.');
const OLDEST_LEFTOVER = gauge(
  'leftovers_oldest_timestamp_seconds',
  'Since when the oldest of those is left behind; no sample while there is none.',
);
const WAYS = gauge('notification_ways_failing', 'The mail server and channels by which nothing arrives.');
const DISK_FREE = gauge('disk_free_bytes', 'Room that is left on the disk of the app’s own database.');
const DISK_SIZE = gauge('disk_size_bytes', 'Size of the disk of the app’s own database.');

const KINDS: readonly RunKindName[] = ['backup', 'deep_test', 'verification', 'prune', 'restore', 'drill'];
const OPEN: readonly RunState[] = ['pending', 'running', 'uncertain'];

/** What is known of the installation as a whole, from the database: it is the same before and after a restart. */
export async function installationMetrics(context: InstallationContext): Promise<Samples> {
  const { db, version } = context;
  const samples = createSamples([
    ...[INFO, READY, RUNS, OLDEST, ENDED, STORED, LEFTOVERS, OLDEST_LEFTOVER],
    ...[WAYS, DISK_FREE, DISK_SIZE],
  ]);
  samples.add(INFO, labelsOf({ version }), 1);
  for (const [check, isWell] of Object.entries(await context.checks())) {
    samples.add(READY, labelsOf({ check }), Number(isWell));
  }
  await addRuns(samples, db);
  await addEnded(samples, db);
  await addStored(samples, db);
  const leftovers = await readLeftovers(db);
  samples.add(LEFTOVERS, '', Number(leftovers.count));
  samples.add(OLDEST_LEFTOVER, '', secondsOf(leftovers.oldest));
  samples.add(WAYS, '', (await failingWays(db)).length);
  const space = await context.freeSpace().catch(() => null);
  samples.add(DISK_FREE, '', space?.free);
  samples.add(DISK_SIZE, '', space?.total);
  return samples;
}

async function addRuns(samples: Samples, db: Db): Promise<void> {
  // Literals, as in the index.
  const isOpen = sql<boolean>`state in (${sql.join(OPEN.map((state) => sql.lit(state)))})`;
  const rows = await db
    .selectFrom('runs')
    .select(({ fn }) => ['kind', 'state', fn.countAll<number>().as('count')])
    .where(isOpen)
    .groupBy(['kind', 'state'])
    .execute();
  const counts = new Map(rows.map(({ kind, state, count }) => [`${kind} ${state}`, Number(count)]));
  for (const kind of KINDS) {
    for (const state of OPEN)
      samples.add(RUNS, labelsOf({ kind, state }), counts.get(`${kind} ${state}`) ?? 0);
  }
  const { oldest } = await db
    .selectFrom('runs')
    .select(({ fn }) => fn.min('created_at').as('oldest'))
    .where('state', '=', sql.lit('pending'))
    .executeTakeFirstOrThrow();
  samples.add(OLDEST, '', secondsOf(oldest));
}

async function addEnded(samples: Samples, db: Db): Promise<void> {
  const rows = await db
    .selectFrom('environment_days')
    .innerJoin('environments', 'environments.id', 'environment_days.environment_id')
    .select('environments.name')
    .select(({ fn }) => [fn.sum<number>('good').as('good'), fn.sum<number>('failed').as('failed')])
    .groupBy(['environments.id', 'environments.name'])
    .execute();
  for (const { name, ...counts } of rows) {
    for (const result of ['good', 'failed'] as const) {
      samples.add(ENDED, labelsOf({ environment: name, result }), Number(counts[result]));
    }
  }
}

async function addStored(samples: Samples, db: Db): Promise<void> {
  const rows = await db
    .selectFrom('stored_totals')
    .select(['endpoint', 'bucket', sql<number>`sum(stored_totals.bytes)`.as('bytes')])
    .groupBy(['endpoint', 'bucket'])
    .execute();
  for (const { endpoint, bucket, bytes } of rows)
    samples.add(STORED, labelsOf({ endpoint, bucket }), Number(bytes));
}

function readLeftovers(db: Db) {
  return db
    .selectFrom('leftovers')
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min<string | null>('created_at').as('oldest')])
    .executeTakeFirstOrThrow();
}
