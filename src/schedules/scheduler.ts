import type { Context } from '../db/context.ts';
import type { Log } from '../log.ts';
import type { Runs } from '../runs/runs.ts';
import { decideDue, listDue } from './due.ts';
import { createFollower } from './follow.ts';
import { retryFailed } from './retries.ts';
import { followClock } from './set-back.ts';

export interface SchedulerContext extends Context {
  readonly runs: Pick<Runs, 'wake'>;
  readonly log: Log;
}

/**
 * Looks at what is due, and makes its runs; to be called every so often, by however many processes. It has no timers of its
 * own: between two calls nothing is remembered but in the database.
 */
export function createScheduler(context: SchedulerContext): (signal?: AbortSignal) => Promise<void> {
  const follow = createFollower(context);
  return async (signal) => {
    await follow();
    await followClock(context);
    const made = (await decideAll(context, signal)) + (await retryFailed(context, signal));
    if (made > 0) context.runs.wake();
  };
}

/** Those that have waited longest first, so that the oldest is caught up first. */
async function decideAll(context: SchedulerContext, signal: AbortSignal | undefined): Promise<number> {
  const now = context.now();
  let made = 0;
  let page = await listDue(context.db, now);
  while (page.length > 0) {
    for (const { database_id: databaseId } of page) {
      if (signal?.aborted) return made;
      try {
        made += await decideDue(context, databaseId, made);
      } catch (error) {
        // One that can't be decided must not hold up the others; it stays due.
        context.log.error('a scheduled backup could not be begun', { databaseId, error });
      }
    }
    page = await listDue(context.db, now, page.at(-1));
  }
  return made;
}
