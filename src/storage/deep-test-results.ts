import type { Db, StorageConfigRow, StorageProbeRow, Trx } from '../db/schema.ts';
import { type TestedStorage, testedStorage } from '../object-stores/deep-test/result.ts';

export type DeepTestCause = StorageProbeRow['cause'];

export interface StoredDeepTest extends TestedStorage {
  /** Of its run, too. */
  readonly id: string;
  readonly cause: DeepTestCause;
  readonly startedAt: string;
  readonly finishedAt: string;
}

const KEPT_RESULTS = 10;

/** The newest result, or null. */
export async function lastDeepTest(db: Db): Promise<StoredDeepTest | null> {
  const row = await db
    .selectFrom('storage_probes')
    .selectAll()
    .orderBy('finished_at', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : readStored(row);
}

/** Whether it tested the storage with the settings that it has now: what it says of another one, or of other keys, says nothing of it. */
export function isOfSettings(
  { endpoint, startedAt }: Pick<StoredDeepTest, 'endpoint' | 'startedAt'>,
  config: Pick<StorageConfigRow, 'endpoint' | 'updated_at'>,
): boolean {
  return endpoint === config.endpoint && startedAt >= config.updated_at;
}

/** What is kept of that endpoint, the newest first. */
export async function earlierDeepTests(db: Db, endpoint: string): Promise<readonly StoredDeepTest[]> {
  const rows = await db
    .selectFrom('storage_probes')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .orderBy('finished_at', 'desc')
    .orderBy('id')
    .limit(KEPT_RESULTS)
    .execute();
  return rows.flatMap((row) => readStored(row) ?? []);
}

/** The result of that run, or null. */
export async function deepTestOfRun(db: Db, runId: string): Promise<StoredDeepTest | null> {
  const row = await db.selectFrom('storage_probes').selectAll().where('id', '=', runId).executeTakeFirst();
  return row === undefined ? null : readStored(row);
}

/**
 * Keeps the result, and of the earlier ones the newest, without those from ahead of it, which a clock made that was set back since; to be
 * called in the transaction that ends the run.
 */
export async function keepDeepTest(
  trx: Trx,
  test: {
    readonly id: string;
    readonly cause: DeepTestCause;
    readonly startedAt: string;
    readonly finishedAt: Date;
  },
  found: TestedStorage,
): Promise<void> {
  await trx.deleteFrom('storage_probes').where('finished_at', '>', test.finishedAt.toISOString()).execute();
  await trx
    .insertInto('storage_probes')
    .values({
      id: test.id,
      endpoint: found.endpoint,
      cause: test.cause,
      started_at: test.startedAt,
      finished_at: test.finishedAt.toISOString(),
      result: JSON.stringify(found),
    })
    .execute();
  const kept = await trx
    .selectFrom('storage_probes')
    .select('id')
    .orderBy('finished_at', 'desc')
    .limit(KEPT_RESULTS)
    .execute();
  await trx
    .deleteFrom('storage_probes')
    .where(
      'id',
      'not in',
      kept.map(({ id }) => id),
    )
    .execute();
}

/** Null for a result of another version, whose form is not this one's: then nothing is known until the next deep test. */
function readStored(row: StorageProbeRow): StoredDeepTest | null {
  const { id, cause, started_at: startedAt, finished_at: finishedAt } = row;
  const { data } = testedStorage.safeParse(JSON.parse(row.result));
  return data === undefined ? null : { ...data, id, cause, startedAt, finishedAt };
}
