import * as z from 'zod';
import { type Actor, recordAudit } from '../audit/audit.ts';
import type { EnvironmentRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { fingerprintOf } from '../hosts/host-key.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { SshUserContext } from './context.ts';
import { auditedEnvironment, getEnvironmentRow } from './environments.ts';
import { removeSsh, sshUser, storeSsh } from './ssh-access.ts';
import type { SshKeys } from './ssh-keys.ts';

export const newSshKey = z.object({
  /** Absent: the environment's present one. */
  sshUser: sshUser.optional(),
  /** The fingerprint of the key that is given up for the new one; absent where there is none. */
  replaces: z.string().max(100).optional(),
});

/** The half of an environment's SSH key that is no secret. */
export interface PublicSshKey {
  /** `ssh-ed25519 AAAA… bridgeport-production`. */
  readonly publicKey: string;
  /** The same behind `restrict`: one line for a host's authorized_keys. */
  readonly authorizedKeysLine: string;
  /** `SHA256:…`, as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  readonly username: string;
}

type KeyContext = VaultContext & SshUserContext & { readonly sshKeys: SshKeys };

/**
 * Makes a key pair and stores its private half, sealed; it is shown nowhere. Throws `not_found`, and `conflict` where
 * another key is stored than `replaces` names: hosts that let that one in would shut the app out.
 */
export async function makeSshKey(
  context: KeyContext,
  actor: Actor,
  environmentId: string,
  input: z.infer<typeof newSshKey>,
): Promise<PublicSshKey> {
  const before = await getEnvironmentRow(context.db, environmentId);
  if (before.ssh_private_key !== null) await refuseAnother(context, before, input.replaces);
  const privateKey = await context.sshKeys.make();
  const sealed = await context.vault.seal(privateKey, SEALED.sshPrivateKey.identity(environmentId));
  const half = await context.sshKeys.publicHalf(privateKey);
  const fingerprint = await fingerprintOf(half);
  const row = await write(context.db, async (trx) => {
    const present = await getEnvironmentRow(trx, environmentId);
    if (present.ssh_private_key !== before.ssh_private_key) throw changedMeanwhile();
    const user = input.sshUser ?? present.ssh_user;
    const change = { ssh_private_key: sealed, ssh_user: user };
    const updated = await storeSsh(context, trx, present, change);
    const details = { sshKey: 'made', fingerprint, sshUser: user, replaced: input.replaces ?? null };
    await recordAudit(trx, actor, auditedEnvironment('update', updated, { details }), context.now());
    return updated;
  });
  return toPublic(row, half, fingerprint);
}

/**
 * Removes the key that was asked about: `asked` is its fingerprint, or empty for none and for one that can't be read. Throws `not_found`,
 * and `conflict` where another one is stored by now.
 */
export async function removeAskedSshKey(
  context: KeyContext,
  actor: Actor,
  environmentId: string,
  asked: string,
): Promise<void> {
  const before = await getEnvironmentRow(context.db, environmentId);
  const present = before.ssh_private_key === null ? '' : await readableFingerprint(context, before);
  if (present !== asked) throw removedMeanwhile();
  await removeSsh(context, actor, environmentId, (row) => {
    if (row.ssh_private_key !== before.ssh_private_key) throw removedMeanwhile();
  });
}

async function readableFingerprint(context: KeyContext, row: EnvironmentRow): Promise<string> {
  try {
    return (await publicOf(context, row)).fingerprint;
  } catch (error) {
    if (isAppError(error, 'invalid', 'secret_unreadable')) return '';
    throw error;
  }
}

function removedMeanwhile(): AppError {
  return new AppError(
    'conflict',
    'The SSH key of this environment was changed meanwhile, so none was removed. Look at it again.',
  );
}

/**
 * The public half of the stored key, made here or pasted. Throws `not_found`, also where no key is stored; what the vault and
 * the SSH client say of one that can't be read.
 */
export async function getPublicSshKey(context: KeyContext, environmentId: string): Promise<PublicSshKey> {
  return publicOf(context, await getEnvironmentRow(context.db, environmentId));
}

async function publicOf(context: KeyContext, row: EnvironmentRow): Promise<PublicSshKey> {
  if (row.ssh_private_key === null) {
    throw new AppError('not_found', 'SSH key not configured for this environment');
  }
  const privateKey = await context.vault.open(row.ssh_private_key, SEALED.sshPrivateKey.identity(row.id));
  const half = await context.sshKeys.publicHalf(privateKey);
  return toPublic(row, half, await fingerprintOf(half));
}

async function refuseAnother(
  context: KeyContext,
  row: EnvironmentRow,
  replaces: string | undefined,
): Promise<void> {
  const { fingerprint } = await publicOf(context, row);
  if (fingerprint === replaces) return;
  if (replaces !== undefined) throw changedMeanwhile();
  throw new AppError(
    'conflict',
    `An SSH key is stored for this environment already (${fingerprint}). A new one takes its place, and its hosts let nobody in until they have the new line. To replace it, name its fingerprint in "replaces".`,
  );
}

function changedMeanwhile(): AppError {
  return new AppError(
    'conflict',
    'The SSH key of this environment was changed meanwhile, so none was made. Look at it again.',
  );
}

function toPublic(row: EnvironmentRow, half: string, fingerprint: string): PublicSshKey {
  const publicKey = `${half} bridgeport-${commentOf(row.name)}`;
  return {
    publicKey,
    authorizedKeysLine: `restrict ${publicKey}`,
    fingerprint,
    username: row.ssh_user,
  };
}

/** What a shell or sshd could read something in stays out: the line is pasted as root. */
function commentOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9._-]+/g, '_');
}
