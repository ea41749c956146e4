import { median, type StoredOnDay } from './day-tallies.ts';

/** What there will be, in bytes, if it goes on as it did; a guess. */
export interface StoredForecast {
  readonly inAWeek: number;
  readonly inAMonth: number;
  /** Whole days that it is told from. */
  readonly fromDays: number;
}

const LEAST_DAYS = 14;
const MOST_DAYS = 28;
/** What changes by less in a week stays as it is. */
const LEAST_SHARE = 0.01;

/**
 * From the days of which the last is today, and what there is now (bytes). Null where too few whole days are known, or where hardly anything
 * changes. The pace is the median of those between each two days (Theil and Sen), so that one large day, a new database or one that was
 * deleted, does not count as if it came every week.
 */
export function forecastStored(days: readonly StoredOnDay[], now: number): StoredForecast | null {
  const whole = days.slice(0, -1);
  const first = whole.findIndex(({ bytes }) => bytes > 0);
  if (first === -1 || whole.length - first < LEAST_DAYS) return null;
  const known = whole.slice(Math.max(first, whole.length - MOST_DAYS));
  const aDay = median(pacesOf(known.map(({ bytes }) => bytes))) ?? 0;
  if (Math.abs(aDay) * 7 < now * LEAST_SHARE || now === 0) return null;
  const after = (count: number) => Math.max(0, Math.round(now + aDay * count));
  return { inAWeek: after(7), inAMonth: after(30), fromDays: known.length };
}

/** Bytes a day, between each two of them. */
function pacesOf(bytes: readonly number[]): readonly number[] {
  return bytes.flatMap((later, at) =>
    bytes.slice(0, at).map((earlier, from) => (later - earlier) / (at - from)),
  );
}
