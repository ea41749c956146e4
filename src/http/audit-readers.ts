import type { AuditedActions, AuditedResource } from '../audit/audit.ts';
import type { Readable } from '../audit/list-audit.ts';
import { hasRole, type Role } from '../auth/roles.ts';

/** Who may read the rows of a kind, and who their details too: the role at least. */
type Readers = readonly [rows: Role, details: Role];

/**
 * Whoever may read a thing may read what was done to it. Details are for fewer people where they tell more than the thing itself:
 * settings as they were, names that a database is signed in to with, the place of what was removed.
 */
const READERS: Readonly<Record<AuditedResource, Readers>> = {
  user: ['admin', 'admin'],
  api_token: ['admin', 'admin'],
  service_account: ['admin', 'admin'],
  environment: ['viewer', 'admin'],
  server: ['viewer', 'viewer'],
  database: ['viewer', 'viewer'],
  backup_retention_policy: ['viewer', 'viewer'],
  backup: ['viewer', 'operator'],
  backup_schedule: ['viewer', 'viewer'],
  server_blackouts: ['viewer', 'viewer'],
  restore_login: ['operator', 'operator'],
  ping_target: ['viewer', 'viewer'],
  spaces_config: ['viewer', 'admin'],
  spaces_environment: ['viewer', 'viewer'],
  system_settings: ['viewer', 'admin'],
  notification_type: ['admin', 'admin'],
  smtp_settings: ['admin', 'admin'],
  oidc_settings: ['admin', 'admin'],
  oidc_identity: ['admin', 'admin'],
  notification_channel: ['admin', 'admin'],
  webhook_subscription: ['viewer', 'viewer'],
  master_key: ['admin', 'admin'],
  audit_log: ['admin', 'admin'],
};

/** What is done to a thing that many may read, by means that only admins have. */
const ADMINS_ACTIONS = [
  { resource: 'environment', action: 'ssh_key_access' },
  { resource: 'spaces_config', action: 'remove_orphan' },
] as const satisfies readonly {
  [Resource in AuditedResource]: { resource: Resource; action: AuditedActions[Resource] };
}[AuditedResource][];

/** What that role may read; undefined: all. */
export function readableBy(role: Role): Readable | undefined {
  if (hasRole(role, 'admin')) return undefined;
  const kinds = Object.entries(READERS).flatMap(([kind, [rows]]) => (hasRole(role, rows) ? [kind] : []));
  return { kinds, hidden: ADMINS_ACTIONS.map(({ resource, action }) => `${resource} ${action}`) };
}

/** Whether that role may read the details of a row of that kind; of one that is not known, admins alone. */
export function mayReadDetails(role: Role, kind: string): boolean {
  const readers: Readonly<Record<string, Readers | undefined>> = READERS;
  return hasRole(role, readers[kind]?.[1] ?? 'admin');
}
