import { hasRole } from '../auth/roles.ts';
import type { UserActor } from '../auth/users.ts';
import { findBackup } from '../backups/backups.ts';
import type { Db, RestoreRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import type { DropFacts, DropOutcome, DropPlan } from '../engines/drop.ts';
import type { RestorePlan } from '../engines/restore.ts';
import { AppError, isAppError, toAppError } from '../errors.ts';
import { isNamed } from '../turned-text.ts';
import type { TargetContext } from './context.ts';
import { hostOutput } from './host-output.ts';
import { noteOf } from './in-place.ts';
import { type LoadOptions, loadOptionsOf } from './load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from './open-target.ts';
import { refuseTaken } from './taken-since.ts';
import { sealLogin, type TypedLogin } from './typed-login.ts';

const IDLE_MS = 120_000;

/** What a person says of what they drop; the login is for this one time. */
export interface DropInput extends TypedLogin {
  /** The name, or the path, of what is dropped. */
  readonly confirm: string;
  /** Nobody goes on with it, which the app may not be able to see. */
  readonly isUnused?: boolean | undefined;
  /** It is the only copy of what is in it, and nobody needs that any more. */
  readonly isOnlyCopy?: boolean | undefined;
  /** Somebody has dropped it: it counts as dropped where it is not there. */
  readonly mayBeGone?: boolean | undefined;
}

/** Throws `invalid` unless that very name was typed; `words` say what it is typed for. */
export function requireConfirmed(
  confirm: string,
  name: string,
  words = 'It is gone for good then. To drop it',
): void {
  if (isNamed(confirm, name)) return;
  throw new AppError('invalid', `${words}, confirm by its name: ${name}.`, { details: { field: 'confirm' } });
}

/** As who may have it made: of a database that is gone nobody knows whose it was. */
export async function isForAdmins(db: Db, row: RestoreRow): Promise<boolean> {
  const database = await db
    .selectFrom('databases')
    .select('environment_id')
    .where('id', '=', row.database_id)
    .executeTakeFirst();
  return database?.environment_id !== row.environment_id;
}

/** Throws `forbidden` to all but admins where it is in another environment than its database, or that is gone. */
export async function refuseRole(db: Db, actor: UserActor, row: RestoreRow): Promise<void> {
  if (hasRole(actor.role, 'admin') || !(await isForAdmins(db, row))) return;
  throw new AppError(
    'forbidden',
    'Only admins drop what is of a restore into another environment, or of a database that is gone',
  );
}

/** Whether that backup is there and known to be good, as far as anybody knows. */
export async function isBackupWhole(db: Db, backupId: string | null): Promise<boolean> {
  const backup = backupId === null ? undefined : await findBackup(db, backupId);
  return backup?.status === 'completed' && backup.verification !== 'failed';
}

export interface OnHost {
  /** What it is called by now. */
  readonly name: string;
  readonly input: DropInput;
  /** Whether nothing else has what is in it; asked unless somebody says that nobody needs it. */
  isOnlyCopy(): Promise<boolean>;
  /** Undefined where it can’t be dropped from here. */
  plan(plan: RestorePlan, facts: DropFacts): DropPlan | undefined;
  readonly signal: AbortSignal;
}

/**
 * Drops it on its server. That it was begun is written down before: what is not there by the next time was dropped then. Gives what it
 * came to, or why it was refused. Never throws.
 */
export async function dropOnHost(
  context: TargetContext,
  row: RestoreRow,
  { name, input, isOnlyCopy, plan: planOf, signal }: OnHost,
): Promise<DropOutcome | AppError> {
  const { db } = context;
  const { dropBegun: before } = loadOptionsOf(row);
  const note = (dropBegun: LoadOptions['dropBegun']) =>
    write(db, (trx) => noteOf(trx, row.id, { dropBegun }));
  let isBegun = false;
  try {
    const credentials = await sealLogin(context, row.id, input);
    const { host, plan } = await openRestoreTarget(context, { ...row, credentials }, UNKNOWN_DUMP, 'person');
    try {
      // Once more: opening its server may have taken a while.
      const { registered } = await refuseTaken(db, row, name);
      const said = {
        isUnused: input.isUnused === true,
        mayBeGone: input.mayBeGone === true,
        isOnlyCopy: input.isOnlyCopy !== true && (await isOnlyCopy()),
      };
      const begunIn = before === true ? '' : (before ?? null);
      const drop = planOf(plan, { registered, ...said, begunIn });
      if (drop === undefined) {
        throw new AppError(
          'conflict',
          `“${name}” can’t be dropped from here. Look at it on its server, and drop it there.`,
        );
      }
      const { command, explain, read, where } = drop;
      const options = { signal, name: 'The drop', idleTimeoutMs: IDLE_MS, explain };
      // Where it is at this moment, nothing that was begun before has dropped it.
      const place = where === undefined ? null : where.read(await hostOutput(host, where.command, options));
      await note(place ?? before ?? true);
      isBegun = true;
      return read(await hostOutput(host, command, options));
    } finally {
      await host.close();
    }
  } catch (error) {
    const failed = toAppError(error);
    if (isBegun && isThere(failed, before !== undefined)) await note(undefined);
    return failed;
  }
}

/** It was found and refused; or it was certainly not dropped now, and not before either. Of a broken session nobody knows. */
function isThere(failed: AppError, wasBegun: boolean): boolean {
  if (failed.details['field'] === 'isOnlyCopy') return true;
  // One that was not found may have been dropped by what was begun before, in another place than this.
  if (failed.code === 'conflict') return !wasBegun || failed.details['field'] !== 'mayBeGone';
  const isUnheard = isAppError(
    failed,
    ...([
      'cancelled',
      'shutdown',
      'host_dropped',
      'host_timeout',
      'host_unreachable',
      'dump_failed',
    ] as const),
  );
  return !isUnheard && !wasBegun;
}
