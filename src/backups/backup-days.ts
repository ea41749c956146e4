import { sql } from 'kysely';
import type { BackupDayRow, Trx } from '../db/schema.ts';
import { dayOf } from './days.ts';

/**
 * `backup_days` and `environment_days`: what became of the backups that were asked for on a day, by UTC. They remember what was
 * deleted since: failed backups are kept for days, and a calendar of half a year tells of them all the same. Whoever lets a
 * backup end or cease to be seen counts it in the same transaction.
 */

/** To be called once, in the transaction in which a backup that people can see ends. One that was cancelled does not count. */
export async function countEnded(trx: Trx, backupId: string): Promise<void> {
  const [backup] = await rowsOf(trx, [backupId]);
  if (backup === undefined || backup.result === null) return;
  const isGood = backup.result === 'good';
  await add(trx, backup, backup.day, {
    good: isGood ? 1 : 0,
    failed: isGood ? 0 : 1,
    kept: isGood ? 1 : 0,
    added: isGood ? backup.size : 0,
    freed: 0,
  });
}

/** To be called once, in the transaction in which backups that people could see cease to be seen. */
export async function countDeleted(trx: Trx, backupIds: readonly string[], now: Date): Promise<void> {
  const nothing = { good: 0, failed: 0, kept: 0, added: 0, freed: 0 };
  for (const backup of await rowsOf(trx, backupIds)) {
    if (backup.result !== 'good') continue;
    await add(trx, backup, backup.day, { ...nothing, kept: -1 });
    await add(trx, backup, dayOf(now), { ...nothing, freed: backup.size });
  }
}

/** To be called once, in the transaction in which a good backup that was deleted at that instant is seen again. */
export async function countShownAgain(trx: Trx, backupId: string, deletedAt: string): Promise<void> {
  const nothing = { good: 0, failed: 0, kept: 0, added: 0, freed: 0 };
  for (const backup of await rowsOf(trx, [backupId])) {
    if (backup.result !== 'good') continue;
    await add(trx, backup, backup.day, { ...nothing, kept: 1 });
    await add(trx, backup, deletedAt.slice(0, 10), { ...nothing, freed: -backup.size });
  }
}

/** To be called in the transaction in which a database goes with its backups: its environment remembers what there was. */
export async function countDatabaseGone(trx: Trx, databaseId: string, now: Date): Promise<void> {
  const row = await trx
    .selectFrom('databases')
    .select('environment_id')
    .select(({ selectFrom }) =>
      selectFrom('backup_days')
        .select(sql<number>`coalesce(sum(added - freed), 0)`.as('left'))
        .whereRef('backup_days.database_id', '=', 'databases.id')
        .as('left'),
    )
    .where('id', '=', databaseId)
    .executeTakeFirst();
  const freed = Number(row?.left ?? 0);
  if (row === undefined || freed <= 0) return;
  await addToEnvironment(trx, row.environment_id, dayOf(now), { good: 0, failed: 0, added: 0, freed });
}

type Counts = Omit<BackupDayRow, 'database_id' | 'day'>;

interface Counted {
  readonly database_id: string;
  readonly environment_id: string;
  readonly day: string;
  readonly size: number;
  readonly result: 'good' | 'failed' | null;
}

async function rowsOf(trx: Trx, backupIds: readonly string[]): Promise<readonly Counted[]> {
  if (backupIds.length === 0) return [];
  const rows = await trx
    .selectFrom('backups')
    .innerJoin('databases', 'databases.id', 'backups.database_id')
    .select(['database_id', 'environment_id', 'backups.created_at', 'size', 'status', 'outcome'])
    .where('backups.id', 'in', backupIds)
    .execute();
  return rows.map(({ created_at, size, status, outcome, ...ids }) => ({
    ...ids,
    day: created_at.slice(0, 10),
    size: Number(size),
    result:
      status === 'completed' ? 'good' : outcome === 'failed' || outcome === 'interrupted' ? 'failed' : null,
  }));
}

async function add(trx: Trx, of: Counted, day: string, counts: Counts): Promise<void> {
  await trx
    .insertInto('backup_days')
    .values({ database_id: of.database_id, day, ...counts })
    .onConflict((conflict) =>
      conflict.columns(['database_id', 'day']).doUpdateSet((eb) => ({
        good: eb('backup_days.good', '+', eb.ref('excluded.good')),
        failed: eb('backup_days.failed', '+', eb.ref('excluded.failed')),
        kept: eb('backup_days.kept', '+', eb.ref('excluded.kept')),
        added: eb('backup_days.added', '+', eb.ref('excluded.added')),
        freed: eb('backup_days.freed', '+', eb.ref('excluded.freed')),
      })),
    )
    .execute();
  const { kept: _, ...ofEnvironment } = counts;
  if (Object.values(ofEnvironment).every((count) => count === 0)) return;
  await addToEnvironment(trx, of.environment_id, day, ofEnvironment);
}

async function addToEnvironment(
  trx: Trx,
  environmentId: string,
  day: string,
  counts: Omit<Counts, 'kept'>,
): Promise<void> {
  await trx
    .insertInto('environment_days')
    .values({ environment_id: environmentId, day, ...counts })
    .onConflict((conflict) =>
      conflict.columns(['environment_id', 'day']).doUpdateSet((eb) => ({
        good: eb('environment_days.good', '+', eb.ref('excluded.good')),
        failed: eb('environment_days.failed', '+', eb.ref('excluded.failed')),
        added: eb('environment_days.added', '+', eb.ref('excluded.added')),
        freed: eb('environment_days.freed', '+', eb.ref('excluded.freed')),
      })),
    )
    .execute();
}

/**
 * Counts a database's days anew from the backups that are still there: how many are kept is set, and what is told of the past
 * becomes no less than that. What was deleted since can't be counted any more and stays as it was told.
 */
export async function recountDays(trx: Trx, databaseId: string): Promise<void> {
  await trx.updateTable('backup_days').set({ kept: 0 }).where('database_id', '=', databaseId).execute();
  await trx
    .insertInto('backup_days')
    .columns(['database_id', 'day', 'good', 'failed', 'kept', 'added', 'freed'])
    .expression((eb) =>
      eb
        .selectFrom('backups')
        .select(['database_id', sql<string>`substr(created_at, 1, 10)`.as('day')])
        .select([countIf(COMPLETED).as('good'), countIf(FAILED).as('failed'), countIf(COMPLETED).as('kept')])
        .select([sql<number>`sum(case when ${COMPLETED} then size else 0 end)`.as('added')])
        .select(sql<number>`0`.as('freed'))
        .where('database_id', '=', databaseId)
        .where('deleted_at', 'is', null)
        .where(sql<boolean>`(${COMPLETED} or ${FAILED})`)
        .groupBy(['database_id', sql`substr(created_at, 1, 10)`]),
    )
    .onConflict((conflict) =>
      conflict.columns(['database_id', 'day']).doUpdateSet((eb) => ({
        good: larger('backup_days.good', 'excluded.good'),
        failed: larger('backup_days.failed', 'excluded.failed'),
        kept: eb.ref('excluded.kept'),
        added: larger('backup_days.added', 'excluded.added'),
      })),
    )
    .execute();
  await recountEnvironment(trx, databaseId);
}

/** Of the database's environment: no day tells of less than the databases that it has. */
async function recountEnvironment(trx: Trx, databaseId: string): Promise<void> {
  await trx
    .insertInto('environment_days')
    .columns(['environment_id', 'day', 'good', 'failed', 'added', 'freed'])
    .expression((eb) =>
      eb
        .selectFrom('backup_days')
        .innerJoin('databases', 'databases.id', 'backup_days.database_id')
        .select(['databases.environment_id', 'backup_days.day'])
        .select([sum('good'), sum('failed'), sum('added'), sum('freed')])
        .where('databases.environment_id', '=', (of) =>
          of.selectFrom('databases as one').select('one.environment_id').where('one.id', '=', databaseId),
        )
        .groupBy(['databases.environment_id', 'backup_days.day']),
    )
    .onConflict((conflict) =>
      conflict.columns(['environment_id', 'day']).doUpdateSet(() => ({
        good: larger('environment_days.good', 'excluded.good'),
        failed: larger('environment_days.failed', 'excluded.failed'),
        added: larger('environment_days.added', 'excluded.added'),
        freed: larger('environment_days.freed', 'excluded.freed'),
      })),
    )
    .execute();
}

const COMPLETED = sql`status = 'completed'`;
const FAILED = sql`outcome in ('failed', 'interrupted')`;

const countIf = (condition: typeof COMPLETED) => sql<number>`sum(case when ${condition} then 1 else 0 end)`;

const sum = (column: 'good' | 'failed' | 'added' | 'freed') =>
  sql<number>`sum(${sql.ref(`backup_days.${column}`)})`.as(column);

/** SQLite has no `greatest`, and PostgreSQL no `max` of two. */
function larger(stored: string, given: string) {
  const [a, b] = [sql.ref(stored), sql.ref(given)];
  return sql<number>`case when ${a} > ${b} then ${a} else ${b} end`;
}
