import { type Actor, recordAudit } from '../audit/audit.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import type { BackupRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { type BackupWithTrigger, findBackup, pinBackup } from './backups.ts';
import { cancelBackup } from './cancel-backup.ts';
import { deleteBackup } from './delete-backup.ts';
import { requestBackup } from './request-backup.ts';

/** What people do to backups, with its row in the audit; API and pages both call these. */

/** Throws `not_found`. */
export async function startBackup(
  services: Services,
  actor: Actor,
  databaseId: string,
): Promise<{ readonly backupId: string }> {
  const database = await getDatabaseRow(services.db, databaseId);
  const asked = await requestBackup(services, { databaseId, type: 'manual', triggeredById: actor.userId });
  const entry = { ...auditedDatabase('backup', database), details: { backupId: asked.backupId } };
  await write(services.db, (trx) => recordAudit(trx, actor, entry, services.now()));
  return asked;
}

/** Throws `not_found`, `conflict` for one that is over. */
export async function stopBackup(services: Services, actor: Actor, backupId: string): Promise<void> {
  const backup = await backupRow(services, backupId);
  await cancelBackup(services, backupId);
  await audit(services, actor, 'cancel', backup);
}

/** Throws `not_found`, and `conflict` for one that runs. */
export async function removeBackup(services: Services, actor: Actor, backupId: string): Promise<void> {
  const backup = await backupRow(services, backupId);
  await deleteBackup(services, backupId);
  await audit(services, actor, 'delete', backup);
}

/** Pins or unpins; doing so twice changes nothing. Throws `not_found` with the wire's texts. */
export async function changePin(
  services: Services,
  actor: Actor,
  ids: { readonly databaseId: string; readonly backupId: string },
  pinned: boolean,
): Promise<BackupWithTrigger> {
  await getDatabaseRow(services.db, ids.databaseId);
  const now = services.now();
  const backup = await pinBackup(services.db, { ...ids, userId: actor.userId }, pinned, now);
  await audit(services, actor, pinned ? 'backup.pin' : 'backup.unpin', backup);
  return backup;
}

async function backupRow(services: Services, backupId: string): Promise<BackupRow> {
  const backup = await findBackup(services.db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  return backup;
}

async function audit(services: Services, actor: Actor, action: string, backup: BackupRow): Promise<void> {
  const database = await services.db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', backup.database_id)
    .executeTakeFirst();
  const entry = {
    action,
    resourceType: 'backup',
    resourceId: backup.id,
    resourceName: backup.filename,
    environmentId: database?.environment_id ?? null,
  };
  await write(services.db, (trx) => recordAudit(trx, actor, entry, services.now()));
}
