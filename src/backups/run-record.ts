import type { DatabasePlans } from '../databases/database-target.ts';
import type { BackupRow, DatabaseRow, Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { DumpPlan } from '../engines/engine.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { type RunClaim, requireClaim } from '../runs/claim.ts';
import type { Destination } from './destination.ts';

/** What a run has sent for hours is not given up for a lock that another program holds on our database for a while. */
export const LOCK_PATIENCE_MS = 5 * 60_000;

/** The backup's row and its database's. */
export async function loadBackup(
  db: Db,
  backupId: string,
): Promise<{ backup: BackupRow; database: DatabaseRow }> {
  const backup = await db
    .selectFrom('backups')
    .selectAll()
    .where('id', '=', backupId)
    .executeTakeFirstOrThrow();
  const database = await db
    .selectFrom('databases')
    .selectAll()
    .where('id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  return { backup, database };
}

/**
 * The row says where the bytes will be before the first one is sent, so that a crash can be cleaned up. Throws
 * `storage_exists` where another backup is recorded there, and `superseded` where the backup is no longer this run's.
 */
export async function recordDestination(
  db: Db,
  claim: RunClaim,
  { destination, dump, format }: DatabasePlans & { readonly destination: Destination },
): Promise<void> {
  const { place, key, fileName } = destination;
  const recorded = await write(db, async (trx) => {
    await requireClaim(trx, claim);
    const database = await trx
      .selectFrom('backups')
      .innerJoin('databases', 'databases.id', 'backups.database_id')
      .select('databases.options')
      .where('backups.id', '=', claim.runId)
      .executeTakeFirst();
    await trx
      .updateTable('backups')
      .set({
        dump_options: toldOptions(database?.options ?? '{}'),
        filename: fileName,
        storage_type: place.bucket === '' ? 'local' : 'spaces',
        storage_path: key,
        format,
        compression: compressionName(dump),
        content_type: dump.contentType,
      })
      .where('id', '=', claim.runId)
      .execute();
    // What an earlier run left under this key is still to be removed: it would take our object with it.
    const leftover = await trx
      .selectFrom('leftovers')
      .select('id')
      .where('endpoint', '=', place.endpoint)
      .where('bucket', '=', place.bucket)
      .where('key', '=', key)
      .executeTakeFirst();
    if (leftover) return undefined;
    return trx
      .insertInto('backup_objects')
      .values({ id: newId(), backup_id: claim.runId, kind: 'dump', number: 0, ...place, key })
      .onConflict((conflict) => conflict.columns(['endpoint', 'bucket', 'key']).doNothing())
      .returning('id')
      .executeTakeFirst();
  });
  if (!recorded) {
    throw new AppError(
      'storage_exists',
      `Another backup is already recorded at ${key}. Give the databases that share this place prefixes or folders of their own.`,
    );
  }
}

/** What the first look at the database told. Throws `superseded`. */
export async function recordLook(
  db: Db,
  claim: RunClaim,
  found: {
    readonly serverVersion: string | null;
    readonly clientVersion: string | null;
    readonly estimatedBytes: number | null;
  },
): Promise<void> {
  await write(db, async (trx) => {
    await requireClaim(trx, claim);
    await trx
      .updateTable('backups')
      .set({
        server_version: found.serverVersion,
        client_version: found.clientVersion,
        estimated_bytes: found.estimatedBytes,
      })
      .where('id', '=', claim.runId)
      .execute();
  });
}

/**
 * What a crash in the middle of the upload, or right after it, needs to be known. Throws `superseded` where the backup is
 * no longer this run's: nobody would know of what it would send.
 */
export async function recordUpload(
  db: Db,
  claim: RunClaim,
  values: { upload_id?: string; bytes?: number; sha256?: string | null },
): Promise<void> {
  await write(
    db,
    async (trx) => {
      await requireClaim(trx, claim);
      await trx
        .updateTable('backup_objects')
        .set(values)
        .where('backup_id', '=', claim.runId)
        .where('kind', '=', 'dump')
        .execute();
    },
    { patienceMs: LOCK_PATIENCE_MS },
  );
}

/** What a manifest tells of a database's options: they hold no secrets; a certificate is long, and says nothing of the dump. */
function toldOptions(options: string): string {
  return JSON.stringify(JSON.parse(options), (name, value: unknown) =>
    name === 'tlsCa' ? undefined : value,
  );
}

function compressionName(dump: DumpPlan): string {
  return dump.compression.type === 'none' ? 'none' : `${dump.compression.type}-${dump.compression.level}`;
}
