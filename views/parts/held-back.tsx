import type { HeldBack } from '../../src/backups/held-back.ts';
import type { Rights } from '../frame/frame.ts';

/** Where it is changed which environment may use the storage. */
export const ACCESS_TO_STORAGE = '/admin/storage#environment-access';

export interface HeldBackOf {
  readonly why: HeldBack;
  readonly databaseId: string;
  /** Null where it stands beside it. */
  readonly environmentName: string | null;
}

/** Why nothing of a database is stored, as it is set, with the way to what changes it for who may: `storage is off for staging`. */
export function HeldBackLink({
  of: { why, databaseId, environmentName },
  user,
}: {
  readonly of: HeldBackOf;
  readonly user: Rights;
}) {
  const words = heldBackWords(why, environmentName);
  const isMine = why === 'storage_off' ? user.isAdmin : user.mayChange;
  if (!isMine) return <>{words}</>;
  const edit = `/databases/${databaseId}/edit#field-backupSpacesBucket`;
  return <a href={why === 'storage_off' ? ACCESS_TO_STORAGE : edit}>{words}</a>;
}

export function heldBackWords(why: HeldBack, environmentName: string | null): string {
  if (why === 'no_bucket') return 'no bucket is chosen';
  return environmentName === null ? 'storage is off' : `storage is off for ${environmentName}`;
}
