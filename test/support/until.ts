/**
 * Most things come within a few milliseconds. What does not is asked for less often the longer it takes, since a look is a request
 * of some milliseconds of CPU time: it is seen by a twentieth of its time too late at most.
 */
const FIRST_POLL_MS = 3;
const POLL_MS = 25;
const LONGEST_POLL_MS = 100;
const POLLS_OF_A_WAIT = 20;
/** The most that one look counts for: a machine that stands still, or does other work, is not what is waited for. */
const LOOK_MS = 250;

/**
 * Waits until the condition gives something; throws, naming what was waited for, when it took too long. Time counts as far as
 * this process had it.
 */
export async function until<T>(
  what: string,
  withinMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  let waitedMs = 0;
  let lookedAt = performance.now();
  let pollMs = FIRST_POLL_MS;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    const now = performance.now();
    waitedMs += Math.min(LOOK_MS, now - lookedAt);
    lookedAt = now;
    if (waitedMs > withinMs) throw new Error(`Waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    pollMs = Math.min(LONGEST_POLL_MS, Math.max(Math.min(POLL_MS, pollMs * 2), waitedMs / POLLS_OF_A_WAIT));
  }
}
