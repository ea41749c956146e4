import type { BackupObjectRow, Db } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import { AppError } from '../errors.ts';
import { serverOfPlace } from '../object-stores/place.ts';
import { findServerName } from '../servers/servers.ts';
import { isStorageEnabled } from '../storage/enabled.ts';
import { type BackupWithTrigger, findBackup } from './backups.ts';
import { readContents } from './contents.ts';
import { endedAfterMs } from './ended-after.ts';
import type { StepBegun } from './progress.ts';
import { type RestoreByHand, restoreByHand } from './restore-by-hand.ts';
import { type BackupError, readBackupError } from './step-error.ts';
import { stepsIn, type UsualRun, usualRun } from './usual-run.ts';

/** Where the bytes of a backup lie; `serverName` null is the app's own machine. */
export type StoredWhere =
  | {
      readonly kind: 'bucket';
      readonly endpoint: string;
      readonly region: string | null;
      readonly bucket: string;
      readonly key: string;
      readonly versionId: string | null;
    }
  | { readonly kind: 'host'; readonly serverName: string | null; readonly path: string };

/** Whether it can be downloaded, or why not: the environment forbids it, or may not use the storage. */
export type DownloadState = 'possible' | 'forbidden' | 'storage-off' | 'nothing';

/** All that is known of one backup: what was proven, where it is, how it came about. */
export interface BackupStory {
  readonly backup: BackupWithTrigger;
  readonly database: {
    readonly id: string;
    readonly name: string;
    readonly type: string;
    readonly serverId: string | null;
    readonly serverName: string | null;
    readonly environmentId: string;
    readonly environmentName: string;
  };
  readonly where: StoredWhere | null;
  readonly download: DownloadState;
  readonly byHand: RestoreByHand | undefined;
  /** What its dump holds; null where it is not known. */
  readonly contents: DumpContents | null;
  /** When its steps began; nothing of those that ran before that was kept, or that were repaired. */
  readonly steps: readonly StepBegun[];
  /** When it ended, after its beginning; null where that is not known. */
  readonly endedAfterMs: number | null;
  /** How it usually goes with the good ones of this database. */
  readonly usual: UsualRun;
  readonly failure: BackupError | null;
  /** When an uncertain one is asked about again. */
  readonly askAgainAt: string | null;
  /** The newest good backup of the database; null where there is none. */
  readonly lastGood: { readonly id: string; readonly at: string } | null;
}

/** Throws `not_found`. */
export async function backupStory({ db }: { readonly db: Db }, backupId: string): Promise<BackupStory> {
  const backup = await findBackup(db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  const known = await db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .leftJoin('servers', 'servers.id', 'databases.server_id')
    .leftJoin('newest_backups', 'newest_backups.database_id', 'databases.id')
    .select(['databases.id', 'databases.name', 'databases.type', 'databases.server_id'])
    .select(['environments.id as environment_id', 'environments.name as environment_name'])
    .select(['environments.allow_backup_download', 'servers.name as server_name'])
    .select(['newest_backups.good_id', 'newest_backups.good_at'])
    .where('databases.id', '=', backup.database_id)
    .executeTakeFirstOrThrow();
  const run = await db
    .selectFrom('runs')
    .select(['detail', 'lease_until', 'state'])
    .where('id', '=', backupId)
    .executeTakeFirst();
  const object = await db
    .selectFrom('backup_objects')
    .selectAll()
    .where('backup_id', '=', backupId)
    .where('kind', '=', 'dump')
    .executeTakeFirst();
  const steps = stepsIn(run?.detail ?? null);
  const isGood = backup.status === 'completed';
  return {
    backup,
    database: {
      ...{ id: known.id, name: known.name, type: known.type },
      ...{ serverId: known.server_id, serverName: known.server_name },
      ...{ environmentId: known.environment_id, environmentName: known.environment_name },
    },
    where: object === undefined ? null : await whereIs(db, object),
    download: await downloadOf(db, isGood ? object : undefined, known),
    byHand: isGood ? byHandOf(backup, known.type) : undefined,
    contents: isGood ? await readContents(db, backupId) : null,
    steps,
    endedAfterMs: endedAfterMs(backup, steps),
    usual: await usualRun(db, known.id, backupId),
    failure: readBackupError(backup.error),
    askAgainAt: run?.state === 'uncertain' ? run.lease_until : null,
    lastGood:
      known.good_id === null || known.good_at === null ? null : { id: known.good_id, at: known.good_at },
  };
}

function byHandOf(backup: BackupWithTrigger, type: string): RestoreByHand | undefined {
  const { filename: fileName, sha256, server_version: serverVersion } = backup;
  return restoreByHand({ type, fileName, sha256, serverVersion });
}

async function whereIs(db: Db, object: BackupObjectRow): Promise<StoredWhere> {
  const serverId = serverOfPlace(object);
  const { endpoint, region, bucket, key, version_id: versionId } = object;
  if (serverId === undefined) return { kind: 'bucket', endpoint, region, bucket, key, versionId };
  const serverName = serverId === null ? null : ((await findServerName(db, serverId)) ?? null);
  return { kind: 'host', serverName, path: key };
}

/** In the order of the download's own refusals. */
async function downloadOf(
  db: Db,
  object: BackupObjectRow | undefined,
  environment: { readonly environment_id: string; readonly allow_backup_download: number },
): Promise<DownloadState> {
  if (object === undefined) return 'nothing';
  if (environment.allow_backup_download !== 1) return 'forbidden';
  if (serverOfPlace(object) !== undefined) return 'possible';
  return (await isStorageEnabled(db, environment.environment_id)) ? 'possible' : 'storage-off';
}
