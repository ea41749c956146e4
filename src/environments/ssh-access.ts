import * as z from 'zod';
import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Db, EnvironmentRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { line, secretField } from '../fields.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { SshUserContext } from './context.ts';
import { auditedEnvironment, getEnvironmentRow } from './environments.ts';
import type { SshKeys } from './ssh-keys.ts';

export const sshUser = line(64).regex(/^(?!-)[^\s:@/$`"'\\;&|<>(){}*?!#]+$/, {
  error: 'Must be a user name',
});

export const sshSettings = z.object({
  sshPrivateKey: secretField(64 * 1024).min(1),
  sshUser: sshUser.default('root'),
});

export async function getSsh(db: Db, environmentId: string) {
  const row = await getEnvironmentRow(db, environmentId);
  return { configured: row.ssh_private_key !== null, sshUser: row.ssh_user };
}

/** Stores the key as it was given, sealed. Throws `not_found`, `invalid` for a key that no connection could use. */
export async function setSsh(
  context: VaultContext & SshUserContext & { readonly sshKeys: SshKeys },
  actor: Actor,
  environmentId: string,
  input: z.infer<typeof sshSettings>,
): Promise<void> {
  await context.sshKeys.check(input.sshPrivateKey);
  const sealed = await context.vault.seal(input.sshPrivateKey, SEALED.sshPrivateKey.identity(environmentId));
  await update(context, actor, environmentId, { ssh_private_key: sealed, ssh_user: input.sshUser }, 'set');
}

/** `check` is asked in the same transaction. Throws `not_found`, and what that throws. */
export async function removeSsh(
  context: SshUserContext,
  actor: Actor,
  environmentId: string,
  check?: (present: EnvironmentRow) => void,
): Promise<void> {
  const change = { ssh_private_key: null, ssh_user: 'root' };
  await update(context, actor, environmentId, change, 'removed', check);
}

/** The key itself, for an admin; the audit remembers it. Throws `not_found`. */
export async function revealSshKey(
  context: VaultContext,
  actor: Actor,
  environmentId: string,
): Promise<{ privateKey: string; username: string }> {
  const row = await getEnvironmentRow(context.db, environmentId);
  if (row.ssh_private_key === null) {
    throw new AppError('not_found', 'SSH key not configured for this environment');
  }
  const privateKey = await context.vault.open(
    row.ssh_private_key,
    SEALED.sshPrivateKey.identity(environmentId),
  );
  await write(context.db, (trx) =>
    recordAudit(trx, actor, auditedEnvironment('ssh_key_access', row), context.now()),
  );
  return { privateKey, username: row.ssh_user };
}

async function update(
  context: SshUserContext,
  actor: Actor,
  environmentId: string,
  change: SshChange,
  what: 'set' | 'removed',
  check?: (present: EnvironmentRow) => void,
): Promise<void> {
  await write(context.db, async (trx) => {
    const row = await getEnvironmentRow(trx, environmentId);
    check?.(row);
    await storeSsh(context, trx, row, change);
    const details = { sshKey: what, sshUser: change.ssh_user };
    await recordAudit(trx, actor, auditedEnvironment('update', row, { details }), context.now());
  });
}

type SshChange = Pick<EnvironmentRow, 'ssh_private_key' | 'ssh_user'>;

/** Stores a sealed key and the user, in the caller's write; the audit is the caller's. Gives the row as it is then. */
export async function storeSsh(
  context: SshUserContext,
  trx: Trx,
  before: EnvironmentRow,
  change: SshChange,
): Promise<EnvironmentRow> {
  await context.followSshUser(trx, before.id, { from: before.ssh_user, to: change.ssh_user });
  return trx
    .updateTable('environments')
    .set({ ...change, updated_at: context.now().toISOString() })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
}
