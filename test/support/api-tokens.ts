import type { Role } from '../../src/auth/roles.ts';
import type { TokenAccess } from '../../src/tokens/acting-token.ts';
import { createServiceAccount } from '../../src/tokens/service-accounts.ts';
import { createToken, type TokenOwner } from '../../src/tokens/tokens.ts';
import type { TestApp } from './app.ts';

const NOBODY = { userId: null, address: null };

export interface MadeToken {
  readonly token: string;
  readonly id: string;
}

/** A token as an admin would make it: a month long, for all environments unless some are named. */
export async function makeToken(
  { services }: Pick<TestApp, 'services'>,
  owner: TokenOwner,
  options: {
    readonly role?: Role;
    readonly access?: TokenAccess;
    readonly environmentIds?: readonly string[];
    readonly days?: number;
  } = {},
): Promise<MadeToken> {
  const { role = 'operator', access = 'full', environmentIds, days = 30 } = options;
  const { token, record } = await createToken(services, NOBODY, owner, {
    name: 'Nächtlich + "<script>" 🗝',
    ...{ role, access, expiresInDays: days, allEnvironments: environmentIds === undefined },
    ...(environmentIds === undefined ? {} : { environmentIds: [...environmentIds] }),
  });
  return { token, id: record.id };
}

/** Gives its id. */
export async function makeServiceAccount(
  { services }: Pick<TestApp, 'services'>,
  name: string,
  role: Role,
): Promise<string> {
  return (await createServiceAccount(services, NOBODY, { name, role })).id;
}

/** An environment with one database on the app's own machine. */
export async function makeEnvironment(app: TestApp, name: string) {
  const made = await app.call('POST', '/api/environments', { body: { name } });
  const environmentId: string = made.body.environment.id;
  const { body } = await app.call('POST', `/api/environments/${environmentId}/databases`, {
    body: { name: `shop of ${name}`, type: 'postgres', host: '127.0.0.1', port: 5432, databaseName: 'shop' },
  });
  const databaseId: string = body.database.id;
  return { environmentId, databaseId };
}
