import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import type { SignInContext } from './context.ts';
import { bucketOf, countFailure, paused, pauseOf } from './guesses.ts';
import { knownPlace, type Origin, rememberPlaces } from './known-places.ts';
import { type SessionKind, type StartedSession, startSession } from './sessions.ts';
import { auditSignIn, logSignIn, type SignInAttempt } from './sign-in-record.ts';
import { normaliseEmail, toUser, type User } from './users.ts';

export interface SignedIn extends StartedSession {
  readonly user: User;
}

/**
 * Throws `unauthorized`, with the same words and after the same time for an unknown user and a wrong password; or
 * `rate_limited` after too many of them at that name, over all addresses. Where the account has signed in before, guesses
 * made there count for themselves: nobody is locked out by what others do.
 */
export async function login(
  context: SignInContext,
  input: {
    readonly email: string;
    readonly password: string;
    readonly kind: SessionKind;
    readonly from: Origin;
  },
): Promise<SignedIn> {
  const { kind, from } = input;
  const email = normaliseEmail(input.email);
  const row = await context.db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirst();
  const attempt: SignInAttempt = {
    user: row === undefined ? null : { id: row.id, email: row.email },
    kind,
    from,
  };
  const place = await knownPlace(context.db, row?.id ?? '', from, context.now());
  const bucket = await bucketOf(context, place === null ? `sign-in ${email}` : `sign-in ${email} ${place}`);
  const pause = await pauseOf(context.db, bucket, context.now());
  if (pause > 0) throw await refuse(context, attempt, pause);
  const isRight = await context.passwords.verify(input.password, row?.password_hash ?? null);
  if (row === undefined || !isRight) throw await fail(context, attempt, bucket);
  return signIn(context, toUser(row), attempt, { bucket, checkedHash: row.password_hash });
}

async function signIn(
  context: SignInContext,
  user: User,
  attempt: SignInAttempt,
  checked: { readonly bucket: number; readonly checkedHash: string },
): Promise<SignedIn> {
  const { kind, from } = attempt;
  try {
    const session = await startSession(context, user, kind, {
      checkedHash: checked.checkedHash,
      async also(trx, now) {
        // One of many guesses made at once: it gets no answer either where it is right.
        const pause = await pauseOf(trx, checked.bucket, now);
        if (pause > 0) throw paused(pause);
        await rememberPlaces(trx, user.id, from, now);
        await auditSignIn(trx, attempt, 'sign_in', now);
      },
    });
    logSignIn(context, attempt, 'sign_in');
    return { user, ...session };
  } catch (error) {
    if (!isAppError(error, 'rate_limited')) throw error;
    throw await refuse(context, attempt, Number(error.details.retryAfterSeconds));
  }
}

async function fail(context: SignInContext, attempt: SignInAttempt, bucket: number): Promise<AppError> {
  const now = context.now();
  const pause = await write(context.db, async (trx) => {
    const seconds = await countFailure(trx, bucket, now);
    if (seconds === 0) await auditSignIn(trx, attempt, 'sign_in_failed', now);
    return seconds;
  });
  if (pause > 0) return refuse(context, attempt, pause);
  logSignIn(context, attempt, 'sign_in_failed');
  return new AppError('unauthorized', 'Invalid credentials');
}

async function refuse(context: SignInContext, attempt: SignInAttempt, pause: number): Promise<AppError> {
  await write(context.db, (trx) => auditSignIn(trx, attempt, 'sign_in_refused', context.now()));
  logSignIn(context, attempt, 'sign_in_refused');
  return paused(pause);
}
