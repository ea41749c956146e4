/** How near the end of something is. */
export type Stage = 'week' | 'day' | 'over';

const DAY_MS = 86_400_000;
/** Who makes something that ends so soon knows of it: what lives less than that is told of a day before alone. */
const SHORT_MS = 14 * DAY_MS;
/** And what lives less than that not at all. */
const BRIEF_MS = 2 * DAY_MS;

/**
 * How near the end is of what is good from one instant to another: within seven days, within one, or past; null where there is nothing to
 * be told yet.
 */
export function stageOf(
  { from, until }: { readonly from: string; readonly until: string },
  now: Date,
): Stage | null {
  const leftMs = Date.parse(until) - now.getTime();
  const lifeMs = Date.parse(until) - Date.parse(from);
  if (leftMs <= 0) return 'over';
  if (leftMs <= DAY_MS && lifeMs > BRIEF_MS) return 'day';
  return leftMs <= 7 * DAY_MS && lifeMs > SHORT_MS ? 'week' : null;
}
