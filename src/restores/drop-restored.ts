import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { wireOptions } from '../databases/options.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import { AppError, toAppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import { isNamed } from '../turned-text.ts';
import type { CleanUpLogin } from './clean-up.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { loadOptionsOf } from './load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';
import { loadRestore } from './restores.ts';

const IDLE_MS = 120_000;

export interface DropRestoredInput extends CleanUpLogin {
  /** The name, or the path, of what was restored. */
  readonly confirm: string;
}

/** Whether the app can drop what that restore has made: it stands beside its database, and was told from all else. */
export function isDroppable(row: RestoreRow): boolean {
  return (
    row.state === 'done' && row.in_place === 0 && row.is_drill !== 1 && loadOptionsOf(row).made !== undefined
  );
}

/**
 * Drops what a restore has made beside its database: the very one, by what was read of it before it got its name. Throws `not_found`;
 * `conflict` where there is nothing to drop, what has that name is something else, or it is registered as a database; `invalid` where the
 * name is not confirmed; and why it was refused.
 */
export async function dropRestored(
  context: TargetContext,
  actor: Actor,
  id: string,
  { confirm, ...login }: DropRestoredInput,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, vault } = context;
  const restore = await loadRestore(db, id);
  refuseOther(restore);
  const name = restore.new_name;
  if (!isNamed(confirm, name)) {
    throw new AppError('invalid', `It is gone for good then. To drop it, confirm by its name: ${name}.`, {
      details: { field: 'confirm' },
    });
  }
  await refuseRegistered(db, restore);
  const { username = null, password = null } = login;
  const isTyped = username !== null || password !== null;
  const credentials = isTyped
    ? await vault.seal(JSON.stringify({ username, password }), SEALED.restoreCredentials.identity(id))
    : null;
  const failed = await drop(context, { ...restore, credentials }, signal);
  await write(db, async (trx) => {
    if (failed === null) {
      await trx
        .updateTable('restores')
        .set({ state: 'removed' })
        .where('id', '=', id)
        .where('state', '=', 'done')
        .execute();
    }
    const of = { id: restore.backup_id, name, environmentId: restore.environment_id };
    const more = { details: { runId: id }, ...(failed === null ? {} : { error: failed.message }) };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.drop_restored', of, more), now());
  });
  if (failed !== null) throw failed;
}

function refuseOther(row: RestoreRow): void {
  if (isDroppable(row)) return;
  throw new AppError('conflict', whyNot(row));
}

function whyNot({ state, new_name: name, in_place: inPlace, is_drill: isDrill }: RestoreRow): string {
  if (inPlace === 1)
    return `“${name}” is the database itself: only what a restore made beside it is dropped.`;
  if (isDrill === 1) return 'A drill drops what it makes by itself.';
  if (state === 'removed') return `“${name}” was removed already.`;
  if (state !== 'done') return `There is nothing whole to drop: the restore is ${state}.`;
  return `“${name}” can’t be told from all else that may be called so. Look at it on its server, and drop it there.`;
}

/** Somebody may have gone on with it, and registered it. */
async function refuseRegistered(db: Db, row: RestoreRow): Promise<void> {
  const { server_id: serverId, new_name: name } = row;
  const isFile = engineFor(row.engine)?.isFile === true;
  const there = await db
    .selectFrom('databases')
    .select(['name', 'host', 'port', 'database_name', 'options'])
    .where('type', '=', row.engine)
    .where((eb) => (serverId === null ? eb('server_id', 'is', null) : eb('server_id', '=', serverId)))
    .execute();
  const found = there.find(({ host, port, database_name: databaseName, options }) =>
    isFile
      ? wireOptions(options).filePath === name
      : databaseName === name && host === row.host && port === row.port,
  );
  if (found === undefined) return;
  throw new AppError(
    'conflict',
    `“${name}” is registered as the database ${found.name}, so it is not dropped from here. Delete that first, or drop it on its server.`,
  );
}

async function drop(context: TargetContext, row: RestoreRow, signal: AbortSignal): Promise<AppError | null> {
  try {
    const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, 'person');
    try {
      const command = plan.made?.drop(loadOptionsOf(row).made ?? '');
      if (command === undefined) throw new AppError('conflict', whyNot(row));
      const options = { signal, name: 'The drop', idleTimeoutMs: IDLE_MS, explain: plan.explain };
      await hostOutput(host, command, options);
      return null;
    } finally {
      await host.close();
    }
  } catch (error) {
    return toAppError(error);
  }
}
