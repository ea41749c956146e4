import { sql } from 'kysely';
import { contentsDiffer, contentsText, isCounted } from '../backups/contents.ts';
import { recordNewest } from '../backups/newest-backups.ts';
import type { Stored } from '../backups/stored.ts';
import type { Trx } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import { recordEvent } from '../events/events.ts';

interface ReadProof {
  readonly damage: string | null;
  /** Of the dump, all of it where nothing is damaged. */
  readonly dumpBytes: number;
  readonly dumpSha256: string | null;
  readonly contents: DumpContents | null;
}

/**
 * What a reading in full has found: `damage`, or null for a backup that is whole. A backup that is found to be whole counts as
 * good again, whatever an earlier reading said; what it holds is written down where that was not known, or was counted wrong.
 */
export async function recordProof(
  trx: Trx,
  stored: Pick<Stored, 'backupId' | 'databaseId' | 'sha256' | 'dumpSha256' | 'contents'>,
  { damage, dumpBytes, dumpSha256, contents }: ReadProof,
  at: Date,
): Promise<void> {
  const now = at.toISOString();
  const isTold =
    isCounted(stored.contents) &&
    !isMisread(stored.contents, contents) &&
    contentsDiffer(stored.contents, contents) === null;
  const found =
    damage === null
      ? {
          // What a server took once is worth more than what was read.
          verification: sql<
            'full' | 'drill'
          >`case when restored_proven_at is null then 'full' else 'drill' end`,
          verified_at: now,
          // Without a recorded hash there is nothing that the bytes could be equal to.
          ...(stored.sha256 === null ? {} : { bytes_proven_at: now }),
          parsed_proven_at: now,
          bytes_read: dumpBytes,
          ...(stored.dumpSha256 === null ? { dump_sha256: dumpSha256 } : {}),
          ...(isTold ? {} : { contents: contentsText(contents) }),
          // It tells more now, or was never there.
          ...(stored.dumpSha256 === null || !isTold ? { manifest_due_at: now } : {}),
          verification_error: null,
        }
      : ({ verification: 'failed', verified_at: now, verification_error: damage } as const);
  await trx
    .updateTable('backups')
    .set(found)
    .where('id', '=', stored.backupId)
    .where('status', '=', 'completed')
    .execute();
  await recordNewest(trx, stored.databaseId, at);
  if (damage !== null) {
    await tellOfDamage(trx, stored, damage, at);
    return;
  }
  await takeBackDamage(trx, stored);
  await noteFullRead(trx, stored, at);
}

/** What the last drill said of the bytes of this very backup is no longer so; what it said of its place is. */
export async function takeBackDamage(
  trx: Trx,
  { backupId, databaseId }: Pick<Stored, 'backupId' | 'databaseId'>,
): Promise<void> {
  await trx
    .updateTable('drill_states')
    .set({ failed_at: null, failed_drill_id: null, failure: null, says: null })
    .where('database_id', '=', databaseId)
    .where('failure', '=', 'damaged')
    .where('failed_drill_id', 'in', (eb) =>
      eb.selectFrom('drills').select('id').where('backup_id', '=', backupId),
    )
    .execute();
}

async function tellOfDamage(
  trx: Trx,
  stored: Pick<Stored, 'backupId' | 'databaseId'>,
  says: string,
  at: Date,
): Promise<void> {
  const database = await trx
    .selectFrom('databases')
    .select(['name', 'environment_id'])
    .where('id', '=', stored.databaseId)
    .executeTakeFirst();
  if (database === undefined) return;
  const of = { databaseId: stored.databaseId, environmentId: database.environment_id };
  const data = { databaseName: database.name, backupId: stored.backupId, says };
  await recordEvent(trx, { type: 'backup.verification_failed', ...of, data }, at);
}

/** Its database has had its turn with that, where no newer good backup is there. */
export async function noteFullRead(
  trx: Trx,
  { backupId, databaseId }: Pick<Stored, 'backupId' | 'databaseId'>,
  at: Date,
): Promise<void> {
  await trx
    .updateTable('databases')
    .set({ read_in_full_at: at.toISOString() })
    .where('id', '=', (eb) =>
      eb
        .selectFrom('newest_backups')
        .select('database_id')
        .where('database_id', '=', databaseId)
        .where('good_id', '=', backupId),
    )
    .execute();
}

/** Names in another encoding than UTF-8 were once taken for that. */
function isMisread(known: DumpContents | null, found: DumpContents | null): boolean {
  return found?.encoding !== undefined && known?.encoding === undefined;
}
