import { sql } from 'kysely';
import { builtOnce } from '../db/built-once.ts';
import type { BackupHead, Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { RunProgress } from '../runs/runs.ts';
import { boundsOf } from './days.ts';
import { toBackupStep } from './step-error.ts';

/** A backup's row with the person who asked for it, without what it holds (`contents.ts`). Tombstones are never given out. */
export interface BackupWithTrigger extends BackupHead {
  readonly trigger_email: string | null;
  readonly trigger_name: string | null;
  /** Of its run. */
  readonly step: string | null;
  readonly progress: number | null;
  readonly cancel_requested_at: string | null;
}

/** The backup, or undefined when there is none of that id or it was deleted. */
export async function findBackup(db: Db | Trx, id: string): Promise<BackupWithTrigger | undefined> {
  return visible(db).where('backups.id', '=', id).executeTakeFirst();
}

/** Of the database's server, as that backup met it; null where it says none. */
export async function serverVersionOf(db: Db, id: string): Promise<string | null> {
  const row = await db
    .selectFrom('backups')
    .select('server_version')
    .where('id', '=', id)
    .where('deleted_at', 'is', null)
    .executeTakeFirst();
  return row?.server_version ?? null;
}

/** Those of these ids that there are, by id. */
export async function findBackups(
  db: Db,
  ids: readonly string[],
): Promise<ReadonlyMap<string, BackupWithTrigger>> {
  if (ids.length === 0) return new Map();
  const rows = await visible(db)
    .where('backups.id', 'in', [...ids])
    .execute();
  return new Map(rows.map((row) => [row.id, row]));
}

/** Which of a database's backups are listed: all where nothing is named. */
export interface BackupFilter {
  /** Completed; failed or interrupted; pinned. */
  readonly result?: 'good' | 'failed' | 'pinned' | undefined;
  /** Asked for on that day, by UTC. */
  readonly day?: string | undefined;
}

/**
 * A page of a database's backups, newest first, and how many there are in all; each filter is a range of an index. `counts`: where
 * the caller has counted them.
 */
export async function listBackups(
  db: Db,
  databaseId: string,
  page: { limit: number; offset: number },
  filter: BackupFilter = {},
  counts?: BackupCounts,
): Promise<{ backups: readonly BackupWithTrigger[]; total: number }> {
  // The ids first, from the index alone: what a page skips is not read, nor joined with its users.
  const ids = await listed(db, databaseId, filter)
    .select('id')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
  const byId = await findBackups(db, idsOf(ids));
  const backups = ids.flatMap(({ id }) => byId.get(id) ?? []);
  const known = filter.day === undefined ? counts?.[filter.result ?? 'all'] : undefined;
  return { backups, total: known ?? (await countListed(db, databaseId, filter)) };
}

export type BackupCounts = Readonly<Record<'all' | 'good' | 'failed' | 'pinned', number>>;

/** How many each filter would list. */
export async function countBackups(db: Db, databaseId: string): Promise<BackupCounts> {
  const counted = (which: keyof BackupCounts) =>
    listed(db, databaseId, { result: which === 'all' ? undefined : which }).select([
      sql.lit(which).as('which'),
      sql<number>`count(*)`.as('total'),
    ]);
  const rows = await counted('all')
    .unionAll(counted('good'))
    .unionAll(counted('failed'))
    .unionAll(counted('pinned'))
    .execute();
  const totalOf = (which: keyof BackupCounts) => Number(rows.find((row) => row.which === which)?.total ?? 0);
  return {
    all: totalOf('all'),
    good: totalOf('good'),
    failed: totalOf('failed'),
    pinned: totalOf('pinned'),
  };
}

async function countListed(db: Db, databaseId: string, filter: BackupFilter): Promise<number> {
  const { total } = await listed(db, databaseId, filter)
    .select(sql<number>`count(*)`.as('total'))
    .executeTakeFirstOrThrow();
  return Number(total);
}

/** Literals, as in the indexes: a parameter could be any status. */
const RESULTS = {
  good: sql<boolean>`status = 'completed'`,
  failed: sql<boolean>`outcome in ('failed', 'interrupted')`,
  pinned: sql<boolean>`is_pinned = 1`,
} as const;

function listed(db: Db, databaseId: string, { result, day }: BackupFilter) {
  const bounds = day === undefined ? undefined : boundsOf(day);
  return db
    .selectFrom('backups')
    .where('database_id', '=', databaseId)
    .where('deleted_at', 'is', null)
    .$if(result !== undefined, (query) => query.where(RESULTS[result ?? 'good']))
    .$if(bounds !== undefined, (query) =>
      query.where('created_at', '>=', bounds?.from ?? '').where('created_at', '<', bounds?.before ?? ''),
    );
}

/** Of those that had failed by then and are not to be kept for ever: the ids of the oldest, and how many there are in all. */
export async function failedBackups(
  db: Db,
  databaseId: string,
  through: string,
  most: number,
): Promise<{ readonly ids: readonly string[]; readonly total: number }> {
  const failed = listed(db, databaseId, { result: 'failed' })
    .where('created_at', '<=', through)
    .where((eb) => eb.or([eb('completed_at', '<=', through), eb('completed_at', 'is', null)]))
    .where('is_pinned', '=', 0);
  const rows = await failed.select('id').orderBy('created_at').orderBy('id').limit(most).execute();
  const { total } = await failed.select(sql<number>`count(*)`.as('total')).executeTakeFirstOrThrow();
  return { ids: rows.map(({ id }) => id), total: Number(total) };
}

/** The backups of a database that wait or run: one of each at most. */
export async function liveBackups(db: Db, databaseId: string): Promise<readonly BackupWithTrigger[]> {
  const live = (status: 'pending' | 'in_progress') =>
    visible(db)
      .where('backups.database_id', '=', databaseId)
      .where('backups.status', '=', sql.lit(status))
      .execute();
  const [running, waiting] = [await live('in_progress'), await live('pending')];
  return [...waiting, ...running];
}

/** Whether a backup of the database waits or runs. */
export async function isUnderWay(db: Db, databaseId: string): Promise<boolean> {
  const live = (status: 'pending' | 'in_progress') =>
    db
      .selectFrom('backups')
      .select('id')
      .where('database_id', '=', databaseId)
      .where('status', '=', sql.lit(status))
      .where('deleted_at', 'is', null)
      .executeTakeFirst();
  return (await live('in_progress')) !== undefined || (await live('pending')) !== undefined;
}

/** Pins or unpins; pinning a pinned backup keeps who pinned it first. `also` belongs to the same transaction. Throws `not_found`. */
export async function pinBackup(
  db: Db,
  ids: { databaseId: string; backupId: string; userId: string | null },
  pinned: boolean,
  now: Date,
  { also }: { readonly also?: (trx: Trx) => Promise<void> } = {},
): Promise<BackupWithTrigger> {
  const pin = pinned
    ? ({ is_pinned: 1, pinned_by_id: ids.userId, pinned_at: now.toISOString() } as const)
    : ({ is_pinned: 0, pinned_by_id: null, pinned_at: null } as const);
  return write(db, async (trx) => {
    await trx
      .updateTable('backups')
      .set(pin)
      .where('id', '=', ids.backupId)
      .where('is_pinned', '!=', pin.is_pinned)
      .where('deleted_at', 'is', null)
      .where('database_id', '=', ids.databaseId)
      .execute();
    const found = await findBackup(trx, ids.backupId);
    if (!found || found.database_id !== ids.databaseId) throw new AppError('not_found', 'Backup not found');
    await also?.(trx);
    return found;
  });
}

/** How far a backup is: the worker's fresher numbers while it runs here, else the row's. */
export function progressOf(row: BackupWithTrigger, running: RunProgress | null) {
  const live = row.status === 'in_progress' ? running : null;
  return {
    progress: live?.progress ?? row.progress ?? 0,
    step: live?.step ?? toBackupStep(row.step),
    bytesRead: live?.bytesRead ?? Number(row.bytes_read),
    bytesStored: live?.bytesStored ?? Number(row.bytes_stored),
    bytesPerSecond: live?.bytesPerSecond ?? null,
    estimatedBytes:
      live?.estimatedBytes ?? (row.estimated_bytes === null ? null : Number(row.estimated_bytes)),
    waitingFor: live?.waiting?.for ?? null,
    waitingSince: live?.waiting?.since ?? null,
  };
}

const idsOf = (rows: readonly { readonly id: string }[]) => rows.map(({ id }) => id);

/** All but `contents`, which may be long. */
const COLUMNS = [
  'backups.id',
  'backups.database_id',
  'backups.filename',
  'backups.size',
  'backups.type',
  'backups.status',
  'backups.outcome',
  'backups.error',
  'backups.storage_type',
  'backups.storage_path',
  'backups.bytes_read',
  'backups.bytes_stored',
  'backups.estimated_bytes',
  'backups.created_at',
  'backups.started_at',
  'backups.completed_at',
  'backups.duration',
  'backups.is_pinned',
  'backups.pinned_by_id',
  'backups.pinned_at',
  'backups.last_rotation_error',
  'backups.triggered_by_id',
  'backups.token',
  'backups.format',
  'backups.compression',
  'backups.content_type',
  'backups.sha256',
  'backups.server_version',
  'backups.client_version',
  'backups.verification',
  'backups.verified_at',
  'backups.bytes_proven_at',
  'backups.parsed_proven_at',
  'backups.restored_proven_at',
  'backups.restored_ms',
  'backups.verification_error',
  'backups.deleted_at',
  'backups.removal_tries',
  'backups.removal_error',
  'backups.removal_next_try_at',
  'backups.retained_until',
  'backups.retained_why',
  'backups.in_use_until',
  'backups.prune_rule',
  'backups.dump_sha256',
  'backups.dump_options',
  'backups.manifest_due_at',
  'backups.manifest_error',
  'backups.manifest_tries',
] as const;

const visible = builtOnce((db) =>
  db
    .selectFrom('backups')
    .leftJoin('users', 'users.id', 'backups.triggered_by_id')
    .leftJoin('runs', 'runs.id', 'backups.id')
    .select(COLUMNS)
    .select(['runs.step', 'runs.progress', 'runs.cancel_requested_at'])
    .select(['users.email as trigger_email', 'users.name as trigger_name'])
    .where('backups.deleted_at', 'is', null),
);
