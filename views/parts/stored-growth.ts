import type { AreaPoint } from './charts/area.tsx';
import { formatBytes } from './format.ts';

/** How much is stored, and how it came to be so much. */
export interface StoredGrowth {
  readonly bytes: number;
  /** Buckets, and the disks of hosts as one. */
  readonly places: number;
  /** By how much it has grown in a week; negative where it shrank. */
  readonly inAWeek: number;
  /** Of the end of each day, oldest first. */
  readonly points: readonly AreaPoint[];
}

/** `+1.2 GiB in 7 days`. */
export function growthText(bytes: number): string {
  return `${bytes < 0 ? '−' : '+'}${formatBytes(Math.abs(bytes))} in 7 days`;
}
