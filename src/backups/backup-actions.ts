import { type Actor, type AuditEntry, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import type { BackupHead, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { type BackupWithTrigger, findBackup, pinBackup } from './backups.ts';
import { cancelBackup } from './cancel-backup.ts';
import type { BackupContext } from './context.ts';
import { deleteBackup, deleteBackups } from './delete-backup.ts';
import { type Requested, requestBackup } from './request-backup.ts';
import { noteAsked, takeOverPins } from './token-backups.ts';

/** What people do to backups, with its row in the audit, written with it or not at all; API and pages both call these. */

/** Throws `not_found`. */
export async function startBackup(
  context: BackupContext,
  actor: Actor,
  databaseId: string,
): Promise<Requested> {
  const database = await getDatabaseRow(context.db, databaseId);
  const request = { databaseId, type: 'manual', triggeredById: actor.userId } as const;
  return requestBackup(context, request, {
    async also(trx, backupId) {
      const entry = auditedDatabase('backup', database, { details: { backupId } });
      await recordAudit(trx, actor, entry, context.now());
      if (actor.token != null) await noteAsked(trx, actor.token.id, backupId);
    },
  });
}

/** Throws `not_found`, `conflict` for one that is over. */
export async function stopBackup(context: BackupContext, actor: Actor, backupId: string): Promise<void> {
  await cancelBackup(context, backupId, await audited(context, actor, 'cancel', backupId));
}

/** Throws `not_found`, and `conflict` for one that runs. */
export async function removeBackup(context: BackupContext, actor: Actor, backupId: string): Promise<void> {
  await deleteBackup(context, backupId, await audited(context, actor, 'delete', backupId));
}

/** Those of the database that are still there, each with its row in the audit. Gives how many. */
export async function removeBackups(
  context: BackupContext,
  actor: Actor,
  databaseId: string,
  backupIds: readonly string[],
): Promise<number> {
  const { environment_id: environmentId } = await getDatabaseRow(context.db, databaseId);
  return deleteBackups(context, databaseId, backupIds, {
    async also(trx, { id, filename: name }) {
      await recordAudit(
        trx,
        actor,
        auditEntry('backup', 'delete', { id, name, environmentId }),
        context.now(),
      );
    },
  });
}

/** Pins or unpins; doing so twice changes nothing. Throws `not_found` with the wire's texts. */
export async function changePin(
  context: BackupContext,
  actor: Actor,
  ids: { readonly databaseId: string; readonly backupId: string },
  pinned: boolean,
): Promise<BackupWithTrigger> {
  await getDatabaseRow(context.db, ids.databaseId);
  const { also } = await audited(context, actor, pinned ? 'backup.pin' : 'backup.unpin', ids.backupId);
  return pinBackup(context.db, { ...ids, userId: actor.userId }, pinned, context.now(), {
    async also(trx) {
      await also(trx);
      await takeOverPins(trx, ids.backupId);
    },
  });
}

/** Throws `not_found`. */
async function audited(
  context: BackupContext,
  actor: Actor,
  action: AuditedActions['backup'],
  backupId: string,
): Promise<{ readonly also: (trx: Trx) => Promise<void> }> {
  const backup = await findBackup(context.db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  const entry = await entryOf(context, action, backup);
  return { also: (trx: Trx) => recordAudit(trx, actor, entry, context.now()) };
}

async function entryOf(
  context: BackupContext,
  action: AuditedActions['backup'],
  backup: BackupHead,
): Promise<AuditEntry> {
  const database = await context.db
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
