import type { Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';

/** Who does something, for the audit. */
export interface Actor {
  /** Null: the installation itself (a start, a command of the image). */
  readonly userId: string | null;
  readonly address: string | null;
}

export interface AuditEntry {
  readonly action: string;
  readonly resourceType: string;
  readonly resourceId: string | null;
  readonly resourceName?: string | null;
  /** Never a secret: what is written here is shown. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly environmentId?: string | null;
  readonly error?: string;
}

/** Writes one row of the audit. Part of the transaction that does what it tells of. */
export async function recordAudit(trx: Trx, actor: Actor, entry: AuditEntry, now: Date): Promise<void> {
  await trx
    .insertInto('audit_logs')
    .values({
      id: newId(),
      action: entry.action,
      resource_type: entry.resourceType,
      resource_id: entry.resourceId,
      resource_name: entry.resourceName ?? null,
      details: entry.details === undefined ? null : JSON.stringify(entry.details),
      success: entry.error === undefined ? 1 : 0,
      error: entry.error ?? null,
      created_at: now.toISOString(),
      user_id: actor.userId,
      environment_id: entry.environmentId ?? null,
      address: actor.address,
    })
    .execute();
}
