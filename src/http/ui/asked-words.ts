import type { Requested } from '../../backups/request-backup.ts';
import type { FlashKey } from './kit/flash.ts';

/** What asking for a backup came to. */
export function wordsOf({ isNew, isRunning }: Requested): FlashKey {
  if (!isNew) return isRunning ? 'backup-runs-and-waits' : 'backup-waits';
  return isRunning ? 'backup-queued' : 'backup-requested';
}

/** The same of several databases: how many are to be backed up now, and of how many one waited already. */
export function wordsOfAll(requested: readonly Requested[]): {
  readonly say: FlashKey;
  readonly count?: number;
  readonly rest?: number;
} {
  const [only] = requested;
  if (only === undefined) return { say: 'nothing-selected' };
  if (requested.length === 1) return { say: wordsOf(only) };
  const count = requested.filter(({ isNew }) => isNew).length;
  const rest = requested.length - count;
  return count === 0 ? { say: 'backups-wait', count: rest } : { say: 'backups-requested', count, rest };
}
