import type { Db } from '../db/schema.ts';

/** An API token that opens `/metrics` now. */
export interface MetricsToken {
  readonly id: string;
  readonly name: string;
  readonly tokenPrefix: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string;
}

/**
 * Those that were read with last come first, at most so many. Neither one that is over nor one of a service account that is disabled
 * is among them: they open nothing.
 */
export async function metricsTokens(db: Db, now: Date, limit: number): Promise<readonly MetricsToken[]> {
  const rows = await db
    .selectFrom('api_tokens')
    .leftJoin('service_accounts', 'service_accounts.id', 'api_tokens.service_account_id')
    .select(['api_tokens.id', 'api_tokens.name', 'token_prefix', 'last_used_at', 'expires_at'])
    .where('access', '=', 'metrics')
    .where('expires_at', '>', now.toISOString())
    .where((eb) => eb.or([eb('service_account_id', 'is', null), eb('service_accounts.disabled', '=', 0)]))
    .orderBy((eb) => eb.fn.coalesce('last_used_at', 'api_tokens.created_at'), 'desc')
    .orderBy('api_tokens.id')
    .limit(limit)
    .execute();
  return rows.map(({ token_prefix, last_used_at, expires_at, ...row }) => ({
    ...row,
    tokenPrefix: token_prefix,
    lastUsedAt: last_used_at,
    expiresAt: expires_at,
  }));
}
