import type { Db, Trx } from '../db/schema.ts';
import { isSound, testedStorage } from '../object-stores/deep-test/result.ts';
import { readSettings, saveSettings } from '../settings/settings.ts';
import { spacesRow } from './storage.ts';

/** What is known of the storage's settings after a backup that the storage did not take. */
export interface SinceThen {
  /** They were changed since. */
  readonly isChanged: boolean;
  /** As they are now, Test Connection or a deep test has found nothing wrong since. */
  readonly isTested: boolean;
  /** The same by a deep test, which stores and reads. */
  readonly isDeepTested: boolean;
}

/** Keeps when the settings that are stored were last found good. */
export async function noteGoodTest(trx: Trx, now: Date): Promise<void> {
  await saveSettings(trx, { storageTestedAt: now.toISOString() }, now);
}

/** Of that instant, at which a backup ended. */
export async function storageSince(db: Db, at: string): Promise<SinceThen> {
  const config = await spacesRow(db);
  if (config === undefined) return { isChanged: false, isTested: false, isDeepTested: false };
  const since = config.updated_at > at ? config.updated_at : at;
  const isDeepTested = await wasDeepTested(db, config.endpoint, since);
  const { storageTestedAt } = await readSettings(db);
  return {
    isChanged: config.updated_at > at,
    // A test before it is saved is noted at the instant of saving.
    isTested: isDeepTested || (storageTestedAt !== null && storageTestedAt > at && storageTestedAt >= since),
    isDeepTested,
  };
}

async function wasDeepTested(db: Db, endpoint: string, since: string): Promise<boolean> {
  const row = await db
    .selectFrom('storage_probes')
    .select('result')
    .where('endpoint', '=', endpoint)
    .where('started_at', '>=', since)
    .orderBy('finished_at', 'desc')
    .limit(1)
    .executeTakeFirst();
  const found = row === undefined ? undefined : testedStorage.safeParse(JSON.parse(row.result)).data;
  if (found === undefined || found.problems.length > 0 || found.buckets.length === 0) return false;
  return found.buckets.every(isSound);
}
