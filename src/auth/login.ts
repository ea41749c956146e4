import type { Trx, UserRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import type { SignInContext } from './context.ts';
import { bucketOf, countFailure, type Guessed, paused, pauseOf } from './guesses.ts';
import { knownPlace, type Origin, rememberPlaces } from './known-places.ts';
import { factorOf } from './second-factor.ts';
import { type SessionKind, type StartedSession, startSession } from './sessions.ts';
import { readCode, type ShownCode, useCode, WrongCode } from './sign-in-code.ts';
import { auditSignIn, logSignIn, type SignInAttempt } from './sign-in-record.ts';
import { normaliseEmail, toUser, type User } from './users.ts';

export interface SignedIn extends StartedSession {
  readonly user: User;
}

interface Door {
  readonly kind: SessionKind;
  readonly from: Origin;
}

/**
 * Throws `unauthorized`, with the same words and after the same time for an unknown user and a wrong password; or
 * `rate_limited` after too many of them at that name, over all addresses. Where the account has signed in before, guesses
 * made there count for themselves: nobody is locked out by what others do. With the right password of an account that has a
 * second factor it throws `SecondFactorNeeded` where no `code` is shown, and `WrongCode`; wrong codes are counted as wrong
 * passwords are, by themselves.
 */
export async function login(
  context: SignInContext,
  input: Door & { readonly email: string; readonly password: string; readonly code?: string | undefined },
): Promise<SignedIn> {
  const { kind, from, code } = input;
  const email = normaliseEmail(input.email);
  const row = await context.db.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirst();
  const user = row === undefined ? null : { id: row.id, email: row.email };
  const attempt: SignInAttempt = { user, kind, from, factor: 'password' };
  const password = await guessOf(context, attempt, 'password', `sign-in ${email}`);
  const pause = await pauseOf(context.db, password.bucket, context.now());
  if (pause > 0) throw await refuse(context, attempt, paused(pause));
  const isRight = await context.passwords.verify(input.password, row?.password_hash ?? null);
  if (row === undefined || !isRight) {
    throw await fail(context, attempt, password, new AppError('unauthorized', 'Invalid credentials'));
  }
  const factor = await factorOf(context.db, row.id);
  if (factor === null) return signIn(context, row, attempt, { guesses: [password], shown: null });
  if (code === undefined) throw await askForCode(context, row, attempt, password);
  return signInByCode(context, row, { ...input, code }, [password]);
}

/** Whose password was right, until a code is shown: for the second page of a sign-in. */
export interface Halfway {
  readonly userId: string;
  /** Of the password that was checked: with another one, one begins anew. */
  readonly passwordDigest: string;
}

export class SecondFactorNeeded extends AppError {
  readonly halfway: Halfway;
  constructor(halfway: Halfway) {
    super(
      'second_factor_required',
      'This account has a second factor. Send the code of its authenticator app, or a recovery code, as `totp` beside the password.',
      { details: { field: 'totp' } },
    );
    this.name = 'SecondFactorNeeded';
    this.halfway = halfway;
  }
}

/** The second half of a sign-in whose first was answered with `SecondFactorNeeded`. Throws `unauthorized` where that no longer counts. */
export async function loginByCode(
  context: SignInContext,
  input: Door & { readonly halfway: Halfway; readonly code: string },
): Promise<SignedIn> {
  const { userId, passwordDigest } = input.halfway;
  const row = await context.db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined || (await digestOf(row.password_hash)) !== passwordDigest) {
    throw new AppError('unauthorized', 'Invalid credentials');
  }
  return signInByCode(context, row, input, []);
}

async function signInByCode(
  context: SignInContext,
  row: UserRow,
  { kind, from, code }: Door & { readonly code: string },
  before: readonly Guess[],
): Promise<SignedIn> {
  const factor = await factorOf(context.db, row.id);
  if (factor === null) throw new AppError('unauthorized', 'Invalid credentials');
  const user = { id: row.id, email: row.email };
  const attempt: SignInAttempt = { user, kind, from, factor: 'code' };
  const guess = await guessOf(context, attempt, 'code', `second factor of ${row.id}`);
  const pause = await pauseOf(context.db, guess.bucket, context.now());
  if (pause > 0) throw await refuse(context, attempt, paused(pause, 'code'));
  const shown = await readCode(context, factor, code);
  const guesses = [...before, guess];
  try {
    return await signIn(context, row, { ...attempt, factor: shown.factor }, { guesses, shown });
  } catch (error) {
    if (!(error instanceof WrongCode)) throw error;
    throw await fail(context, attempt, guess, error);
  }
}

/** What wrong guesses at something are counted in. */
interface Guess {
  readonly bucket: number;
  readonly at: Guessed;
}

async function guessOf(
  context: SignInContext,
  { user, from }: SignInAttempt,
  at: Guessed,
  name: string,
): Promise<Guess> {
  const place = await knownPlace(context.db, user?.id ?? '', from, context.now());
  return { at, bucket: await bucketOf(context, place === null ? name : `${name} ${place}`) };
}

async function signIn(
  context: SignInContext,
  row: UserRow,
  attempt: SignInAttempt,
  { guesses, shown }: { readonly guesses: readonly Guess[]; readonly shown: ShownCode | null },
): Promise<SignedIn> {
  const { kind, from } = attempt;
  const user = toUser(row);
  try {
    const session = await startSession(context, user, kind, {
      checkedHash: row.password_hash,
      async also(trx, now) {
        await refusePaused(trx, guesses, now);
        if (shown !== null) await useCode(trx, user.id, shown);
        else await refuseNewFactor(trx, user.id);
        await rememberPlaces(trx, user.id, from, now);
        await auditSignIn(trx, attempt, 'sign_in', now);
      },
    });
    logSignIn(context, attempt, 'sign_in');
    return { user, ...session };
  } catch (error) {
    if (!isAppError(error, 'rate_limited')) throw error;
    throw await refuse(context, attempt, error);
  }
}

/** One of many guesses made at once: it gets no answer either where it is right. */
async function refusePaused(trx: Trx, guesses: readonly Guess[], now: Date): Promise<void> {
  for (const { bucket, at } of guesses) {
    const pause = await pauseOf(trx, bucket, now);
    if (pause > 0) throw paused(pause, at);
  }
}

/** One that was set up while the password was being checked. */
async function refuseNewFactor(trx: Trx, userId: string): Promise<void> {
  if ((await factorOf(trx, userId)) !== null) throw new AppError('unauthorized', 'Invalid credentials');
}

/** Only to whom no pause keeps from it: this answer tells that the password was right. */
async function askForCode(
  context: SignInContext,
  row: UserRow,
  attempt: SignInAttempt,
  guess: Guess,
): Promise<AppError> {
  const pause = await write(context.db, (trx) => pauseOf(trx, guess.bucket, context.now()));
  if (pause > 0) return refuse(context, attempt, paused(pause));
  return new SecondFactorNeeded({ userId: row.id, passwordDigest: await digestOf(row.password_hash) });
}

async function fail(
  context: SignInContext,
  attempt: SignInAttempt,
  { bucket, at }: Guess,
  why: AppError,
): Promise<AppError> {
  const now = context.now();
  const pause = await write(context.db, async (trx) => {
    const seconds = await countFailure(trx, bucket, now);
    if (seconds === 0) await auditSignIn(trx, attempt, 'sign_in_failed', now);
    return seconds;
  });
  if (pause > 0) return refuse(context, attempt, paused(pause, at));
  logSignIn(context, attempt, 'sign_in_failed');
  return why;
}

async function refuse(context: SignInContext, attempt: SignInAttempt, why: AppError): Promise<AppError> {
  await write(context.db, (trx) => auditSignIn(trx, attempt, 'sign_in_refused', context.now()));
  logSignIn(context, attempt, 'sign_in_refused');
  return why;
}

async function digestOf(passwordHash: string): Promise<string> {
  const bytes = new TextEncoder().encode(`halfway:${passwordHash}`);
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
