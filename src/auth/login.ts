import type { Trx, UserRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import type { SignInContext } from './context.ts';
import {
  bucketOf,
  type ChargedGuess,
  chargeGuess,
  countFailure,
  giveBackGuess,
  paused,
  pauseOf,
} from './guesses.ts';
import { knownPlace, type Origin, rememberPlaces } from './known-places.ts';
import { factorOf } from './second-factor.ts';
import { type SessionKind, type StartedSession, startSession } from './sessions.ts';
import { readCode, type ShownCode, useCode, WrongCode } from './sign-in-code.ts';
import { auditSignIn, logSignIn, type SignInAttempt, type SignInOutcome } from './sign-in-record.ts';
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
  const password = await bucketAt(context, attempt, `sign-in ${email}`);
  const pause = await pauseOf(context.db, password, context.now());
  if (pause > 0) throw await refuse(context, attempt, paused(pause));
  const isRight = await context.passwords.verify(input.password, row?.password_hash ?? null);
  if (row === undefined || !isRight) {
    throw await fail(context, attempt, password, new AppError('unauthorized', 'Invalid credentials'));
  }
  const factor = await factorOf(context.db, row.id);
  if (factor === null) return signIn(context, row, attempt, { password, code: null });
  if (code === undefined) throw await askForCode(context, row, attempt, password);
  return signInByCode(context, row, { ...input, code }, password);
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
  return signInByCode(context, row, input, null);
}

async function signInByCode(
  context: SignInContext,
  row: UserRow,
  { kind, from, code }: Door & { readonly code: string },
  password: number | null,
): Promise<SignedIn> {
  const factor = await factorOf(context.db, row.id);
  if (factor === null) throw new AppError('unauthorized', 'Invalid credentials');
  const user = { id: row.id, email: row.email };
  const attempt: SignInAttempt = { user, kind, from, factor: 'code' };
  const bucket = await bucketAt(context, attempt, `second factor of ${row.id}`);
  const pause = await pauseOf(context.db, bucket, context.now());
  if (pause > 0) throw await refuse(context, attempt, paused(pause, 'code'));
  const shown = await readCode(context, factor, code);
  const guess = await charge(context, attempt, bucket);
  try {
    return await signIn(
      context,
      row,
      { ...attempt, factor: shown.factor },
      { password, code: { shown, guess } },
    );
  } catch (error) {
    if (error instanceof WrongCode) await note(context, attempt, 'sign_in_failed');
    throw error;
  }
}

/** Before the code is looked at: a right one among many made at once gets no answer sooner than wrong ones. */
async function charge(context: SignInContext, attempt: SignInAttempt, bucket: number): Promise<ChargedGuess> {
  try {
    return await chargeGuess(context.db, bucket, 'code', context.now());
  } catch (error) {
    if (isAppError(error, 'rate_limited')) await note(context, attempt, 'sign_in_refused');
    throw error;
  }
}

/** The bucket that wrong guesses at something are counted in, for each known place by themselves. */
async function bucketAt(
  context: SignInContext,
  { user, from }: SignInAttempt,
  name: string,
): Promise<number> {
  const place = await knownPlace(context.db, user?.id ?? '', from, context.now());
  return bucketOf(context, place === null ? name : `${name} ${place}`);
}

/** What was shown, and where it is counted. */
interface Shown {
  /** The bucket of a password that was checked just now; null where it was at the first page. */
  readonly password: number | null;
  /** Null without a second factor. */
  readonly code: { readonly shown: ShownCode; readonly guess: ChargedGuess } | null;
}

async function signIn(
  context: SignInContext,
  row: UserRow,
  attempt: SignInAttempt,
  { password, code }: Shown,
): Promise<SignedIn> {
  const { kind, from } = attempt;
  const user = toUser(row);
  try {
    const session = await startSession(context, user, kind, {
      checkedHash: row.password_hash,
      from,
      async also(trx, now) {
        // Given back first: where both share a bucket, what was counted for the code is no pause for the password.
        if (code !== null) await giveBackGuess(trx, code.guess);
        if (password !== null) await refusePaused(trx, password, now);
        if (code === null) await refuseNewFactor(trx, user.id);
        else await useCode(trx, user.id, code.shown);
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

/** One of many passwords tried at once: it gets no answer either where it is right. */
async function refusePaused(trx: Trx, bucket: number, now: Date): Promise<void> {
  const pause = await pauseOf(trx, bucket, now);
  if (pause > 0) throw paused(pause);
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
  bucket: number,
): Promise<AppError> {
  const needed = new SecondFactorNeeded({
    userId: row.id,
    passwordDigest: await digestOf(row.password_hash),
  });
  return unlessPaused(context, attempt, {
    ...{ outcome: 'sign_in_halfway', why: needed },
    pauseIn: (trx, now) => pauseOf(trx, bucket, now),
  });
}

async function fail(
  context: SignInContext,
  attempt: SignInAttempt,
  bucket: number,
  why: AppError,
): Promise<AppError> {
  return unlessPaused(context, attempt, {
    ...{ outcome: 'sign_in_failed', why },
    pauseIn: (trx, now) => countFailure(trx, bucket, now),
  });
}

interface Answer {
  readonly outcome: SignInOutcome;
  readonly why: AppError;
  /** Seconds of a pause that another guess has begun meanwhile, 0 for none. */
  readonly pauseIn: (trx: Trx, now: Date) => Promise<number>;
}

/** What came of it, noted in one write with the look at the pause; in a pause, that. */
async function unlessPaused(
  context: SignInContext,
  attempt: SignInAttempt,
  { outcome, why, pauseIn }: Answer,
): Promise<AppError> {
  const now = context.now();
  const pause = await write(context.db, async (trx) => {
    const seconds = await pauseIn(trx, now);
    if (seconds === 0) await auditSignIn(trx, attempt, outcome, now);
    return seconds;
  });
  if (pause > 0) return refuse(context, attempt, paused(pause));
  logSignIn(context, attempt, outcome);
  return why;
}

async function refuse(context: SignInContext, attempt: SignInAttempt, why: AppError): Promise<AppError> {
  await note(context, attempt, 'sign_in_refused');
  return why;
}

async function note(context: SignInContext, attempt: SignInAttempt, outcome: SignInOutcome): Promise<void> {
  await write(context.db, (trx) => auditSignIn(trx, attempt, outcome, context.now()));
  logSignIn(context, attempt, outcome);
}

async function digestOf(passwordHash: string): Promise<string> {
  const bytes = new TextEncoder().encode(`halfway:${passwordHash}`);
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
