import type { UserActor } from '../auth/users.ts';
import type { RestoreRow } from '../db/schema.ts';
import type { PreflightCheck } from '../engines/restore.ts';
import { newId } from '../ids.ts';
import { type InPlaceInput, inPlaceRow, refuseUnlessLive, replacedName } from './ask-in-place.ts';
import { loadingText, type RestoreInput, restorable, targetOf } from './ask-restore.ts';
import type { RestoreContext } from './context.ts';
import { factsOf } from './dump-facts.ts';
import { hostOutput } from './host-output.ts';
import { NOTHING_REPLACED } from './in-place.ts';
import { onlyTablesOf } from './load-options.ts';
import { proposedName } from './new-name.ts';
import { ofChosen } from './only-tables.ts';
import { openRestoreTarget } from './open-target.ts';
import { sealLogin } from './typed-login.ts';

const LOOK_MS = 60_000;

/**
 * What a restore would find at its target, a line each; nothing is made and nothing is kept. Throws as `askRestore`, and what opening
 * the target throws.
 */
export async function lookAtTarget(
  context: RestoreContext,
  actor: UserActor,
  backupId: string,
  input: RestoreInput,
  signal: AbortSignal,
): Promise<readonly PreflightCheck[]> {
  const { db, now } = context;
  const { database } = await restorable(db, backupId);
  const target = await targetOf(db, actor, database, input);
  const id = newId();
  const credentials = await sealLogin(context, id, input);
  const restore: RestoreRow = {
    id,
    backup_id: backupId,
    database_id: database.id,
    environment_id: target.environmentId,
    server_id: target.serverId,
    engine: database.type,
    host: target.host,
    port: target.port,
    database_name: database.database_name,
    options: database.options,
    new_name: input.newName ?? proposedName(target.named, now()),
    is_name_ours: input.newName === undefined ? 1 : 0,
    load_options: await loadingText(db, backupId, database.type, input),
    is_drill: null,
    token: newId(),
    credentials,
    state: 'none',
    checks: null,
    counts: null,
    loaded_ms: null,
    removal_tries: 0,
    removal_error: null,
    asked_by_id: actor.userId,
    created_at: now().toISOString(),
    ended_at: null,
    ...NOTHING_REPLACED,
  };
  return look(context, restore, signal);
}

/** The same for a restore in place of the database, with what becomes of its safety backup. */
export async function lookInPlace(
  context: RestoreContext,
  actor: UserActor,
  backupId: string,
  input: InPlaceInput,
  signal: AbortSignal,
): Promise<readonly PreflightCheck[]> {
  const { db, now } = context;
  const { database } = await restorable(db, backupId);
  const newName = replacedName(database);
  if (input.intoLive === true) await refuseUnlessLive(db, backupId, database);
  const id = newId();
  const row = await inPlaceRow(context, { id, backupId, database, newName, input, actor, at: now() });
  const declined = input.safetyBackup === false;
  const says = declined
    ? `Declined: what is there now is only kept ${input.intoLive === true ? '' : 'beside, and '}in the backups that there are.`
    : 'It will be made first; nothing is replaced unless it ends completed.';
  return [{ name: 'Safety backup', ok: true, says }, ...(await look(context, row, signal))];
}

async function look(
  context: RestoreContext,
  restore: RestoreRow,
  signal: AbortSignal,
): Promise<readonly PreflightCheck[]> {
  const facts = ofChosen(await factsOf(context.db, restore.backup_id), onlyTablesOf(restore));
  const { host, plan } = await openRestoreTarget(context, restore, facts, 'person');
  try {
    const { command, explain, read } = plan.preflight;
    const options = { signal, explain, name: 'The look at the target', idleTimeoutMs: LOOK_MS };
    return read(await hostOutput(host, command, options));
  } finally {
    await host.close();
  }
}
