import type { PlannedBackup } from './plan.ts';

export interface MeasuredBackup extends PlannedBackup {
  /** Bytes of the dump before compression; 0 where they are not known. */
  readonly bytesRead: number;
}

/** The newest good backups became much smaller than those before them. */
export interface Shrink {
  /** The first of the small ones. */
  readonly backupId: string;
  readonly createdAt: string;
  /** What it has, and what those before it have as a rule: bytes of the dump, where they are known of all. */
  readonly bytes: number;
  readonly usualBytes: number;
}

/** So many good ones tell what is usual; fewer tell nothing. */
const FEWEST = 3;
const MOST = 10;

/**
 * Whether the newest good backup, or all since an older one, are smaller than the median of those before by more than the
 * share: as where tables vanished or a dump became nearly empty. Backups before `acceptedThrough` are no measure. `backups`
 * newest first. Null where nothing shrank, or nobody knows what is usual.
 */
export function shrinkOf(
  backups: readonly MeasuredBackup[],
  { percent, acceptedThrough }: { readonly percent: number; readonly acceptedThrough: string | null },
): Shrink | null {
  const good: MeasuredBackup[] = [];
  for (const backup of backups) {
    if (acceptedThrough !== null && backup.createdAt < acceptedThrough) break;
    if (backup.isGood) good.push(backup);
    if (good.length >= 2 * MOST) break;
  }
  for (let first = 0; first < MOST; first += 1) {
    const before = good.slice(first + 1, first + 1 + MOST);
    if (before.length < FEWEST) return null;
    const since = good.slice(0, first + 1);
    const bytesOf = measure([...since, ...before]);
    const usualBytes = median(before.map(bytesOf));
    const least = usualBytes * (1 - percent / 100);
    const small = since.at(-1);
    if (small !== undefined && since.every((backup) => bytesOf(backup) < least)) {
      return { backupId: small.id, createdAt: small.createdAt, bytes: bytesOf(small), usualBytes };
    }
  }
  return null;
}

/** By the dump itself where that is known: another compression is no loss. */
function measure(backups: readonly MeasuredBackup[]): (backup: MeasuredBackup) => number {
  const isKnown = backups.every(({ bytesRead }) => bytesRead > 0);
  return isKnown ? ({ bytesRead }) => bytesRead : ({ size }) => size;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return ((low ?? 0) + (high ?? 0)) / 2;
}
