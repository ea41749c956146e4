import type { Trx } from '../db/schema.ts';
import { OidcFailure } from './failure.ts';
import { TRANSACTION_MS } from './transaction.ts';

/** Uses a sign-in up that was begun: its answer counts once, whoever has it. False where it was used before. */
export async function takeState(trx: Trx, stateHash: string, now: Date): Promise<boolean> {
  await trx.deleteFrom('oidc_used_states').where('expires_at', '<=', now.toISOString()).execute();
  // Twice the time that one lasts, for a clock that is set back a little.
  const expires_at = new Date(now.getTime() + 2 * TRANSACTION_MS).toISOString();
  const { numInsertedOrUpdatedRows } = await trx
    .insertInto('oidc_used_states')
    .values({ state_hash: stateHash, expires_at })
    .onConflict((conflict) => conflict.column('state_hash').doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

export const used = () =>
  new OidcFailure('This answer of the provider was used already. Sign in from the beginning.');
