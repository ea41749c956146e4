import { recordAudit } from '../audit/audit.ts';
import type { Db, SecondFactorRow, Trx, UserRow } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { SEALED } from '../secrets/sealed.ts';
import type { SignInContext } from './context.ts';
import { bucketOf, chargeGuess, giveBackGuess } from './guesses.ts';
import { checkOwnPassword, refuseReplacedPassword } from './own-password.ts';
import { newRecoveryCodes, storeRecoveryCodes } from './recovery-codes.ts';
import { hasRole } from './roles.ts';
import { factorOf, ownerOf, takeOff } from './second-factor.ts';
import { endSessionsOf } from './sessions.ts';
import { newTotpSecret, plainCode, stepAt, stepOfCode, timeOf, totpUri } from './totp.ts';
import { auditedUser, type UserActor } from './users.ts';

/** Of an account one's own: an admin's rights lead no further than taking it off. */
interface Own {
  readonly userId: string;
  readonly currentPassword?: string | undefined;
}

/** To be shown once. */
export interface BegunFactor {
  /** Base32. */
  readonly secret: string;
  /** The same for an app that reads QR codes, `otpauth://totp/…`. */
  readonly uri: string;
}

/**
 * Makes a secret, which counts from when it is confirmed by a code of it; one that was begun before is forgotten. Throws
 * `forbidden` for somebody else's account, `conflict` where one is active, and as `checkOwnPassword` does.
 */
export async function beginSecondFactor(
  context: SignInContext,
  actor: UserActor,
  own: Own,
): Promise<BegunFactor> {
  const user = await ownAccount(context, actor, own);
  const secret = newTotpSecret();
  const sealed = await context.vault.seal(secret, SEALED.secondFactor.identity(user.id));
  await write(context.db, async (trx) => {
    await refuseReplacedPassword(trx, user);
    await refuseActive(trx, user.id);
    const at = context.now();
    const values = { secret: sealed, confirmed_at: null, last_step: null, created_at: at.toISOString() };
    await trx
      .insertInto('second_factors')
      .values({ id: user.id, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute();
    await note(trx, actor, user, 'begun', at);
  });
  return { secret, uri: totpUri(secret, { issuer: issuerOf(context), account: user.email }) };
}

/**
 * Makes the secret that was begun count, by a code of it, and gives the recovery codes, to be shown once. Every other session of
 * the account ends: it began without. Throws `invalid` of the field `code` for a wrong one, with what the clocks have to do with
 * it; `rate_limited` after too many of them; `conflict` where nothing was begun in the last quarter of an hour, or one is active.
 */
export async function confirmSecondFactor(
  context: SignInContext,
  actor: UserActor,
  { userId, code, sessionId }: { readonly userId: string; readonly code: string; readonly sessionId: string },
): Promise<readonly string[]> {
  refuseOthers(actor, userId);
  const user = await ownerOf(context.db, userId);
  const now = context.now();
  const begun = await begunFactor(context.db, userId, now);
  const secret = await context.vault.open(begun.secret, SEALED.secondFactor.identity(userId));
  const bucket = await bucketOf(context, `begun factor of ${userId}`);
  const guess = await chargeGuess(context.db, bucket, 'code', now);
  const step = stepOfCode(secret, plainCode(code), now);
  if (step === null) throw wrongCode(secret, plainCode(code), now);
  const { codes, hashes } = await newRecoveryCodes();
  await write(context.db, async (trx) => {
    await refuseActive(trx, userId);
    const { numUpdatedRows } = await trx
      .updateTable('second_factors')
      .set({ confirmed_at: now.toISOString(), last_step: step })
      .where('id', '=', userId)
      .where('secret', '=', begun.secret)
      .executeTakeFirst();
    if (numUpdatedRows === 0n) {
      throw new AppError('conflict', 'Another secret was begun meanwhile: nothing has changed. Begin again.');
    }
    await giveBackGuess(trx, guess);
    await storeRecoveryCodes(trx, userId, hashes);
    await endSessionsOf(trx, userId, { but: sessionId });
    await note(trx, actor, user, 'set up', now);
  });
  return codes;
}

/** Throws `conflict` where nothing was begun, too long ago, or one is active. */
async function begunFactor(db: Db, userId: string, now: Date): Promise<SecondFactorRow> {
  const row = await db.selectFrom('second_factors').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined)
    throw new AppError('conflict', 'No second factor was begun. Begin with the password.');
  if (row.confirmed_at !== null) throw new AppError('conflict', ACTIVE);
  const ageMs = now.getTime() - Date.parse(row.created_at);
  // A little in the time to come by another's clock; far in it, the clock was set back since.
  if (Math.abs(ageMs) < BEGUN_FOR_MS) return row;
  throw new AppError(
    'conflict',
    'The second factor was begun more than a quarter of an hour ago, and its secret counts no longer. Begin again with the password, and scan the new one.',
  );
}

/** Ten new recovery codes in the place of those that are left. Throws `conflict` where no second factor is active. */
export async function renewRecoveryCodes(
  context: SignInContext,
  actor: UserActor,
  own: Own,
): Promise<readonly string[]> {
  const user = await ownAccount(context, actor, own);
  const { codes, hashes } = await newRecoveryCodes();
  await write(context.db, async (trx) => {
    await refuseReplacedPassword(trx, user);
    if ((await factorOf(trx, user.id)) === null) throw new AppError('conflict', NONE);
    await storeRecoveryCodes(trx, user.id, hashes);
    await note(trx, actor, user, 'new recovery codes', context.now());
  });
  return codes;
}

/**
 * Takes the second factor off one's own account, with its password; or, for an admin, off another, whose sessions end. Throws
 * `conflict` where there is none, `not_found`, `forbidden`, and as `checkOwnPassword` does.
 */
export async function removeSecondFactor(
  context: SignInContext,
  actor: UserActor,
  { userId, currentPassword }: Own,
): Promise<void> {
  const isOwn = actor.userId === userId;
  if (!isOwn && !hasRole(actor.role, 'admin')) refuseOthers(actor, userId);
  const user = await ownerOf(context.db, userId);
  if (isOwn) await checkOwnPassword(context, user, currentPassword);
  await write(context.db, async (trx) => {
    if (isOwn) await refuseReplacedPassword(trx, user);
    if (!(await takeOff(trx, actor, user, context.now()))) throw new AppError('conflict', NONE);
    if (!isOwn) await endSessionsOf(trx, userId);
  });
}

const NONE = 'This account has no second factor.';
const ACTIVE = 'This account has a second factor already. Turn it off first.';
/** For an app to be installed, and a code of it to be typed. */
const BEGUN_FOR_MS = 15 * 60_000;

async function ownAccount(context: SignInContext, actor: UserActor, own: Own): Promise<UserRow> {
  refuseOthers(actor, own.userId);
  const user = await ownerOf(context.db, own.userId);
  await checkOwnPassword(context, user, own.currentPassword);
  return user;
}

function refuseOthers(actor: UserActor, userId: string): void {
  if (actor.userId === userId) return;
  throw new AppError('forbidden', 'Only its owner can set up the second factor of an account.');
}

async function refuseActive(trx: Trx, userId: string): Promise<void> {
  if ((await factorOf(trx, userId)) === null) return;
  throw new AppError('conflict', ACTIVE);
}

async function note(
  trx: Trx,
  actor: UserActor,
  user: UserRow,
  secondFactor: string,
  now: Date,
): Promise<void> {
  await recordAudit(trx, actor, auditedUser('update', user, { details: { secondFactor } }), now);
}

/** Where the installation is found, so that two of them are two entries in the app. */
function issuerOf({ config }: SignInContext): string {
  const host = config.publicUrl === null ? '' : ` (${new URL(config.publicUrl).hostname})`;
  return `BRIDGEPORT Storage${host}`;
}

/** Five minutes: what is further away is a typing error rather than a clock. */
const FAR_STEPS = 10;

/** Whoever confirms has the secret before them: nothing is given away by telling which time a code is of. */
function wrongCode(secret: string, code: string, now: Date): AppError {
  const step = stepOfCode(secret, code, now, FAR_STEPS);
  const seconds = step === null ? 0 : (step - stepAt(now)) * 30;
  const clocks =
    step === null
      ? `Here it is ${timeOf(now)}: compare that with the clock of your device.`
      : `It is the code of ${Math.abs(seconds)} seconds ${seconds > 0 ? 'later' : 'ago'}: here it is ${timeOf(now)}. Set the clock of your device, or of this installation.`;
  return new AppError('invalid', `This is not the present code. ${clocks}`, { details: { field: 'code' } });
}
