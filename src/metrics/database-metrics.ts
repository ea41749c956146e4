import { sql } from 'kysely';
import { heldBack } from '../backups/held-back.ts';
import { PROTECTIONS, type ProtectionFacts, protection } from '../backups/protection.ts';
import { factsOf, withNewest } from '../backups/protection-of.ts';
import { readBackupError } from '../backups/step-error.ts';
import { backupsUnderWay } from '../backups/under-way.ts';
import { breathe } from '../breathe.ts';
import type { BackupStep, Db } from '../db/schema.ts';
import { createSamples, joined, labelsOf, type Metric, type Samples, secondsOf } from './exposition.ts';

interface Context {
  readonly db: Db;
  readonly now: () => Date;
}

/** Databases that are read at once: some milliseconds of SQLite, which lets nobody else go on meanwhile. */
const READ = 200;
/** Whose lines are made in one piece. */
const WRITTEN = 50;

const gauge = (name: string, help: string): Metric => ({ name: `bridgeport_${name}`, help, type: 'gauge' });

/** Of each database, by its environment and name; what is not known yet has no sample. */
const OF_EACH = {
  info: gauge('database_info', 'What a database is: its engine, and where its backups go. Always 1.'),
  createdAt: gauge('database_created_timestamp_seconds', 'Since when the app knows the database.'),
  state: gauge(
    'database_protection_state',
    'The state that a database is in: never, late, failing, paused or protected. Always 1.',
  ),
  goodAt: gauge(
    'database_last_good_backup_timestamp_seconds',
    'When the dump of the newest good backup began: what it holds is so old.',
  ),
  dueAt: gauge('database_backup_due_timestamp_seconds', 'By when a newer good backup must be there.'),
  nextAt: gauge('database_next_backup_timestamp_seconds', 'When the next backup by schedule begins.'),
  goodBytes: gauge('database_last_good_backup_size_bytes', 'Stored bytes of the newest good backup.'),
  goodSeconds: gauge(
    'database_last_good_backup_duration_seconds',
    'How long the run of the newest good backup took.',
  ),
  endedAt: gauge(
    'database_last_backup_timestamp_seconds',
    'When the newest backup that ended, well or not, began.',
  ),
  endedWell: gauge('database_last_backup_success', 'Whether the newest backup that ended is good.'),
  verifiedAt: gauge(
    'database_last_verified_timestamp_seconds',
    'When a stored backup was last read in full and found whole.',
  ),
  drilledAt: gauge(
    'database_last_drilled_timestamp_seconds',
    'When a backup was last restored and compared with success, in a drill or in earnest.',
  ),
  drillWell: gauge(
    'database_last_drill_success',
    '0 where the last drill failed, 1 where a drill or a restore proved a backup.',
  ),
  drillSeconds: gauge(
    'database_last_drill_restore_duration_seconds',
    'How long the last restore took that proved a backup, in a drill or in earnest.',
  ),
  storedBytes: gauge('database_stored_bytes', 'Bytes of all completed backups that are kept.'),
  stored: gauge('database_stored_backups', 'Completed backups that are kept.'),
} as const satisfies Readonly<Record<string, Metric>>;

const IN_STATE = gauge('databases', 'Databases by whether they are safe.');
const FAILING = gauge(
  'databases_failing',
  'Databases whose newest backup failed, by the step at which it did.',
);
const STEPS: readonly BackupStep[] = ['connect', 'dump', 'upload', 'verify'];

/** What is known of each database, and how many are in which state. From small tables: nothing here grows with backups. */
export async function databaseMetrics(context: Context): Promise<Samples> {
  const samples = createSamples([IN_STATE, FAILING, ...Object.values(OF_EACH)]);
  const states = new Map<string, number>(PROTECTIONS.map((state) => [state, 0]));
  const failing = new Map<string, number>(STEPS.map((step) => [step, 0]));
  // One that is renamed between two pages may have the name of another that was given: twice, nothing of the scrape would be taken.
  const given = new Set<string>();
  let after = '';
  for (;;) {
    const underWay = await backupsUnderWay(context.db, context.now());
    const rows = await pageOf(context.db, after);
    const now = context.now();
    for (const [index, row] of rows.entries()) {
      if (index % WRITTEN === 0) await breathe();
      const { state, step } = addDatabase(samples, { row, facts: factsOf(row, underWay) }, now, given);
      states.set(state, (states.get(state) ?? 0) + 1);
      if (step !== null) failing.set(step, (failing.get(step) ?? 0) + 1);
    }
    after = rows.at(-1)?.id ?? '';
    if (rows.length < READ) break;
    await breathe();
  }
  for (const [state, count] of states) samples.add(IN_STATE, labelsOf({ state }), count);
  for (const [step, count] of failing) samples.add(FAILING, labelsOf({ step }), count);
  return samples;
}

function pageOf(db: Db, after: string) {
  return withNewest(db)
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .leftJoin('backups as good', 'good.id', 'newest_backups.good_id')
    .leftJoin('backups as bad', (join) =>
      join
        .onRef('bad.id', '=', 'newest_backups.ended_id')
        .on(
          sql<boolean>`(newest_backups.good_id is null or newest_backups.good_id <> newest_backups.ended_id)`,
        ),
    )
    .leftJoin('drill_states as drill', 'drill.database_id', 'databases.id')
    .select(['databases.name', 'databases.type', 'databases.backup_storage_type'])
    .select(['environments.name as environment', 'databases.created_at', 'databases.read_in_full_at'])
    .select(['good.duration', 'bad.error', 'drill.proven_at', 'drill.failed_at', 'drill.restore_ms'])
    .select(heldBack.as('held_back'))
    .select((eb) => [
      storedOf(eb.ref('databases.id'), 'bytes').as('stored_bytes'),
      storedOf(eb.ref('databases.id'), 'backups').as('stored_backups'),
    ])
    .where('databases.id', '>', after)
    .orderBy('databases.id')
    .limit(READ)
    .execute();
}

function storedOf(databaseId: unknown, column: 'bytes' | 'backups') {
  return sql<number>`(select coalesce(sum(${sql.ref(`stored_totals.${column}`)}), 0) from stored_totals where stored_totals.database_id = ${databaseId})`;
}

type Row = Awaited<ReturnType<typeof pageOf>>[number];

function addDatabase(
  samples: Samples,
  { row, facts }: { readonly row: Row; readonly facts: ProtectionFacts },
  now: Date,
  given: Set<string>,
): { readonly state: string; readonly step: string | null } {
  const { state, dueAt } = protection(facts, now);
  const { lastGood, lastEnded } = facts;
  const labels = labelsOf({ environment: row.environment, database: row.name });
  const isGiven = given.has(labels);
  given.add(labels);
  const add = (metric: Metric, value: number | null, more = '') => {
    if (!isGiven) samples.add(metric, joined(labels, more), value);
  };
  add(OF_EACH.info, 1, labelsOf({ engine: row.type, storage: row.backup_storage_type }));
  add(OF_EACH.state, 1, labelsOf({ state }));
  add(OF_EACH.createdAt, secondsOf(row.created_at));
  add(OF_EACH.goodAt, secondsOf(lastGood?.at ?? null));
  add(OF_EACH.dueAt, secondsOf(dueAt));
  add(OF_EACH.nextAt, row.is_paused === 1 || row.held_back !== null ? null : secondsOf(row.run_at));
  add(OF_EACH.goodBytes, lastGood === null ? null : row.good_size);
  add(OF_EACH.goodSeconds, row.duration);
  add(OF_EACH.endedAt, secondsOf(lastEnded?.at ?? null));
  add(OF_EACH.endedWell, lastEnded === null ? null : Number(lastEnded.isGood));
  add(OF_EACH.verifiedAt, secondsOf(row.read_in_full_at));
  add(OF_EACH.drilledAt, secondsOf(row.proven_at));
  add(
    OF_EACH.drillWell,
    row.proven_at === null && row.failed_at === null ? null : Number(row.failed_at === null),
  );
  add(OF_EACH.drillSeconds, row.restore_ms === null ? null : Number(row.restore_ms) / 1000);
  add(OF_EACH.storedBytes, Number(row.stored_bytes));
  add(OF_EACH.stored, Number(row.stored_backups));
  if (lastEnded === null || lastEnded.isGood) return { state, step: null };
  // One that was completed, and was found to be damaged later, keeps no error of its run.
  return { state, step: readBackupError(row.error)?.step ?? 'verify' };
}
