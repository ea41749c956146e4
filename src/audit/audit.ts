import type { Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';

/** Who does something, for the audit. */
export interface Actor {
  /** Null: the installation itself (a start, a command of the image), or a service account. */
  readonly userId: string | null;
  readonly address: string | null;
  /** What it is done by, where that is an API token; of a service account's, there is no user. */
  readonly token?: TokenActor | null;
  /** The request that it is done by, as the log and the answer name it. */
  readonly requestId?: string | null;
}

/** An API token, as the audit knows it. */
export interface TokenActor {
  readonly id: string;
  /** Its first characters, which people know it by. */
  readonly prefix: string;
  /** Whose it is; null: a user's. */
  readonly serviceAccountId: string | null;
}

/** What the audit speaks of, and what may be done to each. The words are the wire's: API clients filter by them. */
export interface AuditedActions {
  readonly user:
    | 'create'
    | 'update'
    | 'delete'
    | 'sign_in'
    | 'sign_in_failed'
    | 'sign_in_halfway'
    | 'sign_in_refused'
    | 'sign_out';
  readonly api_token: 'create' | 'delete' | 'use' | 'refused';
  readonly service_account: 'create' | 'update' | 'delete';
  readonly environment: 'create' | 'update' | 'delete' | 'ssh_key_access';
  readonly server: 'create' | 'update' | 'delete';
  readonly database:
    | ('create' | 'update' | 'delete' | 'backup' | 'confirm_target' | 'test_connection')
    | ('backup.rotate' | 'backup.freeze' | 'backup.accept_size');
  readonly backup_retention_policy: 'update' | 'delete';
  readonly backup:
    | ('cancel' | 'delete' | 'verify' | 'download' | 'backup.pin' | 'backup.unpin')
    | (
        | 'restore'
        | 'restore.clean_up'
        | 'restore.drop_kept'
        | 'restore.drop_restored'
        | 'drill'
        | 'drill.proven'
        | 'drill.failed'
      );
  readonly backup_schedule: 'create' | 'update' | 'delete';
  readonly server_blackouts: 'update';
  readonly restore_login: 'update' | 'delete';
  readonly ping_target: 'update' | 'delete' | 'test';
  readonly spaces_config: 'create' | 'update' | 'delete' | 'cancel_test' | 'remove_orphan';
  readonly spaces_environment: 'update';
  readonly system_settings: 'update';
  readonly notification_type: 'update';
  readonly smtp_settings: 'update' | 'delete';
  readonly oidc_settings: 'update' | 'delete';
  readonly oidc_identity: 'create' | 'delete';
  readonly notification_channel: 'create' | 'update' | 'delete';
  readonly webhook_subscription: 'create' | 'delete';
  readonly master_key: 'rotate';
  readonly audit_log: 'export';
}

export type AuditedResource = keyof AuditedActions;

/** The thing that something is done to. */
export interface Audited {
  /** Null where there is one of its kind, or where nobody knows which it was. */
  readonly id: string | null;
  readonly name?: string | null;
  readonly environmentId?: string | null;
}

export interface AuditEntry extends Audited {
  readonly resource: AuditedResource;
  readonly action: AuditedActions[AuditedResource];
  /** Never a secret: what is written here is shown. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Why it was refused or failed; absent where it was done. */
  readonly error?: string | undefined;
}

/** An entry for `recordAudit`: the one way to make it, so that every action fits to its resource. */
export function auditEntry<Resource extends AuditedResource>(
  resource: Resource,
  action: AuditedActions[Resource],
  of: Audited,
  more: Pick<AuditEntry, 'details' | 'error'> = {},
): AuditEntry {
  return { resource, action, ...of, ...more };
}

/** Writes one row of the audit. Part of the transaction that does what it tells of. */
export async function recordAudit(trx: Trx, actor: Actor, entry: AuditEntry, now: Date): Promise<void> {
  await trx
    .insertInto('audit_logs')
    .values({
      id: newId(),
      action: entry.action,
      resource_type: entry.resource,
      resource_id: entry.id,
      resource_name: entry.name ?? null,
      details: entry.details === undefined ? null : JSON.stringify(entry.details),
      success: entry.error === undefined ? 1 : 0,
      error: entry.error ?? null,
      created_at: now.toISOString(),
      user_id: actor.userId,
      environment_id: entry.environmentId ?? null,
      address: actor.address,
      api_token_id: actor.token?.id ?? null,
      token_prefix: actor.token?.prefix ?? null,
      service_account_id: actor.token?.serviceAccountId ?? null,
      request_id: actor.requestId ?? null,
    })
    .execute();
}
