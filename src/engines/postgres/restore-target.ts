import type { RestoreTarget } from '../restore.ts';
import type { PostgresOptions } from './options.ts';

export type PostgresRestoreTarget = RestoreTarget<PostgresOptions>;

/** What it is called until it is whole. */
export function workName({ token }: Pick<PostgresRestoreTarget, 'token'>): string {
  return `bp_restore_${token}`;
}
