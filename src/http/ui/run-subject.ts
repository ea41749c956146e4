import type { ListedRun } from '../../backups/list-runs.ts';
import type { RunKindName } from '../../db/schema.ts';

/** As people call them. */
export const RUN_KINDS: Readonly<Record<RunKindName, string>> = {
  backup: 'Backup',
  verification: 'Full read',
  deep_test: 'Deep test',
  prune: 'Pruning',
  restore: 'Restore',
  drill: 'Drill',
};

/** What the run is about, and where that is. */
export function subjectOf(run: ListedRun): { readonly subject: string; readonly href: string } {
  if (run.kind === 'restore' || run.kind === 'drill')
    return { subject: `of ${run.database_name ?? 'what is gone'}`, href: `/restores/${run.id}` };
  if (run.kind === 'deep_test') return { subject: 'of the storage', href: '/admin/storage#capabilities' };
  if (run.database_id === null) return { subject: 'of what is gone', href: '/runs' };
  return { subject: run.database_name ?? '–', href: `/databases/${run.database_id}` };
}
