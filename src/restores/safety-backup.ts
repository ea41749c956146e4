import * as z from 'zod';
import { findBackup } from '../backups/backups.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import type { PreflightCheck } from '../engines/restore.ts';

const NAME = 'Safety backup';
const errorShape = z.object({ message: z.string() });

/** What became of the backup that is made before something is replaced, as a line for a person; none where nothing is replaced. */
export async function safetyChecks(db: Db, row: RestoreRow): Promise<readonly PreflightCheck[]> {
  if (row.in_place === 0) return [];
  if (row.safety_backup_id === null) {
    return [{ name: NAME, ok: true, says: 'Declined by the one who asked for the restore.' }];
  }
  const backup = await findBackup(db, row.safety_backup_id);
  if (backup?.status === 'completed') {
    return [{ name: NAME, ok: true, says: `${backup.filename} was made before, and read back.` }];
  }
  const why =
    backup === undefined
      ? 'It is not there any more.'
      : backup.error === null
        ? `It is ${backup.status}.`
        : errorShape.parse(JSON.parse(backup.error)).message;
  const says = `The backup that is made before something is replaced did not come about. ${why}`;
  return [{ name: NAME, ok: false, says }];
}
