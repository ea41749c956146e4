import type { Insertable } from 'kysely';
import type { User } from '../../src/auth/users.ts';
import { recountDays } from '../../src/backups/backup-days.ts';
import { storagePath } from '../../src/backups/destination.ts';
import { recordNewest } from '../../src/backups/newest-backups.ts';
import { recountStored } from '../../src/backups/stored-totals.ts';
import { backupFileName } from '../../src/databases/file-name.ts';
import type { BackupObjectRow, BackupRow, DatabaseRow, RunRow, RunState } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { hostPlace } from '../../src/object-stores/place.ts';
import { type Asker, askerText } from '../../src/runs/askers.ts';
import { databaseLane } from '../../src/runs/lanes.ts';
import type { Services } from '../../src/services-port.ts';
import { BUCKETS, ENDPOINT } from './catalog.ts';

const HOUR_MS = 3_600_000;
/** A row has some forty columns, and SQLite takes 32,766 values in a statement. */
const ROWS_AT_ONCE = 400;
/** Where backups went before the storage was changed. */
const FORMER = { endpoint: 'https://127.0.0.2:9', region: 'fra1' };

type Backup = Insertable<BackupRow>;
type StoredObject = Insertable<BackupObjectRow>;
type RunOf = Insertable<RunRow>;

/**
 * So many backups, one every few hours per database, some databases with many times as many as others and some with
 * none: most completed; some failed, cancelled, uncertain or deleted; a few that wait or run. Gives their rows.
 */
export async function fillBackups(
  { db, now }: Services,
  fill: {
    readonly databases: readonly DatabaseRow[];
    readonly count: number;
    readonly admin: User;
    readonly random: () => number;
  },
): Promise<readonly Backup[]> {
  const { databases, count, admin, random } = fill;
  const shares = share(count, databases.length, random);
  const made: Backup[] = [];
  const rows: Backup[] = [];
  const objects: StoredObject[] = [];
  const runs: RunOf[] = [];
  await write(db, async (trx) => {
    const flush = async (): Promise<void> => {
      if (rows.length > 0) await trx.insertInto('backups').values(rows).execute();
      if (objects.length > 0) await trx.insertInto('backup_objects').values(objects).execute();
      if (runs.length > 0) await trx.insertInto('runs').values(runs).execute();
      const askers = rows.flatMap(askersOf);
      if (askers.length > 0) await trx.insertInto('run_askers').values(askers).execute();
      made.push(...rows.splice(0));
      objects.splice(0);
      runs.splice(0);
    };
    for (const [index, database] of databases.entries()) {
      const usualBytes = 1000 + random() ** 8 * 5e11;
      for (let age = shares[index] ?? 0; age > 0; age -= 1) {
        const at = new Date(now().getTime() - age * 6 * HOUR_MS - Math.floor(random() * HOUR_MS));
        const live = age === 1 ? liveStatus(index) : null;
        const { backup, object, run } = live
          ? liveRun(database, at, live)
          : endedRun({ database, at, random, admin, now: now(), usualBytes });
        rows.push(backup);
        runs.push(runRow(database, backup, run));
        if (object !== null) objects.push(object);
        if (rows.length === ROWS_AT_ONCE) await flush();
      }
    }
    await flush();
    // As the runs would have done, one by one.
    for (const { id } of databases) {
      await recountStored(trx, id);
      await recountDays(trx, id);
      await recordNewest(trx, id, now());
    }
  });
  return made;
}

/** The newest backup of a few databases waits or runs; there is one of each at most. */
function liveStatus(index: number): 'pending' | 'in_progress' | null {
  if (index % 200 === 1) return 'pending';
  return index % 200 === 2 ? 'in_progress' : null;
}

/** The count in uneven parts: one database of seventeen has none, one of ten has ten times as many as the usual. */
function share(count: number, parts: number, random: () => number): readonly number[] {
  const weights = Array.from({ length: parts }, (_, index) => {
    if (index % 17 === 16) return 0;
    return (index % 10 === 3 ? 10 : 1) * (0.5 + random());
  });
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const shares = weights.map((weight) => Math.floor((count * weight) / all));
  const rest = count - shares.reduce((sum, one) => sum + one, 0);
  return shares.map((one, index) => (index === 0 ? one + rest : one));
}

interface Run {
  readonly backup: Backup;
  readonly object: StoredObject | null;
  /** What its run's row says beyond the usual. */
  readonly run: Partial<RunOf>;
}

function liveRun(database: DatabaseRow, at: Date, status: 'pending' | 'in_progress'): Run {
  const backup = newRow(database, at);
  if (status === 'pending') return { backup, object: null, run: { progress: 0, attempts: 0 } };
  const over = at.toISOString();
  return {
    backup: {
      ...backup,
      status,
      started_at: over,
    },
    object: { ...objectOf(database, backup, false), upload_id: newId() },
    run: { step: 'dump', progress: 45, claimed_by: newId(), lease_until: over },
  };
}

/** Of a hundred: 94 completed, 4 failed, 1 cancelled; of a thousand: 2 uncertain, 2 deleted. */
function endedRun(run: {
  readonly database: DatabaseRow;
  readonly at: Date;
  readonly random: () => number;
  readonly admin: User;
  readonly now: Date;
  readonly usualBytes: number;
}): Run {
  const { database, at, random, admin, now, usualBytes } = run;
  const chance = random();
  const seconds = 5 + Math.floor(random() ** 4 * 3600);
  const end = new Date(at.getTime() + seconds * 1000).toISOString();
  const backup: Backup = {
    ...newRow(database, at),
    // As a script of cron has made them: retention has its say about scheduled ones, and would begin with the first start.
    type: 'manual',
    triggered_by_id: admin.id,
    started_at: at.toISOString(),
    completed_at: end,
    duration: seconds,
  };
  if (chance < 0.04) return { backup: { ...backup, ...failed(random) }, object: null, run: { step: 'dump' } };
  if (chance < 0.05) {
    return { backup: { ...backup, ...cancelled() }, object: null, run: { cancel_requested_at: end } };
  }
  const wasElsewhere = random() < 0.15;
  const object = objectOf(database, backup, wasElsewhere);
  if (chance < 0.052 && object.bucket !== '') {
    const askAgain = new Date(now.getTime() + HOUR_MS * random()).toISOString();
    return {
      run: { step: 'upload', lease_until: askAgain },
      backup: { ...backup, ...uncertain(end) },
      object: { ...object, bytes: 1024, sha256: 'ab'.repeat(32), upload_id: newId() },
    };
  }
  // Of about one size for a database: a loss of half of it would be worth a word.
  const bytes = Math.floor(usualBytes * (0.97 + 0.06 * random()));
  const isDeleted = chance > 0.998;
  return {
    backup: {
      ...backup,
      ...completed(end, bytes),
      is_pinned: random() < 0.01 ? 1 : 0,
      deleted_at: isDeleted ? new Date(now.getTime() - Math.floor(random() * HOUR_MS)).toISOString() : null,
    },
    run: { progress: 100 },
    object: { ...object, bytes, sha256: backup.token.padEnd(64, '0').slice(-64), version_id: null },
  };
}

function newRow(database: DatabaseRow, at: Date): Backup {
  const createdAt = at.toISOString();
  const filename = backupFileName(database.name, createdAt, '.dump');
  return {
    id: newId(),
    database_id: database.id,
    filename,
    size: 0,
    type: 'scheduled',
    status: 'pending',
    storage_type: database.backup_storage_type,
    storage_path: storagePath(database, filename),
    bytes_read: 0,
    bytes_stored: 0,
    created_at: createdAt,
    is_pinned: 0,
    token: newId(),
    format: 'custom',
    compression: 'zstd-3',
    content_type: 'application/octet-stream',
    server_version: '16.4 (Debian 16.4-1.pgdg120+1)',
    client_version: 'pg_dump (PostgreSQL) 16.4 (Debian 16.4-1.pgdg120+1)',
    // Every row of a statement has the same columns.
    ...{ outcome: null, error: null, started_at: null, completed_at: null, duration: null },
    ...{ deleted_at: null, sha256: null, triggered_by_id: null },
    ...{ verification: null, verified_at: null },
  };
}

/** Every row of a statement has the same columns. */
function runRow(database: DatabaseRow, backup: Backup, more: Partial<RunOf>): RunOf {
  const { id, created_at, started_at, completed_at: ended_at, status, outcome, error } = backup;
  const state: RunState =
    status === 'pending' ? 'pending' : status === 'in_progress' ? 'running' : (outcome ?? 'failed');
  return {
    ...{ id, kind: 'backup', subject_id: id, server_id: database.server_id, lane: databaseLane(database.id) },
    ...{ state, input: null, step: null, progress: 80, detail: null, error, attempts: 1, in_repair: 0 },
    is_background: null,
    ...{ created_at, started_at, ended_at, cancel_requested_at: null, claimed_by: null, lease_until: null },
    ...more,
  };
}

/** As the requests would have noted them. */
function askersOf({ id, type, triggered_by_id: person, created_at }: Backup) {
  const askers: readonly Asker[] =
    type === 'scheduled'
      ? [{ kind: 'schedule', id: null }]
      : [null, person ?? null].map((of) => ({ kind: 'person', id: of }));
  return askers.map((asker) => ({ asker: askerText(asker), created_at, run_id: id }));
}

function objectOf(database: DatabaseRow, backup: Backup, wasElsewhere: boolean): StoredObject {
  const place =
    database.backup_storage_type === 'local'
      ? hostPlace(database.server_id)
      : wasElsewhere
        ? { ...FORMER, bucket: BUCKETS[0] }
        : { endpoint: ENDPOINT, region: 'eu-central-1', bucket: database.backup_spaces_bucket ?? BUCKETS[0] };
  const none = { version_id: null, upload_id: null, bytes: null, sha256: null };
  const what = { id: newId(), backup_id: backup.id, kind: 'dump' as const, number: 0 };
  return { ...what, ...place, key: backup.storage_path, ...none };
}

function completed(end: string, bytes: number): Partial<Backup> {
  return {
    ...{ status: 'completed', outcome: 'completed', size: bytes, bytes_stored: bytes },
    ...{ bytes_read: bytes * 3, verification: 'stored', verified_at: end, sha256: 'cd'.repeat(32) },
  };
}

function failed(random: () => number): Partial<Backup> {
  const lines = Array.from(
    { length: Math.floor(random() * 20) },
    (_, line) => `pg_dump: detail ${line}: Größe <b>?`,
  );
  const error = {
    message: 'pg_dump ended with status 1: connection to server at "127.0.0.1" failed: FATAL: password …',
    step: 'dump',
    exitCode: 1,
    advice: 'Check user and password of the database.',
    stderr: lines.join('\n'),
  };
  return { status: 'failed', outcome: 'failed', error: JSON.stringify(error) };
}

function cancelled(): Partial<Backup> {
  const error = { message: 'The backup was cancelled.', step: 'dump', code: 'cancelled' };
  return { status: 'failed', outcome: 'cancelled', error: JSON.stringify(error) };
}

function uncertain(end: string): Partial<Backup> {
  const error = { message: 'The storage has not said yet whether the backup is whole.', step: 'upload' };
  return {
    status: 'failed',
    outcome: 'uncertain',
    completed_at: end,
    error: JSON.stringify(error),
  };
}
