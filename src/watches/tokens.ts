import type { Context } from '../db/context.ts';
import { type Ending, tellEndings } from './endings.ts';

const DAY_MS = 86_400_000;
const SOON_DAYS = 8;
/** Beyond that it is a flood, and no news. */
const MOST = 1000;

/** Tells of API tokens that expire within a week, and within a day; of those that have, whoever uses them knows. */
export async function watchTokens(context: Context): Promise<void> {
  const at = context.now();
  const rows = await context.db
    .selectFrom('api_tokens')
    .leftJoin('users', 'users.id', 'api_tokens.user_id')
    .leftJoin('service_accounts', 'service_accounts.id', 'api_tokens.service_account_id')
    .select(['api_tokens.id', 'api_tokens.name', 'token_prefix', 'user_id', 'expires_at'])
    .select(['api_tokens.created_at', 'users.email', 'service_accounts.name as account_name'])
    .where('expires_at', '>', at.toISOString())
    .where('expires_at', '<=', new Date(at.getTime() + SOON_DAYS * DAY_MS).toISOString())
    .where((eb) => eb.or([eb('user_id', 'is not', null), eb('service_accounts.disabled', '=', 0)]))
    .orderBy('expires_at')
    .orderBy('api_tokens.id')
    .limit(MOST)
    .execute();
  const endings = rows.map((row): Ending => {
    const { name, token_prefix: prefix, user_id: userId, expires_at: expiresAt } = row;
    const data = { name, prefix, userId, ownerName: row.account_name ?? row.email ?? '', expiresAt };
    return {
      ...{ id: `token:${row.id}`, from: row.created_at, until: expiresAt },
      event: () => ({ type: 'token.ending', databaseId: null, environmentId: null, data }),
    };
  });
  await tellEndings(context, 'token', endings);
}
