/** What was done, in a word or two; what has none here is told as it is stored. */
const ACTIONS: Readonly<Record<string, string>> = {
  create: 'Created',
  update: 'Changed',
  delete: 'Deleted',
  sign_in: 'Signed in',
  sign_in_failed: 'Sign-in failed',
  sign_in_halfway: 'Password right, code asked for',
  sign_in_refused: 'Sign-in refused',
  sign_out: 'Signed out',
  use: 'Used',
  refused: 'Refused',
  ssh_key_access: 'SSH key shown',
  backup: 'Backup asked for',
  confirm_target: 'Target confirmed',
  test_connection: 'Connection tested',
  'backup.rotate': 'Pruned',
  'backup.freeze': 'Pruning stopped',
  'backup.accept_size': 'Size accepted',
  cancel: 'Cancelled',
  verify: 'Full read asked for',
  download: 'Downloaded',
  'backup.pin': 'Kept for ever',
  'backup.unpin': 'No longer kept for ever',
  restore: 'Restore asked for',
  'restore.clean_up': 'Restore cleaned up',
  'restore.drop_kept': 'Replaced database dropped',
  'restore.drop_restored': 'Restored database dropped',
  drill: 'Drill asked for',
  'drill.proven': 'Drill proved it',
  'drill.failed': 'Drill failed',
  test: 'Tested',
  cancel_test: 'Test cancelled',
  remove_orphan: 'Orphan removed',
  rotate: 'Replaced',
  export: 'Exported',
};

const THINGS: Readonly<Record<string, string>> = {
  user: 'User',
  api_token: 'API token',
  service_account: 'Service account',
  environment: 'Environment',
  server: 'Server',
  database: 'Database',
  backup: 'Backup',
  backup_schedule: 'Schedule',
  backup_retention_policy: 'Retention policy',
  server_blackouts: 'Blackouts',
  restore_login: 'Restore login',
  ping_target: 'Dead man’s switch',
  spaces_config: 'Storage',
  spaces_environment: 'Storage access',
  system_settings: 'System settings',
  master_key: 'Master key',
  audit_log: 'Audit log',
  notification_type: 'Notification',
  notification_channel: 'Notification channel',
  smtp_settings: 'Mail server',
  oidc_settings: 'Single sign-on',
  oidc_identity: 'Single sign-on of a user',
  webhook_subscription: 'Webhook',
};

export const actionWords = (action: string): string => ACTIONS[action] ?? action;
export const thingWords = (kind: string): string => THINGS[kind] ?? kind;

/** For the form that filters. */
export const ACTION_CHOICES = Object.entries(ACTIONS).map(([value, label]) => ({ value, label }));
export const THING_CHOICES = Object.entries(THINGS).map(([value, label]) => ({ value, label }));

/** Where a thing has a page; null where it has none. It may be gone by now. */
export function pageOfThing(kind: string, id: string | null): string | null {
  if (kind === 'spaces_config' || kind === 'spaces_environment') return '/admin/storage';
  if (kind === 'system_settings') return '/admin/system';
  if (kind === 'oidc_settings') return '/admin/system/single-sign-on';
  if (kind === 'api_token') return '/admin/tokens';
  if (kind === 'service_account') return '/admin/service-accounts';
  const page = PAGES[kind];
  return page === undefined || id === null ? null : page(encodeURIComponent(id));
}

const PAGES: Readonly<Record<string, (id: string) => string>> = {
  user: (id) => `/admin/users/${id}`,
  environment: (id) => `/environments/${id}/settings`,
  server: (id) => `/servers/${id}`,
  database: (id) => `/databases/${id}`,
  backup: (id) => `/backups/${id}`,
};
