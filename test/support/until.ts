/** Most things come within a few milliseconds; what does not is not asked for more often than forty times a second. */
const FIRST_POLL_MS = 3;
const POLL_MS = 25;
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
    pollMs = Math.min(POLL_MS, pollMs * 2);
  }
}
