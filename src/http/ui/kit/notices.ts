import type { Frame } from '../../../../views/frame/frame.ts';

/** What a page says after a redirect, by the key in its `notice` parameter: a link can only choose among these. */
const NOTICES = {
  'backup-cancelled': 'The backup is being cancelled.',
  'backup-deleted': 'The backup is deleted.',
  'backup-pinned': 'The backup is pinned: retention leaves it alone.',
  'backup-requested': 'The backup has been asked for.',
  'backup-unpinned': 'The backup is no longer pinned.',
  'data-saved': 'The data settings are saved.',
  'database-created': 'The database is registered.',
  'database-deleted': 'The database is no longer registered.',
  'database-saved': 'The database is saved.',
  'environment-created': 'The environment is created.',
  'environment-deleted': 'The environment is deleted.',
  'host-key-forgotten':
    'The host key is forgotten. The next connection that you start pins the one it meets.',
  'master-key-confirmed': 'Noted: the master key has been copied.',
  'password-changed': 'The password is changed. Please sign in again.',
  'password-set': 'The new password is set.',
  'password-saved': 'The password is saved.',
  'server-created': 'The server is created. Test SSH next: it pins the host key.',
  'server-deleted': 'The server is deleted.',
  'server-saved': 'The server is saved.',
  'ssh-key-removed': 'The SSH key is removed.',
  'ssh-saved': 'The SSH settings are saved.',
  'storage-deleted': 'The storage configuration is deleted.',
  'storage-disabled': 'Storage is disabled for the environment.',
  'storage-enabled': 'Storage is enabled for the environment.',
  'storage-replaced': 'The new configuration was tested and is saved.',
  'storage-replaced-partly':
    'The new configuration is saved, but its key does not reach every bucket. Test Connection says which, and why.',
  'storage-saved': 'The configuration is saved. Test Connection next.',
  'target-confirmed': 'The stored password is sent to the present target from now on.',
  'user-created': 'The user is created.',
  'user-deleted': 'The user is deleted.',
  'user-saved': 'The user is saved.',
} as const;

export type NoticeKey = keyof typeof NOTICES;

/** A path that shows the notice. */
export function withNotice(path: string, key: NoticeKey): string {
  return `${path}${path.includes('?') ? '&' : '?'}notice=${key}`;
}

export function noticeOf(key: string | undefined): Frame['notice'] {
  const text = textOfNotice(key);
  return text === null ? null : { tone: key === 'storage-replaced-partly' ? 'warning' : 'success', text };
}

export function textOfNotice(key: string | undefined): string | null {
  return isNotice(key) ? NOTICES[key] : null;
}

export function isNotice(key: string | undefined): key is NoticeKey {
  return key !== undefined && Object.hasOwn(NOTICES, key);
}
