import { recordAudit } from '../audit/audit.ts';
import type { UserRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { PasswordContext, SignInContext } from './context.ts';
import { bucketOf, countFailure, paused, pauseOf } from './guesses.ts';
import { refuseCommon } from './password-rules.ts';
import { hasRole } from './roles.ts';
import { endSessionsOf } from './sessions.ts';
import { auditedUser, normaliseEmail, type UserActor } from './users.ts';

/**
 * Sets a new password and ends every session of that user. One's own present password is asked for whatever the role, so
 * that a session left open or stolen can't take the account; wrong guesses at it are slowed like those of a sign-in.
 * Throws `not_found`, `invalid` (no current password, one of the most common ones), `unauthorized` (a wrong one),
 * `rate_limited`.
 */
export async function changePassword(
  context: SignInContext,
  actor: UserActor,
  userId: string,
  input: { readonly newPassword: string; readonly currentPassword?: string | undefined },
): Promise<void> {
  const row = await context.db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'User not found');
  if (actor.userId === userId || !hasRole(actor.role, 'admin')) {
    if (!input.currentPassword) throw new AppError('invalid', 'Current password is required');
    await checkCurrent(context, row, input.currentPassword);
  }
  await refuseCommon(context.passwords, input.newPassword, 'newPassword');
  await storePassword(context, userId, input.newPassword);
  const entry = auditedUser('update', row, { details: { password: 'changed' } });
  await write(context.db, (trx) => recordAudit(trx, actor, entry, context.now()));
}

async function checkCurrent(context: SignInContext, row: UserRow, password: string): Promise<void> {
  const bucket = await bucketOf(context, `password of ${row.id}`);
  const before = await pauseOf(context.db, bucket, context.now());
  if (before > 0) throw paused(before);
  const isRight = await context.passwords.verify(password, row.password_hash);
  const pause = await write(context.db, (trx) =>
    isRight ? pauseOf(trx, bucket, context.now()) : countFailure(trx, bucket, context.now()),
  );
  if (pause > 0) throw paused(pause);
  if (!isRight) throw new AppError('unauthorized', 'Current password is incorrect');
}

/** For the command of the image: sets a random password and gives it once. Throws `not_found`. */
export async function resetPassword(context: PasswordContext, email: string): Promise<string> {
  const row = await context.db
    .selectFrom('users')
    .select(['id', 'email'])
    .where('email', '=', normaliseEmail(email))
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', `There is no user with the email ${email}.`);
  const password = randomPassword();
  await storePassword(context, row.id, password);
  const entry = auditedUser('update', row, { details: { password: 'reset' } });
  await write(context.db, (trx) => recordAudit(trx, { userId: null, address: null }, entry, context.now()));
  return password;
}

async function storePassword(context: PasswordContext, userId: string, password: string): Promise<void> {
  const passwordHash = await context.passwords.hash(password);
  await write(context.db, async (trx) => {
    await trx
      .updateTable('users')
      .set({ password_hash: passwordHash, updated_at: context.now().toISOString() })
      .where('id', '=', userId)
      .execute();
    await endSessionsOf(trx, userId);
  });
}

/** 20 characters without look-alikes, 100 bits. */
export function randomPassword(): string {
  const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789A';
  const characters = Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => alphabet[byte % 32]);
  return characters.join('').replace(/(.{5})(?=.)/g, '$1-');
}
