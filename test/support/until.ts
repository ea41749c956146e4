/** Most things come within a few milliseconds; what does not is not asked for more often than forty times a second. */
const FIRST_POLL_MS = 3;
const POLL_MS = 25;

/** Waits until the condition gives something; throws, naming what was waited for, when it took too long. */
export async function until<T>(
  what: string,
  withinMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let pollMs = FIRST_POLL_MS;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`Waited ${withinMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    pollMs = Math.min(POLL_MS, pollMs * 2);
  }
}
