import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import type { BackupRow, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { type BackupWithTrigger, findBackup, pinBackup } from './backups.ts';
import { cancelBackup } from './cancel-backup.ts';
import { deleteBackup } from './delete-backup.ts';
import { requestBackup } from './request-backup.ts';

/** What people do to backups, with its row in the audit, written with it or not at all; API and pages both call these. */

/** Throws `not_found`. */
export async function startBackup(
  services: Services,
  actor: Actor,
  databaseId: string,
): Promise<{ readonly backupId: string }> {
  const database = await getDatabaseRow(services.db, databaseId);
  const request = { databaseId, type: 'manual', triggeredById: actor.userId } as const;
  return requestBackup(services, request, {
    async also(trx, backupId) {
      const entry = auditedDatabase('backup', database, { details: { backupId } });
      await recordAudit(trx, actor, entry, services.now());
    },
  });
}

/** Throws `not_found`, `conflict` for one that is over. */
export async function stopBackup(services: Services, actor: Actor, backupId: string): Promise<void> {
  await cancelBackup(services, backupId, await audited(services, actor, 'cancel', backupId));
}

/** Throws `not_found`, and `conflict` for one that runs. */
export async function removeBackup(services: Services, actor: Actor, backupId: string): Promise<void> {
  await deleteBackup(services, backupId, await audited(services, actor, 'delete', backupId));
}

/** Pins or unpins; doing so twice changes nothing. Throws `not_found` with the wire's texts. */
export async function changePin(
  services: Services,
  actor: Actor,
  ids: { readonly databaseId: string; readonly backupId: string },
  pinned: boolean,
): Promise<BackupWithTrigger> {
  await getDatabaseRow(services.db, ids.databaseId);
  const also = await audited(services, actor, pinned ? 'backup.pin' : 'backup.unpin', ids.backupId);
  return pinBackup(services.db, { ...ids, userId: actor.userId }, pinned, services.now(), also);
}

/** Throws `not_found`. */
async function audited(
  services: Services,
  actor: Actor,
  action: AuditedActions['backup'],
  backupId: string,
): Promise<{ readonly also: (trx: Trx) => Promise<void> }> {
  const backup = await findBackup(services.db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  const entry = await entryOf(services, action, backup);
  return { also: (trx: Trx) => recordAudit(trx, actor, entry, services.now()) };
}

async function entryOf(
  services: Services,
  action: AuditedActions['backup'],
  backup: BackupRow,
): Promise<AuditEntry> {
  const database = await services.db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', backup.database_id)
    .executeTakeFirst();
  return auditEntry('backup', action, {
    id: backup.id,
    name: backup.filename,
    environmentId: database?.environment_id ?? null,
  });
}
