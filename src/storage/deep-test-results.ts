import type { Db, StorageProbeRow, Trx } from '../db/schema.ts';
import { type StorageProbe, storageProbe } from '../object-stores/deep-test/result.ts';

export type ProbeCause = StorageProbeRow['cause'];

export interface StoredProbe extends StorageProbe {
  /** Of its run, too. */
  readonly id: string;
  readonly cause: ProbeCause;
  readonly startedAt: string;
  readonly finishedAt: string;
}

const KEPT_RESULTS = 10;

/** The newest result, or null. */
export async function lastProbe(db: Db): Promise<StoredProbe | null> {
  const row = await db
    .selectFrom('storage_probes')
    .selectAll()
    .orderBy('finished_at', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : readStored(row);
}

/** What is kept of that endpoint, the newest first. */
export async function earlierProbes(db: Db, endpoint: string): Promise<readonly StoredProbe[]> {
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
export async function probeOfRun(db: Db, runId: string): Promise<StoredProbe | null> {
  const row = await db.selectFrom('storage_probes').selectAll().where('id', '=', runId).executeTakeFirst();
  return row === undefined ? null : readStored(row);
}

/** Keeps the result, and of the earlier ones the newest; to be called in the transaction that ends the run. */
export async function keepProbe(
  trx: Trx,
  probe: {
    readonly id: string;
    readonly cause: ProbeCause;
    readonly startedAt: string;
    readonly finishedAt: Date;
  },
  found: StorageProbe,
): Promise<void> {
  await trx
    .insertInto('storage_probes')
    .values({
      id: probe.id,
      endpoint: found.endpoint,
      cause: probe.cause,
      started_at: probe.startedAt,
      finished_at: probe.finishedAt.toISOString(),
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

function toStored(row: StorageProbeRow): StoredProbe {
  const { id, cause, started_at: startedAt, finished_at: finishedAt } = row;
  return { ...storageProbe.parse(JSON.parse(row.result)), id, cause, startedAt, finishedAt };
}

/** Null for a result of another version, whose form is not this one's: then nothing is known until the next probe. */
function readStored(row: StorageProbeRow): StoredProbe | null {
  return storageProbe.safeParse(JSON.parse(row.result)).success ? toStored(row) : null;
}
