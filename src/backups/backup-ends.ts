import type { Db } from '../db/schema.ts';
import type { Log } from '../log.ts';

/** For whoever waits until a backup is over. */
export interface BackupEnds {
  /**
   * Comes back when it is over or gone, when that time is over, when nobody waits any more (`signal`), or at the app's stop; at once
   * where as many wait as may.
   */
  wait(backupId: string, options: BackupWait): Promise<void>;
  /** Lets everybody go, and nobody wait from then on. */
  stop(): void;
}

export interface BackupWait {
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** By which session or token it is waited. */
  readonly credential: string;
}

/** One look for all who wait, however many they are: by ids, and only while somebody waits. */
const LOOK_EVERY_MS = 1_000;
/** How many may wait at once: each holds a connection. */
const MOST_WAITS = 500;
const MOST_OF_ONE = 10;

export function createBackupEnds(
  { db, log }: { readonly db: Db; readonly log: Log },
  { lookEveryMs = LOOK_EVERY_MS, mostWaits = MOST_WAITS, mostOfOne = MOST_OF_ONE } = {},
): BackupEnds {
  /** By backup; each lets one go. */
  const waiting = new Map<string, Set<() => void>>();
  /** By credential; those too who have just come. */
  const counts = new Map<string, number>();
  let total = 0;
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

  const untilOver = async (backupId: string, { forMs, signal }: BackupWait) => {
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
  };

  return {
    async wait(backupId, wait) {
      if (wait.forMs <= 0 || isStopped || wait.signal.aborted) return;
      const own = counts.get(wait.credential) ?? 0;
      if (total >= mostWaits || own >= mostOfOne) return;
      counts.set(wait.credential, own + 1);
      total += 1;
      try {
        await untilOver(backupId, wait);
      } finally {
        total -= 1;
        const left = (counts.get(wait.credential) ?? 1) - 1;
        if (left === 0) counts.delete(wait.credential);
        else counts.set(wait.credential, left);
      }
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
