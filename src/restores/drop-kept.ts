import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, toAppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import { isNamed } from '../turned-text.ts';
import type { CleanUpLogin } from './clean-up.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { markDropped } from './in-place.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';
import { loadRestore } from './restores.ts';
import { replacedIdOf } from './swap.ts';

const IDLE_MS = 120_000;

export interface DropInput extends CleanUpLogin {
  /** The name under which it is kept. */
  readonly confirm: string;
}

/**
 * Drops what a restore in place has replaced: the very one, by what was recorded of it before the swap. Throws `not_found`; `conflict`
 * where nothing is kept, or what has that name is something else; `invalid` where the name is not confirmed; and why it was refused.
 */
export async function dropKept(
  context: TargetContext,
  actor: Actor,
  id: string,
  { confirm, ...login }: DropInput,
  signal: AbortSignal,
): Promise<void> {
  const { db, now, vault } = context;
  const restore = await loadRestore(db, id);
  const name = keptOf(restore);
  if (!isNamed(confirm, name)) {
    throw new AppError('invalid', `It is gone for good then. To drop it, confirm by its name: ${name}.`, {
      details: { field: 'confirm' },
    });
  }
  const { username = null, password = null } = login;
  const isTyped = username !== null || password !== null;
  const credentials = isTyped
    ? await vault.seal(JSON.stringify({ username, password }), SEALED.restoreCredentials.identity(id))
    : null;
  const failed = await drop(context, { ...restore, credentials }, signal);
  await write(db, async (trx) => {
    if (failed === null) await markDropped(trx, id, now());
    const of = { id: restore.backup_id, name: restore.new_name, environmentId: restore.environment_id };
    const more = {
      details: { runId: id, keptName: name },
      ...(failed === null ? {} : { error: failed.message }),
    };
    await recordAudit(trx, actor, auditEntry('backup', 'restore.drop_kept', of, more), now());
  });
  if (failed !== null) throw failed;
}

function keptOf({ kept_name: name, kept_state: state }: RestoreRow): string {
  if (state === 'kept' && name !== null) return name;
  throw new AppError(
    'conflict',
    state === 'dropped'
      ? `“${name}” was dropped already.`
      : 'This restore keeps nothing that could be dropped.',
  );
}

async function drop(context: TargetContext, row: RestoreRow, signal: AbortSignal): Promise<AppError | null> {
  try {
    const { host, plan } = await openRestoreTarget(context, row, UNKNOWN_DUMP, 'person');
    try {
      const command = plan.swap?.drop(replacedIdOf(row));
      if (command === undefined)
        throw new AppError(
          'conflict',
          'It can’t be dropped from here. Look at it on its server, and remove it there.',
        );
      await hostOutput(host, command, {
        signal,
        name: 'The drop',
        idleTimeoutMs: IDLE_MS,
        explain: plan.explain,
      });
      return null;
    } finally {
      await host.close();
    }
  } catch (error) {
    return toAppError(error);
  }
}
