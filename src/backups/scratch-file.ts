import type { BackupRow, DatabaseRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { DumpPlan } from '../engines/engine.ts';
import { quote } from '../hosts/quote.ts';
import { createHostFiles } from '../object-stores/host-files/host-files.ts';
import { parseHostPath, scratchPath } from '../object-stores/host-files/path.ts';
import { hostPlace } from '../object-stores/place.ts';
import type { OpenedServer } from '../servers/server-access.ts';
import type { BackupRunContext } from './context.ts';
import { addLeftover } from './settle.ts';

const REMOVE_TIMEOUT_MS = 30_000;
/** There on every host, for files that outlive a reboot, and safe for all its users. */
const DEFAULT_FOLDER = '/var/tmp';

export interface ScratchRun {
  readonly backup: Pick<BackupRow, 'id' | 'token'>;
  readonly database: Pick<DatabaseRow, 'server_id'>;
  readonly dump: DumpPlan;
  /** The database's file on its host. */
  readonly file: string | null;
}

/**
 * Runs `use` with a dump whose command may make a file on the database's host (`DumpPlan.scratch`). The file is recorded
 * as a leftover before it is made, so that whatever ends the run or the app leaves it listed, and struck off once it is
 * known to be gone. A dump without one goes through as it is. Throws what `use` throws, `host_path_refused`, `invalid`.
 */
export async function withScratchFile<T>(
  context: BackupRunContext,
  source: OpenedServer,
  run: ScratchRun,
  use: (dump: DumpPlan) => Promise<T>,
): Promise<T> {
  const { backup, database, dump } = run;
  if (dump.scratch === undefined) return use(dump);
  const path = scratchPath(folderOf(run, source.host.isLocal), backup.token);
  await source.checkPath(path);
  const item = { kind: 'file', key: path, uploadId: null, versionId: null } as const;
  const place = hostPlace(database.server_id);
  await write(context.db, (trx) => addLeftover(trx, backup.id, place, item, context.now()));
  const script = `scratch=${quote(path)}\n${dump.command.script}`;
  let isGone = false;
  try {
    const result = await use({ ...dump, command: { ...dump.command, script } });
    // The command ended with status 0, which says that it removed the file.
    isGone = true;
    return result;
  } finally {
    if (isGone || (await isRemoved(context, source, path))) await strikeOff(context, backup.id, path);
  }
}

function folderOf({ dump, file }: ScratchRun, isLocal: boolean): string {
  const chosen = dump.scratch?.folder ?? null;
  if (chosen !== null) return chosen.replace(/\/+$/, '') || '/';
  // On the app's own machine only what LOCAL_PATHS allows may be used, and the database lies there.
  return isLocal && file !== null ? parseHostPath(file).folder : DEFAULT_FOLDER;
}

async function isRemoved({ log }: BackupRunContext, source: OpenedServer, path: string): Promise<boolean> {
  try {
    const files = createHostFiles(source.host, { checkPath: (checked) => source.checkPath(checked) });
    await files.remove(path, { signal: AbortSignal.timeout(REMOVE_TIMEOUT_MS) });
    return true;
  } catch (error) {
    log.warn('the copy that a dump was read from could not be removed yet', { path, error });
    return false;
  }
}

/** What stays recorded although it is gone is found gone by the next sweep. */
async function strikeOff({ db, log }: BackupRunContext, backupId: string, path: string): Promise<void> {
  try {
    await write(db, (trx) =>
      trx
        .deleteFrom('leftovers')
        .where('backup_id', '=', backupId)
        .where('kind', '=', 'file')
        .where('key', '=', path)
        .execute(),
    );
  } catch (error) {
    log.warn('a copy that is gone could not be struck off', { path, error });
  }
}
