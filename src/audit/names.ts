import type { AuditLogRow, Db } from '../db/schema.ts';

/** A row with the names of whom and what it speaks of, as they are now; null where that is gone. */
export interface ListedAudit extends AuditLogRow {
  readonly user_email: string | null;
  readonly user_name: string | null;
  readonly environment_name: string | null;
  readonly service_account_name: string | null;
}

/** The rows of one page, in their order. */
export async function withNames(db: Db, rows: readonly AuditLogRow[]): Promise<readonly ListedAudit[]> {
  if (rows.length === 0) return [];
  const users = await db
    .selectFrom('users')
    .select(['id', 'email', 'name'])
    .where('id', 'in', idsOf(rows, 'user_id'))
    .execute();
  const environments = await db
    .selectFrom('environments')
    .select(['id', 'name'])
    .where('id', 'in', idsOf(rows, 'environment_id'))
    .execute();
  const accounts = await db
    .selectFrom('service_accounts')
    .select(['id', 'name'])
    .where('id', 'in', idsOf(rows, 'service_account_id'))
    .execute();
  const named = [byId(users), byId(environments), byId(accounts)] as const;
  return rows.map((row) => {
    const user = named[0].get(row.user_id ?? '');
    return {
      ...row,
      user_email: user?.email ?? null,
      user_name: user?.name ?? null,
      environment_name: named[1].get(row.environment_id ?? '')?.name ?? null,
      service_account_name: named[2].get(row.service_account_id ?? '')?.name ?? null,
    };
  });
}

function idsOf(rows: readonly AuditLogRow[], column: 'user_id' | 'environment_id' | 'service_account_id') {
  return [...new Set(rows.map((row) => row[column] ?? ''))];
}

function byId<Row extends { readonly id: string }>(rows: readonly Row[]): ReadonlyMap<string, Row> {
  return new Map(rows.map((row) => [row.id, row]));
}
