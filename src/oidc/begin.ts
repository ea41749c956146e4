import type { OidcSettingsRow } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import type { OidcContext } from './context.ts';
import { providerOf, rowOf } from './settings.ts';
import { newTransaction, type Transaction } from './transaction.ts';

/**
 * Where the browser goes, and what it keeps until it comes back to `redirectUri`. Throws `OidcFailure`; `not_found` without a provider.
 */
export async function beginSignOn(
  context: OidcContext,
  purpose: Pick<Transaction, 'next' | 'link' | 'redirectUri'>,
): Promise<{ readonly url: string; readonly transaction: Transaction }> {
  const provider = await providerOf(context, await enteredIn(context));
  const transaction = await newTransaction(provider, purpose);
  return { url: await context.oidc.authorizationUrl(provider, transaction), transaction };
}

/** The provider that is entered. Throws `not_found`. */
export async function enteredIn({ db }: Pick<OidcContext, 'db'>): Promise<OidcSettingsRow> {
  const row = await rowOf(db);
  if (row === undefined) throw new AppError('not_found', 'No single sign-on is set up here.');
  return row;
}
