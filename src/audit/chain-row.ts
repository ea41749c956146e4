import type { AuditLogRow } from '../db/schema.ts';
import { canonicalJson } from '../secrets/canonical-json.ts';

/** SHA-256 of the text's UTF-8, in hex, at once: a chain has a million of them. */
export type Sha256 = (text: string) => string;

/** What the first row follows. */
export const NO_HASH = '0'.repeat(64);

/** A row without its place in the chain. */
export type LooseRow = Omit<AuditLogRow, 'number' | 'hash'>;

/** A row as it stands in the chain. */
export interface ChainedRow extends LooseRow {
  readonly number: number;
  readonly hash: string;
}

/**
 * What is hashed of a row: the hash before it, a line break, and the row as canonical JSON, by the names of the wire and without
 * what is null. So a column that is added later changes no hash of before. docs/operations.md tells it to whoever checks an export.
 */
export function chainText(previousHash: string, number: number, row: LooseRow): string {
  const said = {
    number,
    id: row.id,
    action: row.action,
    resourceType: row.resource_type,
    resourceId: row.resource_id,
    resourceName: row.resource_name,
    details: row.details,
    success: row.success === 1,
    error: row.error,
    createdAt: row.created_at,
    userId: row.user_id,
    environmentId: row.environment_id,
    address: row.address,
    apiTokenId: row.api_token_id,
    tokenPrefix: row.token_prefix,
    serviceAccountId: row.service_account_id,
    requestId: row.request_id,
  };
  const known = Object.entries(said).filter(([, value]) => value !== null);
  return `${previousHash}\n${canonicalJson(Object.fromEntries(known))}`;
}

/** The rows with their numbers and hashes, in this order, behind what is chained already. */
export function chainRows(
  after: { readonly number: number; readonly hash: string },
  rows: readonly LooseRow[],
  sha256: Sha256,
): readonly ChainedRow[] {
  let { number, hash } = after;
  return rows.map((row) => {
    number += 1;
    hash = sha256(chainText(hash, number, row));
    return { ...row, number, hash };
  });
}
