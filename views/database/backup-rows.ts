import type { BackupFailure } from '../backup/failure.tsx';
import { summaryOf } from '../backup/failure.tsx';
import type { LevelOf } from '../backup/level.tsx';

export interface BackupItem extends LevelOf {
  readonly id: string;
  readonly filename: string;
  readonly type: 'manual' | 'scheduled';
  readonly startedBy: string | null;
  readonly createdAt: string;
  readonly size: number;
  /** By how much it differs from the median of the ten before it, as a share; null where that is nothing to speak of. */
  readonly sizeChange: number | null;
  /** Seconds. */
  readonly duration: number | null;
  readonly storageType: 'local' | 'spaces';
  readonly isPinned: boolean;
  readonly failure: BackupFailure | null;
  /** Until when it is kept, such as `7 Dec 2026 (daily)`; null where that is not known. */
  readonly kept: { readonly until: string } | null;
}

/** A line of the list: a backup, or several of the same failure in a row, of which it shows the newest. */
export interface Row {
  readonly backup: BackupItem;
  /** Of all of them, the newest first. */
  readonly ids: readonly string[];
  /** When the first of them was asked for. */
  readonly since: string;
}

/** Failures in a row with the same words become one line; newest first, as they come. */
export function foldFailures(backups: readonly BackupItem[]): readonly Row[] {
  const rows: { backup: BackupItem; ids: string[]; since: string }[] = [];
  for (const backup of backups) {
    const last = rows.at(-1);
    if (last !== undefined && isSameFailure(last.backup, backup)) {
      last.ids.push(backup.id);
      last.since = backup.createdAt;
    } else {
      rows.push({ backup, ids: [backup.id], since: backup.createdAt });
    }
  }
  return rows;
}

/** What is to be looked at is said by the newest that failed for it; what others are to look at is the same. */
export function adviseOnce(rows: readonly Row[]): readonly Row[] {
  const said = new Set<BackupFailure['storageProblem']>();
  return rows.map((row) => {
    const { failure } = row.backup;
    if (failure === null || failure.storageProblem === null) return row;
    if (!said.has(failure.storageProblem)) {
      said.add(failure.storageProblem);
      return row;
    }
    return { ...row, backup: { ...row.backup, failure: { ...failure, storageProblem: null } } };
  });
}

function isSameFailure(a: BackupItem, b: BackupItem): boolean {
  if (a.failure === null || b.failure === null || a.isPinned || b.isPinned) return false;
  return a.outcome === b.outcome && a.outcome === 'failed' && summaryOf(a.failure) === summaryOf(b.failure);
}
