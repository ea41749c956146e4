import type { Db, Trx } from '../db/schema.ts';
import { isSound, testedStorage } from '../object-stores/deep-test/result.ts';
import { readSettings, saveSettings } from '../settings/settings.ts';
import { type SettingsStamp, storageRow } from './storage.ts';

/** What is known of the storage's settings after a backup that the storage did not take. */
export interface SinceThen {
  /** They were changed since. */
  readonly isChanged: boolean;
  /** As they are now, Test Connection or a deep test has found nothing wrong since. */
  readonly isTested: boolean;
  /** The same by a deep test, which stores and reads. */
  readonly isDeepTested: boolean;
}

/**
 * Keeps when a test began that found these settings good, if they are those that are stored still. What came after its beginning, it
 * may not have met.
 */
export async function noteGoodTest(
  trx: Trx,
  { id, updated_at: savedAt }: Pick<SettingsStamp, 'id' | 'updated_at'>,
  begunAt: Date,
  now: Date,
): Promise<void> {
  const config = await storageRow(trx);
  if (config?.id !== id || config.updated_at !== savedAt) return;
  const noted = { storageTestedAt: begunAt.toISOString(), storageTestedSettings: savedAt };
  await saveSettings(trx, noted, now);
}

/** Since that backup, which took the settings as they were at its beginning, and met them to its end. */
export async function storageSince(
  db: Db,
  { beganAt, endedAt }: { readonly beganAt: string; readonly endedAt: string },
): Promise<SinceThen> {
  const config = await storageRow(db);
  if (config === undefined) return { isChanged: false, isTested: false, isDeepTested: false };
  const since = config.updated_at > endedAt ? config.updated_at : endedAt;
  const isDeepTested = await wasDeepTested(db, config.endpoint, since);
  const { storageTestedAt: testedAt, storageTestedSettings } = await readSettings(db);
  const isTested = storageTestedSettings === config.updated_at && testedAt !== null && testedAt > endedAt;
  return {
    isChanged: config.updated_at > beganAt,
    isTested: isDeepTested || isTested,
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
