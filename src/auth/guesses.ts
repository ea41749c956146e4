import type { Db, SignInFailureRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { hmac } from '../secrets/hmac.ts';
import type { SessionContext } from './context.ts';
import { sessionSecret } from './session-secret.ts';

/** So many failures cost no time: people mistype. */
const FREE = 5;
/** 5 at once, 6 in the first two minutes, then one each 45 s: 89 in an hour, whatever the number of addresses. */
const LONGEST_PAUSE_S = 45;
const FORGOTTEN_AFTER_MS = 3_600_000;
/** Rows that there are at most, however many names are tried. Two accounts in one bucket share its pauses. */
const BUCKETS = 16_384;

/** Seconds that the next guess waits for after so many failures without an hour of rest between two of them. */
export function pauseAfter(failures: number): number {
  return failures < FREE ? 0 : Math.min(2 ** (failures - FREE), LONGEST_PAUSE_S);
}

/**
 * The bucket that guesses at this name are counted in. Accounts that exist and names that nobody has get theirs alike,
 * by a keyed hash: nobody can tell one from the other by its pauses, or choose a name that shares a bucket.
 */
export async function bucketOf(context: SessionContext, name: string): Promise<number> {
  const bytes = new TextEncoder();
  const secret = bytes.encode(await sessionSecret(context));
  const { buffer } = await hmac(secret, bytes.encode(`guesses:${name}`));
  return new DataView(buffer).getUint32(0) % BUCKETS;
}

/** Whole seconds until the next guess may be made, 0 for now. */
export async function pauseOf(db: Db, bucket: number, now: Date): Promise<number> {
  const row = await db
    .selectFrom('sign_in_failures')
    .select('paused_until')
    .where('bucket', '=', bucket)
    .executeTakeFirst();
  const seconds = Math.ceil((Date.parse(row?.paused_until ?? '') - now.getTime()) / 1000);
  // More than the longest: the clock was set back since.
  return seconds > 0 && seconds <= LONGEST_PAUSE_S ? seconds : 0;
}

/**
 * Counts a wrong guess and gives 0. Or gives the seconds of a pause that began while it was being checked: then it does
 * not count, and whoever made it must not learn that it was wrong. So no number of guesses made at once gets more answers
 * than as many in a row.
 */
export async function countFailure(trx: Trx, bucket: number, now: Date): Promise<number> {
  const counted = await count(trx, bucket, now);
  return typeof counted === 'number' ? counted : 0;
}

/** A guess that counts as wrong until it turns out right. */
export interface ChargedGuess {
  readonly bucket: number;
  /** As the bucket was; null for an empty one. */
  readonly before: Counted | null;
  readonly after: Counted;
}

/**
 * Counts a guess before it is looked at, in a write of its own: of those made at once, which all wait for that row, as few are
 * looked at as of those in a row, whichever of them is right. Throws `rate_limited` in a pause. One that is never answered
 * stays counted.
 */
export async function chargeGuess(db: Db, bucket: number, at: Guessed, now: Date): Promise<ChargedGuess> {
  const counted = await write(db, (trx) => count(trx, bucket, now));
  if (typeof counted === 'number') throw paused(counted, at);
  return counted;
}

/** The guess was right: it counts no longer. Others that were let in after it stay counted. */
export async function giveBackGuess(trx: Trx, { bucket, before, after }: ChargedGuess): Promise<void> {
  const row = await countedIn(trx, bucket);
  if (row === null) return;
  const isLatest = row.failures === after.failures && row.paused_until === after.paused_until;
  const failures = row.failures - 1;
  if (failures === 0) {
    await trx.deleteFrom('sign_in_failures').where('bucket', '=', bucket).execute();
    return;
  }
  const values = isLatest && before !== null ? before : { ...row, failures, ...pausedFrom(row, failures) };
  await trx.updateTable('sign_in_failures').set(values).where('bucket', '=', bucket).execute();
}

type Counted = Pick<SignInFailureRow, 'failures' | 'last_at' | 'paused_until'>;

async function countedIn(db: Db, bucket: number): Promise<Counted | null> {
  const row = await db
    .selectFrom('sign_in_failures')
    .select(['failures', 'last_at', 'paused_until'])
    .where('bucket', '=', bucket)
    .executeTakeFirst();
  return row ?? null;
}

/** Seconds of a pause, in which it does not count. */
async function count(trx: Trx, bucket: number, now: Date): Promise<ChargedGuess | number> {
  const pause = await pauseOf(trx, bucket, now);
  if (pause > 0) return pause;
  const before = await countedIn(trx, bucket);
  const isFresh = before !== null && now.getTime() - Date.parse(before.last_at) < FORGOTTEN_AFTER_MS;
  const failures = isFresh ? before.failures + 1 : 1;
  const last = { last_at: now.toISOString() };
  const after = { failures, ...last, ...pausedFrom(last, failures) };
  await trx
    .insertInto('sign_in_failures')
    .values({ bucket, ...after })
    .onConflict((conflict) => conflict.column('bucket').doUpdateSet(after))
    .execute();
  return { bucket, before, after };
}

function pausedFrom({ last_at: at }: Pick<Counted, 'last_at'>, failures: number) {
  return { paused_until: new Date(Date.parse(at) + pauseAfter(failures) * 1000).toISOString() };
}

/** What is guessed at. */
export type Guessed = 'password' | 'code';

/** Says nothing of whether there is such an account, or whether this guess was right. */
export function paused(seconds: number, at: Guessed = 'password'): AppError {
  const unit = seconds === 1 ? 'second' : 'seconds';
  return new AppError(
    'rate_limited',
    `Too many wrong ${at}s for this account. Try again in ${seconds} ${unit}.`,
    { details: { retryAfterSeconds: seconds } },
  );
}
