const STORE_TIMEOUT_MS = 60_000;
export const MAX_PAUSE_MS = 3_600_000;

/** How long what could not be removed is left alone after so many tries. */
export function pauseMs(tries: number): number {
  return Math.min(MAX_PAUSE_MS, 15_000 * 2 ** Math.min(tries, 10));
}

/** Ends with the app, or after a minute. */
export function limited(stop: AbortSignal): AbortSignal {
  return AbortSignal.any([stop, AbortSignal.timeout(STORE_TIMEOUT_MS)]);
}
