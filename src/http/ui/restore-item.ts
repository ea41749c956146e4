import * as z from 'zod';
import type { LiveRestore } from '../../../views/restore/restore-words.ts';
import type { RestoreItem } from '../../../views/restore/restored.ts';
import { findBackup } from '../../backups/backups.ts';
import type { RestoreRow, RunRow } from '../../db/schema.ts';
import { findDrill } from '../../drills/drills.ts';
import { DRILL_FAILURES } from '../../drills/failure.ts';
import { engineFor } from '../../engines/engines.ts';
import { AppError } from '../../errors.ts';
import { obstacleToRename } from '../../restores/ask-rename.ts';
import { isTheOnlyKept } from '../../restores/drop-kept.ts';
import { isForAdmins } from '../../restores/drop-on-host.ts';
import { isDroppable, isTheOnlyCopy } from '../../restores/drop-restored.ts';
import { isLive, loadOptionsOf } from '../../restores/load-options.ts';
import {
  checksOf,
  countsOf,
  findRestore,
  findRunOfRestore,
  whatExists,
  whereRestored,
} from '../../restores/restores.ts';
import { swapByHandOf } from '../../restores/swap-by-hand.ts';
import type { Services } from '../../services-port.ts';

/** A restore with its run, for its page. Throws `not_found`. */
export async function loadRestoreItem(
  { db, now }: Pick<Services, 'db' | 'now'>,
  id: string,
): Promise<{ readonly item: RestoreItem; readonly live: LiveRestore | null }> {
  const row = await findRestore(db, id);
  const run = await findRunOfRestore(db, id);
  if (row === undefined) throw new AppError('not_found', 'Restore not found');
  const { databaseName, environmentName, serverName } = await whereRestored(db, row);
  const backup = await findBackup(db, row.backup_id);
  const { adopts = null, renamedBy, hasTakenPlace } = loadOptionsOf(row);
  const renamed = renamedBy === undefined ? undefined : await findRestore(db, renamedBy);
  const goesOn = run !== undefined && (run.state === 'pending' || run.state === 'running');
  return {
    item: {
      id,
      backupId: row.backup_id,
      backupAt: backup?.created_at ?? null,
      databaseName: databaseName ?? 'a database that is gone',
      environmentName,
      serverName: row.server_id === null ? null : (serverName ?? 'a server that is gone'),
      newName: row.new_name,
      isFile: engineFor(row.engine)?.isFile ?? false,
      drill: row.is_drill === 1 ? await drillOf(db, id) : null,
      runState: run?.state ?? 'interrupted',
      state: row.state,
      exists: whatExists(row),
      checks: checksOf(row),
      tables: countsOf(row),
      loadedMs: row.loaded_ms === null ? null : Number(row.loaded_ms),
      isInPlace: row.in_place === 1,
      isLive: isLive(row),
      swapByHand: await swapByHandOf(db, row, now()),
      safetyBackupId: row.safety_backup_id,
      kept:
        row.kept_name === null || row.kept_state !== 'kept'
          ? null
          : { name: row.kept_name, isOnlyCopy: await isTheOnlyKept(db, row) },
      adopts,
      isDroppable: isDroppable(row),
      isRenamable: (await obstacleToRename(db, row)) === null,
      renamed: renamed === undefined ? null : { id: renamed.id, isDone: hasTakenPlace === true },
      isOnlyCopy: isDroppable(row) && (await isTheOnlyCopy(db, row)),
      isDropForAdmins: await isForAdmins(db, row),
      failure: failureOf(run?.error ?? null),
    },
    live: goesOn ? liveOf(row, run, now()) : null,
  };
}

async function drillOf(db: Services['db'], id: string): Promise<RestoreItem['drill']> {
  const drill = await findDrill(db, id);
  return {
    outcome: drill?.outcome ?? null,
    failure: drill?.failure == null ? null : DRILL_FAILURES[drill.failure],
    isDamaged: drill?.failure === 'damaged',
    says: drill?.says ?? null,
    restoreMs: drill?.restore_ms == null ? null : Number(drill.restore_ms),
  };
}

const detailSchema = z.object({ bytes: z.number(), total: z.number() });

/** How far a restore is whose run waits or goes on; null where it is gone. */
export async function liveRestoreOf(
  { db, now }: Pick<Services, 'db' | 'now'>,
  run: RunRow,
): Promise<LiveRestore | null> {
  const row = await findRestore(db, run.id);
  return row === undefined ? null : liveOf(row, run, now());
}

function liveOf(row: RestoreRow, run: RunRow, now: Date): LiveRestore {
  const detail = run.detail === null ? undefined : detailSchema.safeParse(JSON.parse(run.detail));
  const seconds = run.started_at === null ? null : (now.getTime() - Date.parse(run.started_at)) / 1000;
  return {
    isInPlace: row.in_place === 1,
    isRename: loadOptionsOf(row).adopts !== undefined,
    isLive: isLive(row),
    isWaiting: run.state === 'pending',
    isCancelling: run.cancel_requested_at !== null,
    step: run.step,
    bytes: detail?.success ? { read: detail.data.bytes, total: detail.data.total } : null,
    // The steps before are short beside it.
    loadingSeconds: seconds !== null && seconds >= 0 ? seconds : null,
  };
}

const errorSchema = z.object({
  message: z.string(),
  why: z.string().nullish(),
  stderr: z.string().nullish(),
});

function failureOf(error: string | null): RestoreItem['failure'] {
  if (error === null) return null;
  const parsed = errorSchema.safeParse(JSON.parse(error));
  if (!parsed.success) return null;
  const { message, why, stderr } = parsed.data;
  return { message, why: why ?? null, stderr: stderr ?? null };
}
