import { type ExpressionBuilder, type RawBuilder, sql } from 'kysely';
import * as z from 'zod';
import type { Db, Schema } from '../db/schema.ts';
import { isSafe, type Protection, type ProtectionFacts, protection } from './protection.ts';

/** The protection of these databases, by id. Two steps in an index for each: nothing is scanned. */
export async function protectionOf(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  databaseIds: readonly string[],
): Promise<ReadonlyMap<string, Protection>> {
  if (databaseIds.length === 0) return new Map();
  const at = now();
  const rows = await withNewest(db)
    .where('databases.id', 'in', [...databaseIds])
    .execute();
  return new Map(rows.map((row) => [row.id, protection(factsOf(row), at)]));
}

/** Of one database. */
export async function protectionOfOne(
  context: { readonly db: Db; readonly now: () => Date },
  databaseId: string,
): Promise<Protection> {
  const found = await protectionOf(context, [databaseId]);
  return found.get(databaseId) ?? { state: 'never', lastGood: null, dueAt: null };
}

/** How many databases are not safe, of that environment or (null) of all: of each, one step in an index. */
export async function countUnsafe(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  environmentId: string | null,
): Promise<number> {
  const at = now();
  const rows = await db
    .selectFrom('databases')
    .select(['max_backup_age_hours as maxAgeHours'])
    .select((eb) => newestGood(eb, sql<string>`coalesce(newest.started_at, newest.created_at)`).as('at'))
    .$if(environmentId !== null, (query) => query.where('environment_id', '=', environmentId ?? ''))
    .execute();
  const unsafe = rows.filter(({ maxAgeHours, at: goodAt }) => {
    const lastGood = goodAt === null ? null : { id: '', at: goodAt };
    return !isSafe(protection({ lastGood, lastEnded: null, maxAgeHours }, at));
  });
  return unsafe.length;
}

export function withNewest(db: Db) {
  return db
    .selectFrom('databases')
    .leftJoin('backups as good', (join) =>
      join.on((eb) => eb('good.id', '=', newestGood(eb, sql<string>`newest.id`))),
    )
    .leftJoin('backups as ended', (join) => join.on((eb) => eb('ended.id', '=', newestEnded(eb))))
    .select(['databases.id', 'databases.max_backup_age_hours'])
    .select(['good.id as good_id', 'good.started_at as good_started', 'good.created_at as good_created'])
    .select([
      'ended.id as ended_id',
      'ended.started_at as ended_started',
      'ended.created_at as ended_created',
    ]);
}

export type NewestRow = Awaited<ReturnType<ReturnType<typeof withNewest>['execute']>>[number];

/** What `protection` wants to know, from such a row. */
export function factsOf(row: NewestRow): ProtectionFacts {
  const { good_id: goodId, ended_id: endedId } = row;
  const goodAt = row.good_started ?? row.good_created;
  const endedAt = row.ended_started ?? row.ended_created;
  return {
    lastGood: goodId === null || goodAt === null ? null : { id: goodId, at: goodAt },
    lastEnded:
      endedId === null || endedAt === null ? null : { id: endedId, at: endedAt, isGood: endedId === goodId },
    maxAgeHours: row.max_backup_age_hours,
  };
}

/** One step in the index of completed backups; gives that of the newest good one. */
function newestGood(eb: ExpressionBuilder<Schema, 'databases'>, value: RawBuilder<string>) {
  return (
    eb
      .selectFrom('backups as newest')
      .select(value.as('value'))
      .whereRef('newest.database_id', '=', 'databases.id')
      .where('newest.deleted_at', 'is', null)
      // A literal, as in the index: a parameter could be any status.
      .where('newest.status', '=', sql.lit('completed'))
      .where((or) =>
        or.or([or('newest.verification', 'is', null), or('newest.verification', '!=', 'failed')]),
      )
      .orderBy('newest.created_at', 'desc')
      .orderBy('newest.id', 'desc')
      .limit(1)
  );
}

function newestEnded(eb: ExpressionBuilder<Schema, 'databases'>) {
  return eb
    .selectFrom('backups as last')
    .select('last.id')
    .whereRef('last.database_id', '=', 'databases.id')
    .where('last.deleted_at', 'is', null)
    .where('last.outcome', 'in', ['completed', 'failed', 'interrupted'])
    .orderBy('last.created_at', 'desc')
    .orderBy('last.id', 'desc')
    .limit(1);
}

/** Runs that failed in a row since the last good one. */
export interface Failures {
  readonly count: number;
  /** When the first of them began. */
  readonly since: string;
  /** Why the last of them failed. */
  readonly cause: string | null;
}

/** Those that came after the last good one; null where none failed. */
export async function failuresSinceGood(
  db: Db,
  databaseId: string,
  { lastGood }: Pick<Protection, 'lastGood'>,
): Promise<Failures | null> {
  const failed = db
    .selectFrom('backups')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .where('outcome', 'in', ['failed', 'interrupted'])
    .$if(lastGood !== null, (query) =>
      query.where('created_at', '>', (eb) =>
        eb
          .selectFrom('backups as good')
          .select('good.created_at')
          .where('good.id', '=', lastGood?.id ?? ''),
      ),
    );
  const { count, since } = await failed
    .select(({ fn }) => [fn.countAll<number>().as('count'), fn.min('created_at').as('since')])
    .executeTakeFirstOrThrow();
  if (since === null) return null;
  const last = await failed
    .select('error')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return { count: Number(count), since, cause: messageOf(last?.error ?? null) };
}

const storedError = z.object({ message: z.string() });

function messageOf(error: string | null): string | null {
  if (error === null) return null;
  const parsed = storedError.safeParse(JSON.parse(error));
  return parsed.success ? parsed.data.message : null;
}
