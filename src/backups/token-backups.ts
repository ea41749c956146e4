import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { noteToken } from '../runs/askers.ts';
import { type BackupWithTrigger, findBackup } from './backups.ts';

/** Notes that a token asked for a backup, also where that one waited already. Part of the transaction that asks. */
export async function noteAsked(trx: Trx, tokenId: string, backupId: string): Promise<void> {
  await trx
    .insertInto('token_backups')
    .values({ backup_id: backupId, token_id: tokenId, holds_pin: 0 })
    .onConflict((conflict) => conflict.columns(['backup_id', 'token_id']).doNothing())
    .execute();
  await noteToken(trx, backupId, tokenId);
}

/**
 * Pins a backup on behalf of a token that asked for it, or gives that pin back: the backup stays pinned while another token
 * holds it, and where a person has pinned it. Throws `not_found`, `forbidden_scope` for one that others asked for.
 */
export async function holdPin(
  context: Context,
  actor: Actor & { readonly token: { readonly id: string } },
  ids: { readonly databaseId: string; readonly backupId: string },
  pinned: boolean,
): Promise<BackupWithTrigger> {
  const now = context.now();
  return write(context.db, async (trx) => {
    const before = await findBackup(trx, ids.backupId);
    if (before === undefined || before.database_id !== ids.databaseId) {
      throw new AppError('not_found', 'Backup not found');
    }
    const held = await pinOf(trx, ids.backupId, actor.token.id);
    const isPersons = before.is_pinned === 1 && held.all === 0;
    if (held.isOwn === pinned || isPersons) return before;
    await trx
      .updateTable('token_backups')
      .set({ holds_pin: pinned ? 1 : 0 })
      .where('backup_id', '=', ids.backupId)
      .where('token_id', '=', actor.token.id)
      .execute();
    // One that another token holds stays as it is.
    if (held.all - (held.isOwn ? 1 : 0) > 0) return before;
    await trx
      .updateTable('backups')
      .set(
        pinned
          ? { is_pinned: 1, pinned_by_id: actor.userId, pinned_at: now.toISOString() }
          : { is_pinned: 0, pinned_by_id: null, pinned_at: null },
      )
      .where('id', '=', ids.backupId)
      .execute();
    await recordAudit(trx, actor, await entryOf(trx, before, pinned), now);
    return (await findBackup(trx, ids.backupId)) ?? before;
  });
}

/** A person's pin is no token's any more, and ends with that person's word alone. Part of the transaction that pins. */
export async function takeOverPins(trx: Trx, backupId: string): Promise<void> {
  await trx
    .updateTable('token_backups')
    .set({ holds_pin: 0 })
    .where('backup_id', '=', backupId)
    .where('holds_pin', '=', 1)
    .execute();
}

/** How many tokens hold the backup, and whether that one does. */
async function pinOf(trx: Trx, backupId: string, tokenId: string) {
  const rows = await trx
    .selectFrom('token_backups')
    .select(['token_id', 'holds_pin'])
    .where('backup_id', '=', backupId)
    .execute();
  const own = rows.find((row) => row.token_id === tokenId);
  if (own === undefined) {
    throw new AppError('forbidden_scope', 'Token may only pin backups that it asked for itself');
  }
  return { isOwn: own.holds_pin === 1, all: rows.filter((row) => row.holds_pin === 1).length };
}

async function entryOf(trx: Trx, backup: BackupWithTrigger, pinned: boolean) {
  const database = await trx
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', backup.database_id)
    .executeTakeFirst();
  return auditEntry('backup', pinned ? 'backup.pin' : 'backup.unpin', {
    id: backup.id,
    name: backup.filename,
    environmentId: database?.environment_id ?? null,
  });
}
