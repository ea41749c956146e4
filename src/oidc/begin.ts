import { AppError } from '../errors.ts';
import type { OidcContext } from './context.ts';
import { providerOf, redirectUriOf, rowOf, WITHOUT_URL } from './settings.ts';
import { newTransaction, type Transaction } from './transaction.ts';

/** Where the browser goes, and what it keeps until it comes back. Throws `OidcFailure`; `not_found` and `conflict` without a provider. */
export async function beginSignOn(
  context: OidcContext,
  purpose: Pick<Transaction, 'next' | 'link'>,
): Promise<{ readonly url: string; readonly transaction: Transaction }> {
  const { row, redirectUri } = await enteredIn(context);
  const provider = await providerOf(context, row);
  const transaction = await newTransaction(provider, purpose);
  const url = await context.oidc.authorizationUrl(provider, { ...transaction, redirectUri });
  return { url, transaction };
}

/** The provider that is entered. */
export async function enteredIn({ db, config }: OidcContext) {
  const row = await rowOf(db);
  if (row === undefined) throw new AppError('not_found', 'No single sign-on is set up here.');
  const redirectUri = redirectUriOf(config);
  if (redirectUri === null) throw new AppError('conflict', WITHOUT_URL);
  return { row, redirectUri };
}
