import { sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import type { ErrorCode } from '../errors.ts';
import { storageSince } from '../storage/tried-since.ts';
import { AHEAD_MS } from './protection.ts';
import { readBackupError } from './step-error.ts';

/** What keeps the storage from taking any backup, as the last one tells that was to go there. */
export interface StorageTrouble {
  readonly backupId: string;
  readonly at: string;
  readonly message: string;
  /** It gave no answer; else it answered, and refused. */
  readonly isOutOfReach: boolean;
  /** The storage's settings were changed since: nobody knows whether it is so still. */
  readonly isBeforeChange: boolean;
  /** Test Connection would meet it again; else the deep test alone. */
  readonly isSeenByTest: boolean;
}

const OUT_OF_REACH: readonly ErrorCode[] = ['storage_unreachable', 'storage_tls', 'storage_proxy'];
/**
 * What Test Connection would have met too. Whether parts of an upload come through, and an object fits, a deep test tells alone: it
 * sends them.
 */
const SEEN_BY_A_TEST: readonly ErrorCode[] = ['storage_tls', 'storage_bad_credentials'];
/** Of the storage as a whole: what concerns one backup or one bucket is that database's news. */
const REFUSED: readonly ErrorCode[] = ['storage_bad_credentials', 'storage_clock_skew', 'storage_full'];

/**
 * Null where the last backup that was to go to the storage did, or failed for another reason, or there was none; and where the storage
 * was tested since and found good. One from the future tells where there is no other alone: it would be the last for as long as the clock
 * was ahead, whatever other databases met since.
 */
export async function storageTrouble({ db, now }: Context): Promise<StorageTrouble | null> {
  const until = new Date(now().getTime() + AHEAD_MS).toISOString();
  const newest = (await lastEnded(db, until)) ?? (await lastEnded(db, null));
  if (newest === undefined) return null;
  const { ended_id: backupId, ended_at: at } = newest;
  const backup = await db
    .selectFrom('backups')
    .select(['error', 'completed_at'])
    .where('id', '=', backupId)
    .executeTakeFirst();
  const failure = readBackupError(backup?.error ?? null);
  const isOutOfReach = OUT_OF_REACH.some((code) => code === failure?.code);
  if (failure === null || !(isOutOfReach || REFUSED.some((code) => code === failure.code))) return null;
  // By `at` it began, with the settings of then; a test from before its end may have come before the trouble.
  const endedAt = backup?.completed_at ?? at;
  const { isChanged, isTested, isDeepTested } = await storageSince(db, { beganAt: at, endedAt });
  const isSeenByTest =
    SEEN_BY_A_TEST.some((code) => code === failure.code) || (isOutOfReach && failure.step === 'connect');
  if (isDeepTested || (isTested && isSeenByTest)) return null;
  return { backupId, at, message: failure.message, isOutOfReach, isBeforeChange: isChanged, isSeenByTest };
}

function lastEnded(db: Db, until: string | null) {
  return (
    db
      .selectFrom('newest_backups')
      .select(['ended_id', 'ended_at'])
      // Not joined: the latest are looked at first, by their index, until one is found.
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('databases')
            .select('databases.id')
            .whereRef('databases.id', '=', 'newest_backups.database_id')
            .where('databases.backup_storage_type', '=', sql.lit('spaces')),
        ),
      )
      .$if(until !== null, (query) => query.where('ended_at', '<=', until ?? ''))
      .orderBy('ended_at', 'desc')
      .orderBy('ended_id')
      .limit(1)
      .executeTakeFirst()
  );
}
