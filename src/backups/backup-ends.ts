import type { Db } from '../db/schema.ts';
import type { Log } from '../log.ts';

/** For whoever waits until a backup is over. */
export interface BackupEnds {
  /** Comes back when it is over or gone, when that time is over, when nobody waits any more (`signal`), or at the app's stop. */
  wait(backupId: string, options: { readonly forMs: number; readonly signal: AbortSignal }): Promise<void>;
  /** Lets everybody go, and nobody wait from then on. */
  stop(): void;
}

/** One look for all who wait, however many they are: by ids, and only while somebody waits. */
const LOOK_EVERY_MS = 1_000;

export function createBackupEnds(
  { db, log }: { readonly db: Db; readonly log: Log },
  { lookEveryMs = LOOK_EVERY_MS } = {},
): BackupEnds {
  /** By backup; each lets one go. */
  const waiting = new Map<string, Set<() => void>>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  const letGo = (backupId: string) => {
    for (const leave of waiting.get(backupId) ?? []) leave();
  };
  const lookAgain = () => {
    if (timer !== undefined || waiting.size === 0) return;
    timer = setTimeout(async () => {
      try {
        const going = await goingOn(db, [...waiting.keys()]);
        for (const backupId of waiting.keys()) if (!going.has(backupId)) letGo(backupId);
      } catch (error) {
        // Each waits no longer than it asked for, whatever is wrong with the database.
        log.debug('how far backups are could not be looked at', { error });
      }
      timer = undefined;
      lookAgain();
    }, lookEveryMs);
  };

  return {
    async wait(backupId, { forMs, signal }) {
      if (forMs <= 0 || isStopped || signal.aborted) return;
      if (!(await goingOn(db, [backupId])).has(backupId)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const late = setTimeout(resolve, forMs);
      const leave = () => resolve();
      signal.addEventListener('abort', leave);
      const others = waiting.get(backupId) ?? new Set();
      waiting.set(backupId, others.add(leave));
      // Between the look and here it may have been stopped, or left.
      if (isStopped || signal.aborted) resolve();
      lookAgain();
      await promise;
      clearTimeout(late);
      signal.removeEventListener('abort', leave);
      others.delete(leave);
      if (others.size === 0) waiting.delete(backupId);
    },
    stop() {
      isStopped = true;
      for (const backupId of waiting.keys()) letGo(backupId);
    },
  };
}

/** Those of them that wait or run. */
async function goingOn(db: Db, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('backups')
    .select('id')
    .where('id', 'in', ids)
    .where('status', 'in', ['pending', 'in_progress'])
    .execute();
  return new Set(rows.map(({ id }) => id));
}
