import type { RestoreTarget } from '../restore.ts';
import type { PostgresOptions } from './options.ts';

export type PostgresRestoreTarget = RestoreTarget<PostgresOptions>;

/** What it is called until it is whole. */
export function workName({ token, isDrill }: Pick<PostgresRestoreTarget, 'token' | 'isDrill'>): string {
  return `${isDrill ? 'bp_drill' : 'bp_restore'}_${token}`;
}
