import { CHECK_NAMES, type StorageProbe } from './result.ts';

/** What worked before and doesn't now, a sentence each. Another endpoint is another storage: nothing is lost there. */
export function lostSince(before: StorageProbe, beforeAt: string, now: StorageProbe): readonly string[] {
  if (before.endpoint !== now.endpoint) return [];
  return now.buckets.flatMap((bucket) => {
    const earlier = before.buckets.find(({ bucket: name }) => name === bucket.bucket);
    return bucket.checks
      .filter(
        ({ id, outcome }) =>
          outcome !== 'ok' && earlier?.checks.some((c) => c.id === id && c.outcome === 'ok'),
      )
      .map(
        ({ id, message }) =>
          `Bucket ${bucket.bucket}: "${CHECK_NAMES[id]}" worked at ${minuteOf(beforeAt)} and does not any more. ${message}`,
      );
  });
}

/** `2026-03-04 05:06 UTC` */
const minuteOf = (iso: string) => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
