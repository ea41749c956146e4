import type { VanishedTables } from '../backups/vanished-tables.ts';
import type { PlannedBackup } from './plan.ts';

/** A good backup no longer holds tables that each of those before it held. */
export interface Vanished extends VanishedTables {
  readonly backupId: string;
  readonly createdAt: string;
}

/** So many of the newest good ones are looked at. */
const MOST = 20;

/**
 * The newest good backup from which tables vanished, of those that nobody has accepted: newer than `acceptedThrough`. `backups`
 * newest first; `vanished` by their ids. Null where there is none.
 */
export function vanishedIn(
  backups: readonly PlannedBackup[],
  vanished: ReadonlyMap<string, VanishedTables>,
  acceptedThrough: string | null,
): Vanished | null {
  if (vanished.size === 0) return null;
  let good = 0;
  for (const { id, createdAt, isGood } of backups) {
    if (acceptedThrough !== null && createdAt <= acceptedThrough) return null;
    if (!isGood) continue;
    const tables = vanished.get(id);
    if (tables !== undefined) return { ...tables, backupId: id, createdAt };
    good += 1;
    if (good >= MOST) return null;
  }
  return null;
}
