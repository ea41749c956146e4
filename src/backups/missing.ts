import { breathe } from '../breathe.ts';
import type { Context } from '../db/context.ts';
import type { Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { recordEvent } from '../events/events.ts';
import { isOverdue, isSafe, type Protection, protection } from './protection.ts';
import { factsOf, withNewest } from './protection-of.ts';
import { backupsUnderWay } from './under-way.ts';

const HOUR_MS = 3_600_000;
/** Databases that are read at once. */
const READ = 500;

/**
 * Tells, once for each spell, of databases whose backups stopped coming, and of those that have good ones again. It asks what
 * is there and not who should have made it: with every schedule gone and the scheduler stopped it tells all the same.
 */
export async function watchForMissing({ db, now }: Context, signal?: AbortSignal): Promise<void> {
  const at = now();
  const spells = new Map(
    (await db.selectFrom('protection_spells').selectAll().execute()).map((row) => [
      row.database_id,
      row.since,
    ]),
  );
  for (let after = ''; ; ) {
    const underWay = await backupsUnderWay(db, at);
    const rows = await pageOf(db, after);
    for (const row of rows) {
      if (signal?.aborted) return;
      const found = { ...protection(factsOf(row, underWay), at), createdAt: row.created_at };
      const hasSpell = spells.has(row.id);
      if (hasSpell ? isBack(found, at) : isMissing(found, at))
        await write(db, (trx) => tell(trx, row.id, now()));
    }
    if (rows.length < READ) return;
    after = rows.at(-1)?.id ?? '';
    await breathe();
  }
}

function pageOf(db: Db, after: string) {
  return withNewest(db)
    .select('databases.created_at')
    .where('databases.id', '>', after)
    .orderBy('databases.id')
    .limit(READ)
    .execute();
}

interface Known extends Protection {
  readonly createdAt: string;
}

/** Decided anew with what is there by then: two who look at the same time tell once. */
async function tell(trx: Trx, databaseId: string, now: Date): Promise<void> {
  const underWay = await backupsUnderWay(trx, now);
  const row = await withNewest(trx)
    .select(['databases.name', 'databases.environment_id', 'databases.created_at'])
    .where('databases.id', '=', databaseId)
    .executeTakeFirst();
  if (row === undefined) return;
  const found = { ...protection(factsOf(row, underWay), now), createdAt: row.created_at };
  const spell = await trx
    .selectFrom('protection_spells')
    .select('since')
    .where('database_id', '=', databaseId)
    .executeTakeFirst();
  const of = { databaseId, environmentId: row.environment_id };
  const lastGoodAt = found.lastGood?.at ?? null;
  if (spell === undefined && isMissing(found, now)) {
    await trx
      .insertInto('protection_spells')
      .values({ database_id: databaseId, since: now.toISOString() })
      .execute();
    const data = { databaseName: row.name, lastGoodAt, dueAt: dueOf(found) };
    await recordEvent(trx, { type: 'backup.missing', ...of, data }, now);
  }
  if (spell !== undefined && isBack(found, now) && lastGoodAt !== null) {
    await trx.deleteFrom('protection_spells').where('database_id', '=', databaseId).execute();
    const data = { databaseName: row.name, lastGoodAt, missingSince: spell.since };
    await recordEvent(trx, { type: 'backup.recovered', ...of, data }, now);
  }
}

/** A database that never had a good backup is given as long as one from its registration on. */
function dueOf({ dueAt, createdAt, maxAgeHours }: Known): string {
  return dueAt ?? new Date(Date.parse(createdAt) + maxAgeHours * HOUR_MS).toISOString();
}

/** The first backup of a database is waited for as any other. */
function isMissing(known: Known, now: Date): boolean {
  if (known.state === 'late') return true;
  return known.state === 'never' && known.underWay === null && dueOf(known) < now.toISOString();
}

/** A pause ends nothing, and neither does a backup that is still being made: a good one does. */
function isBack(known: Known, now: Date): boolean {
  return known.lastGood !== null && isSafe(known) && known.state !== 'paused' && !isOverdue(known, now);
}
