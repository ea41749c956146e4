import type { SecondFactorRow, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import type { VaultContext } from '../secrets/context.ts';
import { SEALED } from '../secrets/sealed.ts';
import { hashOfRecoveryCode, takeRecoveryCode } from './recovery-codes.ts';
import { isCodeLike, plainCode, stepAt, stepOfCode, timeOf } from './totp.ts';

/** What was shown after the password, before it is known whether it is good. */
export type ShownCode =
  | { readonly factor: 'code'; readonly secret: string; readonly step: number | null; readonly now: Date }
  | { readonly factor: 'recovery code'; readonly hash: string; readonly now: Date };

/** Reads it, outside of the transaction that uses it up. Throws `secret_unreadable`. */
export async function readCode(
  { vault, now }: VaultContext,
  factor: SecondFactorRow,
  text: string,
): Promise<ShownCode> {
  const code = plainCode(text);
  const at = now();
  if (!isCodeLike(code)) return { factor: 'recovery code', hash: await hashOfRecoveryCode(code), now: at };
  const secret = await vault.open(factor.secret, SEALED.secondFactor.identity(factor.id));
  return { factor: 'code', secret: factor.secret, step: stepOfCode(secret, code, at), now: at };
}

/** Uses the code up: each is good once. Throws `WrongCode` where it is none that counts, or counts no longer. */
export async function useCode(trx: Trx, userId: string, shown: ShownCode): Promise<void> {
  if (shown.factor === 'recovery code') {
    if (!(await takeRecoveryCode(trx, userId, shown.hash))) throw new WrongCode(wrong(shown.now));
    return;
  }
  const { secret, step, now } = shown;
  const row = await trx
    .selectFrom('second_factors')
    .select(['secret', 'last_step'])
    .where('id', '=', userId)
    .executeTakeFirst();
  const last = row?.last_step ?? null;
  if (last !== null && last > stepAt(now) + 1) throw new WrongCode(setBack(now));
  if (step === null || row?.secret !== secret) throw new WrongCode(wrong(now));
  if (last !== null && step <= last) throw new WrongCode(USED);
  await trx.updateTable('second_factors').set({ last_step: step }).where('id', '=', userId).execute();
}

/** The password was right, and what was shown after it is not. */
export class WrongCode extends AppError {
  constructor(message: string) {
    super('unauthorized', message, { details: { field: 'totp' } });
    this.name = 'WrongCode';
  }
}

const USED = 'This code has been used already, or a later one has. Wait for the next one.';

/** Says what time it is here, and never which time a code is of: whoever guesses would learn of one that is good soon. */
function wrong(now: Date): string {
  return `The code is wrong, or of another time. Here it is ${timeOf(now)}: compare that with the clock of your device. A recovery code does too.`;
}

function setBack(now: Date): string {
  return (
    `No code is taken now: one of a later time was used already, so the clock of this installation, which says ${timeOf(now)}, ` +
    'was set back. Sign in with a recovery code, or have the clock set right.'
  );
}
