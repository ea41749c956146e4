import type { AreaPoint } from './charts/area.tsx';
import { formatBytes } from './format.ts';

/** How much is stored, and how it came to be so much. */
export interface StoredGrowth {
  readonly bytes: number;
  /** Buckets, and the disks of hosts as one. */
  readonly places: number;
  /** By how much it has grown in a week; negative where it shrank. */
  readonly inAWeek: number;
  /** What there will be if it goes on as in so many of the last days; null where that can't be told. */
  readonly forecast: {
    readonly inAWeek: number;
    readonly inAMonth: number;
    readonly fromDays: number;
  } | null;
  /** Of the end of each day, oldest first. */
  readonly points: readonly AreaPoint[];
}

/** `+1.2 GiB`. */
export function changeText(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes))}`;
}

/** `+1.2 GiB in 7 days`. */
export function growthText(bytes: number): string {
  return `${changeText(bytes)} in 7 days`;
}

/** `about 1.2 GiB a week from now`. */
export function forecastText({ inAWeek }: NonNullable<StoredGrowth['forecast']>): string {
  return `about ${formatBytes(inAWeek)} a week from now`;
}

/** In a sentence that promises nothing. */
export function forecastSentence({
  inAWeek,
  inAMonth,
  fromDays,
}: NonNullable<StoredGrowth['forecast']>): string {
  return `If it goes on as in the last ${fromDays} days, about ${formatBytes(inAWeek)} in 7 days and ${formatBytes(inAMonth)} in 30. That is a guess from what was added and deleted each day.`;
}
