import type { OidcSettingsRow, Trx } from '../db/schema.ts';
import { isAppError } from '../errors.ts';
import { enteredIn } from './begin.ts';
import type { OidcContext } from './context.ts';
import { OidcFailure } from './failure.ts';
import { identityOf } from './identities.ts';
import { type Person, personOf } from './person.ts';
import type { Claims } from './provider.ts';
import { hasValues, valuesAt } from './role-mapping.ts';
import { mappingOf, providerOf, rowOf } from './settings.ts';
import { hashOf, type Transaction, targetOf } from './transaction.ts';

/** What came back with the browser that began it. */
export interface Answered {
  readonly transaction: Transaction;
  readonly answer: URLSearchParams;
}

/** What the provider says of whom. */
export interface Claimed {
  readonly person: Person;
  readonly claims: Claims;
  /** Of what was begun, which is answered once. */
  readonly stateHash: string;
  readonly issuer: string;
  readonly clientId: string;
}

/** Asks the provider who it is. Throws `OidcFailure`. */
export async function claimsFor(context: OidcContext, { transaction, answer }: Answered): Promise<Claimed> {
  const row = await enteredIn(context).catch((error: unknown) => {
    throw isAppError(error, 'not_found') ? new OidcFailure(error.message) : error;
  });
  const provider = await providerOf(context, row);
  const { target, state } = transaction;
  if ((await targetOf(provider)) !== target) throw new OidcFailure(CHANGED);
  const mapping = mappingOf(row);
  // An e-mail address is needed of new people alone.
  const isEnough = async (claims: Claims) =>
    (!hasValues(mapping) || valuesAt(claims, mapping.roleClaim) !== null) &&
    (typeof claims['email'] === 'string' ||
      (await identityOf(context.db, { issuer: claims.iss, subject: claims.sub })) !== undefined);
  const claims = await context.oidc.claimsOf(provider, transaction, answer, isEnough);
  const { issuer, clientId } = provider;
  return { person: personOf(claims), claims, stateHash: await hashOf(state), issuer, clientId };
}

const CHANGED =
  'The settings of single sign-on were changed while you signed in. Sign in from the beginning.';

/** The settings, where they are still of that provider and that client. Throws `OidcFailure`. */
export async function settingsOf(
  trx: Trx,
  { issuer, clientId }: Pick<Claimed, 'issuer' | 'clientId'>,
): Promise<OidcSettingsRow> {
  const row = await rowOf(trx);
  if (row !== undefined && row.issuer === issuer && row.client_id === clientId) return row;
  throw new OidcFailure(CHANGED);
}
