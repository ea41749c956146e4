import { CHECK_NAMES, type Check, type CheckId, type TestedStorage } from './result.ts';

/** A result, and when it was found. */
export interface EarlierDeepTest extends TestedStorage {
  readonly finishedAt: string;
}

/** One check of a test. */
interface Tried {
  readonly endpoint: string;
  readonly bucket: string;
  readonly id: CheckId;
  readonly outcome: Check['outcome'];
}

/**
 * When that worked the last time that it was tried before, where it does not any more; null otherwise. What was skipped then or now says
 * nothing, and another endpoint is another storage. `earlier`: the newest first.
 */
export function workedAt(
  { endpoint, bucket, id, outcome }: Tried,
  earlier: readonly EarlierDeepTest[],
): string | null {
  if (outcome !== 'failed' && outcome !== 'absent') return null;
  for (const test of earlier) {
    if (test.endpoint !== endpoint) continue;
    const then = test.buckets
      .find(({ bucket: name }) => name === bucket)
      ?.checks.find((check) => check.id === id);
    if (then === undefined || then.outcome === 'skipped') continue;
    return then.outcome === 'ok' ? test.finishedAt : null;
  }
  return null;
}

/** What worked before and doesn't now, a sentence each. `earlier`: the newest first. */
export function lostSince(earlier: readonly EarlierDeepTest[], now: TestedStorage): readonly string[] {
  const { endpoint } = now;
  return now.buckets.flatMap(({ bucket, checks }) =>
    checks.flatMap(({ id, outcome, message }) => {
      const at = workedAt({ endpoint, bucket, id, outcome }, earlier);
      if (at === null) return [];
      const what = `Bucket ${bucket}: "${CHECK_NAMES[id]}"`;
      return [`${what} worked at ${minuteOf(at)} and does not any more. ${message}`];
    }),
  );
}

/** `2026-03-04 05:06 UTC` */
const minuteOf = (iso: string) => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
