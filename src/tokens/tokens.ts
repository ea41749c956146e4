import { sql } from 'kysely';
import * as z from 'zod';
import { type Actor, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import { hasRole, ROLES, type Role } from '../auth/roles.ts';
import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { ApiTokenRow, Db, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { nameField } from '../fields.ts';
import { newId } from '../ids.ts';
import type { Page } from '../page.ts';
import { TOKEN_ACCESSES, type TokenAccess } from './acting-token.ts';
import { newTokenText } from './token-text.ts';

const DAY_MS = 86_400_000;
const MOST_ENVIRONMENTS = 1000;
/** Of one owner, those that are over not counted. */
const MOST_TOKENS = 50;

/** What a new token may do, where and how long; whose it is stands beside it. */
export const newToken = z
  .object({
    name: nameField,
    role: z.enum(ROLES),
    access: z.enum(TOKEN_ACCESSES).default('full'),
    allEnvironments: z.boolean(),
    environmentIds: z.array(z.string().max(64)).max(MOST_ENVIRONMENTS).optional(),
    expiresInDays: z.number().int().min(1).max(365),
  })
  .refine(({ allEnvironments, environmentIds = [] }) => allEnvironments || environmentIds.length > 0, {
    path: ['environmentIds'],
    error: 'Name at least one environment, or let the token be for all',
  })
  .refine(({ access, allEnvironments }) => access !== 'metrics' || allEnvironments, {
    path: ['environmentIds'],
    error: 'The metrics tell of all environments: let the token be for all',
  });

export type NewToken = z.infer<typeof newToken>;

/** Whose a token is. */
export type TokenOwner = { readonly userId: string } | { readonly serviceAccountId: string };

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly tokenPrefix: string;
  readonly role: Role;
  readonly access: TokenAccess;
  readonly allEnvironments: boolean;
  readonly expiresAt: string;
  readonly createdAt: string;
  readonly userId: string | null;
  readonly serviceAccountId: string | null;
}

export interface ListedToken extends TokenRecord {
  readonly lastUsedAt: string | null;
  readonly user: { readonly id: string; readonly email: string; readonly name: string | null } | null;
  readonly serviceAccount: { readonly id: string; readonly name: string; readonly disabled: boolean } | null;
  readonly environments: readonly { readonly environment: { readonly id: string; readonly name: string } }[];
}

/**
 * A new token, with its text: it is given this once and stored nowhere. Throws `invalid` with the contract's texts where the
 * owner is gone or disabled, or may less than the token would, and for environments that are not there; `conflict` where the owner
 * has as many as anybody may.
 */
export async function createToken(
  context: Context,
  actor: Actor,
  owner: TokenOwner,
  input: NewToken,
): Promise<{ readonly token: string; readonly record: TokenRecord }> {
  const now = context.now();
  const { token, hash, prefix } = await newTokenText();
  const row: ApiTokenRow = {
    id: newId(),
    name: input.name.trim(),
    token_hash: hash,
    token_prefix: prefix,
    role: input.role,
    access: input.access,
    all_environments: input.allEnvironments ? 1 : 0,
    user_id: 'userId' in owner ? owner.userId : null,
    service_account_id: 'serviceAccountId' in owner ? owner.serviceAccountId : null,
    last_used_at: null,
    expires_at: new Date(now.getTime() + input.expiresInDays * DAY_MS).toISOString(),
    created_at: now.toISOString(),
  };
  const environmentIds = input.allEnvironments ? [] : [...new Set(input.environmentIds)];
  await write(context.db, async (trx) => {
    const most = await ownerRole(trx, row);
    if (!hasRole(most, row.role)) {
      throw new AppError('invalid', `Token role (${row.role}) exceeds owner role (${most})`, {
        details: { field: 'role' },
      });
    }
    await refuseTooMany(trx, row, now);
    await trx.insertInto('api_tokens').values(row).execute();
    await insertEnvironments(trx, row.id, environmentIds);
    const { role, access, expires_at: expiresAt } = row;
    const details = { tokenPrefix: prefix, role, access, expiresAt, ...ownerIds(row) };
    const scope = input.allEnvironments ? { allEnvironments: true } : { environmentIds };
    await recordAudit(trx, actor, auditedToken('create', row, { ...details, ...scope }), now);
  });
  return { token, record: toRecord(row) };
}

/** Ends a token at once. `of`: only one of that user's own. Throws `not_found`. */
export async function revokeToken(
  context: Context,
  actor: Actor,
  id: string,
  { of }: { readonly of?: string } = {},
): Promise<void> {
  await write(context.db, async (trx) => {
    const row = await trx
      .deleteFrom('api_tokens')
      .where('id', '=', id)
      .$if(of !== undefined, (query) => query.where('user_id', '=', of ?? ''))
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw new AppError('not_found', 'Token not found');
    const details = { tokenPrefix: row.token_prefix, ...ownerIds(row) };
    await recordAudit(trx, actor, auditedToken('delete', row, details), context.now());
  });
}

export interface TokenFilter {
  readonly ownerUserId?: string | undefined;
  readonly ownerServiceAccountId?: string | undefined;
}

export async function countTokens(db: Db): Promise<number> {
  const { total } = await db
    .selectFrom('api_tokens')
    .select(sql<number>`count(*)`.as('total'))
    .executeTakeFirstOrThrow();
  return Number(total);
}

/** Newest first, all or a page of them. */
export async function listTokens(
  db: Db,
  filter: TokenFilter = {},
  page?: Page,
): Promise<readonly ListedToken[]> {
  const { ownerUserId, ownerServiceAccountId } = filter;
  const rows = await db
    .selectFrom('api_tokens')
    .leftJoin('users', 'users.id', 'api_tokens.user_id')
    .leftJoin('service_accounts', 'service_accounts.id', 'api_tokens.service_account_id')
    .selectAll('api_tokens')
    .select(['users.email', 'users.name as user_name'])
    .select(['service_accounts.name as account_name', 'service_accounts.disabled as account_disabled'])
    .$if(ownerUserId !== undefined, (query) => query.where('api_tokens.user_id', '=', ownerUserId ?? ''))
    .$if(ownerServiceAccountId !== undefined, (query) =>
      query.where('api_tokens.service_account_id', '=', ownerServiceAccountId ?? ''),
    )
    .orderBy('api_tokens.created_at', 'desc')
    .orderBy('api_tokens.id')
    .$if(page !== undefined, (query) => query.limit(page?.limit ?? 0).offset(page?.offset ?? 0))
    .execute();
  const ids = page === undefined ? undefined : rows.map(({ id }) => id);
  const environments = await environmentsByToken(db, filter, ids);
  return rows.map(({ email, user_name: name, account_name: accountName, account_disabled, ...row }) => ({
    ...toRecord(row),
    lastUsedAt: row.last_used_at,
    user: row.user_id === null || email === null ? null : { id: row.user_id, email, name },
    serviceAccount:
      row.service_account_id === null || accountName === null
        ? null
        : { id: row.service_account_id, name: accountName, disabled: account_disabled === 1 },
    environments: (environments.get(row.id) ?? []).map(({ id, name }) => ({ environment: { id, name } })),
  }));
}

/** By name, of each token that is not for all; of those tokens alone where some are named. */
async function environmentsByToken(
  db: Db,
  { ownerUserId, ownerServiceAccountId }: TokenFilter,
  ids: readonly string[] | undefined,
) {
  const rows = await db
    .selectFrom('api_token_environments')
    .innerJoin('environments', 'environments.id', 'api_token_environments.environment_id')
    .innerJoin('api_tokens', 'api_tokens.id', 'api_token_environments.token_id')
    .select(['api_token_environments.token_id', 'environments.id', 'environments.name'])
    .$if(ownerUserId !== undefined, (query) => query.where('api_tokens.user_id', '=', ownerUserId ?? ''))
    .$if(ownerServiceAccountId !== undefined, (query) =>
      query.where('api_tokens.service_account_id', '=', ownerServiceAccountId ?? ''),
    )
    .$if(ids !== undefined, (query) => query.where('api_tokens.id', 'in', [...(ids ?? []), '']))
    .orderBy('environments.name', byBytes(db))
    .execute();
  return Map.groupBy(rows, ({ token_id }) => token_id);
}

async function ownerRole(trx: Trx, row: ApiTokenRow): Promise<Role> {
  const owner =
    row.user_id !== null
      ? await trx.selectFrom('users').select('role').where('id', '=', row.user_id).executeTakeFirst()
      : await trx
          .selectFrom('service_accounts')
          .select('role')
          .where('id', '=', row.service_account_id)
          .where('disabled', '=', 0)
          .executeTakeFirst();
  if (owner === undefined) throw new AppError('invalid', 'Owner not found or disabled');
  return owner.role;
}

async function refuseTooMany(trx: Trx, row: ApiTokenRow, now: Date): Promise<void> {
  const { total } = await trx
    .selectFrom('api_tokens')
    .select(sql<number>`count(*)`.as('total'))
    .$if(row.user_id !== null, (query) => query.where('user_id', '=', row.user_id))
    .$if(row.user_id === null, (query) => query.where('service_account_id', '=', row.service_account_id))
    .where('expires_at', '>', now.toISOString())
    .executeTakeFirstOrThrow();
  if (Number(total) < MOST_TOKENS) return;
  throw new AppError(
    'conflict',
    `This owner has ${MOST_TOKENS} tokens that are not over, the most there may be. Revoke one that nobody uses.`,
  );
}

async function insertEnvironments(trx: Trx, tokenId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const found = await trx.selectFrom('environments').select('id').where('id', 'in', ids).execute();
  if (found.length < ids.length) {
    throw new AppError('invalid', 'Environment not found', { details: { field: 'environmentIds' } });
  }
  const values = ids.map((environmentId) => ({ token_id: tokenId, environment_id: environmentId }));
  await trx.insertInto('api_token_environments').values(values).execute();
}

function ownerIds(row: Pick<ApiTokenRow, 'user_id' | 'service_account_id'>) {
  return row.user_id !== null
    ? { ownerUserId: row.user_id }
    : { ownerServiceAccountId: row.service_account_id };
}

function auditedToken(
  action: AuditedActions['api_token'],
  { id, name }: Pick<ApiTokenRow, 'id' | 'name'>,
  details: Readonly<Record<string, unknown>>,
) {
  return auditEntry('api_token', action, { id, name }, { details });
}

function toRecord(row: ApiTokenRow): TokenRecord {
  return {
    id: row.id,
    name: row.name,
    tokenPrefix: row.token_prefix,
    role: row.role,
    access: row.access,
    allEnvironments: row.all_environments === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    userId: row.user_id,
    serviceAccountId: row.service_account_id,
  };
}
