import { sql } from 'kysely';
import * as z from 'zod';
import { type Actor, type AuditedActions, auditEntry, recordAudit } from '../audit/audit.ts';
import { ROLES, type Role } from '../auth/roles.ts';
import type { Context } from '../db/context.ts';
import { byBytes } from '../db/kind.ts';
import type { Db, ServiceAccountRow, Trx } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { line } from '../fields.ts';
import { newId } from '../ids.ts';
import type { Page } from '../page.ts';

export const newServiceAccount = z.object({
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9][a-z0-9_-]*$/, {
      error: 'Must begin with a lower-case letter or a digit, and hold those, _ and - alone',
    }),
  description: line(500).nullish(),
  role: z.enum(ROLES).default('viewer'),
});

export const serviceAccountChange = z.object({
  description: line(500).nullish(),
  role: z.enum(ROLES).optional(),
  disabled: z.boolean().optional(),
});

/** Who is no person: a pipeline, a cron job. */
export interface ServiceAccount {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly role: Role;
  readonly disabled: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly createdByUserId: string | null;
  readonly createdBy: { readonly id: string; readonly email: string; readonly name: string | null } | null;
  readonly apiTokens: number;
}

/** By name, all or a page of them. */
export async function listServiceAccounts(db: Db, page?: Page): Promise<readonly ServiceAccount[]> {
  const rows = await withCounts(db)
    .orderBy('service_accounts.name', byBytes(db))
    .$if(page !== undefined, (query) => query.limit(page?.limit ?? 0).offset(page?.offset ?? 0))
    .execute();
  return rows.map(toServiceAccount);
}

export async function countServiceAccounts(db: Db): Promise<number> {
  const { total } = await db
    .selectFrom('service_accounts')
    .select(sql<number>`count(*)`.as('total'))
    .executeTakeFirstOrThrow();
  return Number(total);
}

/** Throws `not_found`. */
export async function getServiceAccount(db: Db | Trx, id: string): Promise<ServiceAccount> {
  const row = await withCounts(db).where('service_accounts.id', '=', id).executeTakeFirst();
  if (row === undefined) throw notFound();
  return toServiceAccount(row);
}

/** Throws `conflict` for a name that is taken. */
export async function createServiceAccount(
  context: Context,
  actor: Actor,
  input: z.infer<typeof newServiceAccount>,
): Promise<ServiceAccount> {
  const now = context.now();
  const row: ServiceAccountRow = {
    id: newId(),
    name: input.name,
    description: input.description || null,
    role: input.role,
    disabled: 0,
    created_by_user_id: actor.userId,
    created_at: now.toISOString(),
    updated_at: now.toISOString(),
  };
  try {
    return await write(context.db, async (trx) => {
      await trx.insertInto('service_accounts').values(row).execute();
      await recordAudit(trx, actor, audited('create', row, { role: row.role }), now);
      return getServiceAccount(trx, row.id);
    });
  } catch (error) {
    if (isUniqueViolation(error)) {
      throw new AppError('conflict', 'Name already in use', { details: { field: 'name' } });
    }
    throw error;
  }
}

/** A lower role counts for its tokens at once; disabled, they open nothing. Throws `not_found`. */
export async function updateServiceAccount(
  context: Context,
  actor: Actor,
  id: string,
  change: z.infer<typeof serviceAccountChange>,
): Promise<ServiceAccount> {
  const now = context.now();
  return write(context.db, async (trx) => {
    const row = await trx
      .updateTable('service_accounts')
      .set({
        ...(change.description === undefined ? {} : { description: change.description || null }),
        ...(change.role === undefined ? {} : { role: change.role }),
        ...(change.disabled === undefined ? {} : { disabled: change.disabled ? 1 : 0 }),
        updated_at: now.toISOString(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) throw notFound();
    await recordAudit(trx, actor, audited('update', row, { ...change }), now);
    return getServiceAccount(trx, id);
  });
}

/** Its tokens go with it. Throws `not_found`. */
export async function deleteServiceAccount(context: Context, actor: Actor, id: string): Promise<void> {
  await write(context.db, async (trx) => {
    const { apiTokens } = await getServiceAccount(trx, id);
    const row = await trx
      .deleteFrom('service_accounts')
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirstOrThrow();
    await recordAudit(trx, actor, audited('delete', row, { tokens: apiTokens }), context.now());
  });
}

function withCounts(db: Db | Trx) {
  return db
    .selectFrom('service_accounts')
    .leftJoin('users', 'users.id', 'service_accounts.created_by_user_id')
    .selectAll('service_accounts')
    .select(['users.email as creator_email', 'users.name as creator_name'])
    .select((eb) =>
      eb
        .selectFrom('api_tokens')
        .select(sql<number>`count(*)`.as('tokens'))
        .whereRef('api_tokens.service_account_id', '=', 'service_accounts.id')
        .as('tokens'),
    );
}

type Counted = Awaited<ReturnType<ReturnType<typeof withCounts>['executeTakeFirstOrThrow']>>;

function toServiceAccount(row: Counted): ServiceAccount {
  const { created_by_user_id: creator, creator_email: email, creator_name: name } = row;
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    role: row.role,
    disabled: row.disabled === 1,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    createdByUserId: creator,
    createdBy: creator === null || email === null ? null : { id: creator, email, name },
    apiTokens: Number(row.tokens),
  };
}

function audited(
  action: AuditedActions['service_account'],
  { id, name }: Pick<ServiceAccountRow, 'id' | 'name'>,
  details: Readonly<Record<string, unknown>>,
) {
  return auditEntry('service_account', action, { id, name }, { details });
}

const notFound = () => new AppError('not_found', 'Service account not found');
