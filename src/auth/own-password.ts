import type { Trx, UserRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import type { SignInContext } from './context.ts';
import { bucketOf, countFailure, paused, pauseOf } from './guesses.ts';
import { NO_PASSWORD } from './ways-in.ts';

/**
 * Asks for one's own present password, so that a session left open or stolen can't take the account; wrong guesses at it are
 * slowed like those of a sign-in. Throws `conflict` where the account has none, `invalid` without one, `unauthorized` for a wrong
 * one, `rate_limited`.
 */
export async function checkOwnPassword(
  context: SignInContext,
  { id, password_hash: hash }: Pick<UserRow, 'id' | 'password_hash'>,
  password: string | undefined,
): Promise<void> {
  if (hash === NO_PASSWORD) throw new AppError('conflict', NONE);
  if (!password) {
    const field = 'currentPassword';
    throw new AppError('invalid', 'Current password is required', { details: { field } });
  }
  const bucket = await bucketOf(context, `password of ${id}`);
  const before = await pauseOf(context.db, bucket, context.now());
  if (before > 0) throw paused(before);
  const isRight = await context.passwords.verify(password, hash);
  const pause = await write(context.db, (trx) =>
    isRight ? pauseOf(trx, bucket, context.now()) : countFailure(trx, bucket, context.now()),
  );
  if (pause > 0) throw paused(pause);
  if (!isRight) throw incorrect();
}

/**
 * In the write that it was checked for: throws `unauthorized` where the account has another password by now. Whoever was shut out by
 * that, while the old one was looked at, changes nothing any more.
 */
export async function refuseReplacedPassword(
  trx: Trx,
  { id, password_hash: checked }: Pick<UserRow, 'id' | 'password_hash'>,
): Promise<void> {
  const row = await trx.selectFrom('users').select('password_hash').where('id', '=', id).executeTakeFirst();
  if (row?.password_hash !== checked) throw incorrect();
}

const incorrect = () => new AppError('unauthorized', 'Current password is incorrect');

const NONE =
  'This account has no password: it signs in by single sign-on, and what protects that is set up at its provider. An admin can give it a password under Users.';
