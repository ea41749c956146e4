import { type Actor, recordAudit } from '../audit/audit.ts';
import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { PasswordContext, SignInContext } from './context.ts';
import { checkOwnPassword, refuseReplacedPassword } from './own-password.ts';
import { refuseGuessable } from './password-rules.ts';
import { hasRole } from './roles.ts';
import { factorOf, takeOff } from './second-factor.ts';
import { endSessionsOf } from './sessions.ts';
import { auditedUser, normaliseEmail, type UserActor } from './users.ts';
import { type LinkedPerson, NO_PASSWORD, takeLinksOff } from './ways-in.ts';

/**
 * Sets a new password and ends every session of that user. One's own present password is asked for whatever the role, so
 * that a session left open or stolen can't take the account; wrong guesses at it are slowed like those of a sign-in. Where
 * somebody else sets it in the place of another, the links to a provider go, too, and are given.
 * Throws `not_found`, `invalid` (no current password, one of the most common ones), `unauthorized` (a wrong one),
 * `rate_limited`.
 */
export async function changePassword(
  context: SignInContext,
  actor: UserActor,
  userId: string,
  input: { readonly newPassword: string; readonly currentPassword?: string | undefined },
): Promise<readonly LinkedPerson[]> {
  const row = await context.db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'User not found');
  const isChecked = actor.userId === userId || !hasRole(actor.role, 'admin');
  if (isChecked) await checkOwnPassword(context, row, input.currentPassword);
  await refuseGuessable(context.passwords, input.newPassword, { email: row.email, field: 'newPassword' });
  const hash = await context.passwords.hash(input.newPassword);
  const entry = auditedUser('update', row, { details: { password: 'changed' } });
  return write(context.db, async (trx) => {
    if (isChecked) await refuseReplacedPassword(trx, row);
    const linksTakenOff = actor.userId === userId ? [] : await loseLinks(trx, actor, row, context.now());
    await storePassword(trx, userId, hash, context.now());
    await recordAudit(trx, actor, entry, context.now());
    return linksTakenOff;
  });
}

export interface ResetPassword {
  /** Shown once. */
  readonly password: string;
  /** The user is still asked for a code after it. */
  readonly hasSecondFactor: boolean;
  readonly linksTakenOff: readonly LinkedPerson[];
}

/** For the command of the image: sets a random password, takes the links to a provider off as above and, where that is wished, the second factor. Throws `not_found`. */
export async function resetPassword(
  context: PasswordContext,
  email: string,
  { isFactorTakenOff = false }: { readonly isFactorTakenOff?: boolean } = {},
): Promise<ResetPassword> {
  const row = await context.db
    .selectFrom('users')
    .select(['id', 'email'])
    .where('email', '=', normaliseEmail(email))
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', `There is no user with the email ${email}.`);
  const password = randomPassword();
  const hash = await context.passwords.hash(password);
  const entry = auditedUser('update', row, { details: { password: 'reset' } });
  const done = await write(context.db, async (trx) => {
    const linksTakenOff = await loseLinks(trx, INSTALLATION, row, context.now());
    await storePassword(trx, row.id, hash, context.now());
    await recordAudit(trx, INSTALLATION, entry, context.now());
    if (isFactorTakenOff) await takeOff(trx, INSTALLATION, row, context.now());
    return { linksTakenOff, hasSecondFactor: (await factorOf(trx, row.id)) !== null };
  });
  return { password, ...done };
}

/** But for an account that had no password: its link is not made by whoever knew one, and goes on beside it. */
async function loseLinks(
  trx: Trx,
  actor: Actor,
  { id }: { readonly id: string },
  now: Date,
): Promise<readonly LinkedPerson[]> {
  const user = await trx.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  return user === undefined || user.password_hash === NO_PASSWORD ? [] : takeLinksOff(trx, actor, user, now);
}

const INSTALLATION: Actor = { userId: null, address: null };

/** Ends the sessions with it. */
async function storePassword(trx: Trx, userId: string, passwordHash: string, now: Date): Promise<void> {
  await trx
    .updateTable('users')
    .set({ password_hash: passwordHash, updated_at: now.toISOString() })
    .where('id', '=', userId)
    .execute();
  await endSessionsOf(trx, userId);
}

/** 20 characters without look-alikes, 100 bits. */
export function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789A';
  const characters = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => alphabet[byte % 32]);
  return characters.join('').replace(/(.{5})(?=.)/g, '$1-');
}
