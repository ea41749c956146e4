/** Of the disk that holds the app's own database, in bytes. */
export interface FreeSpace {
  readonly free: number;
  readonly total: number;
}

const GIB = 1024 ** 3;
const LEAST_SHARE = 0.05;
const ENOUGH = 5 * GIB;
const LEAST = GIB / 4;

/** Whether so little is left that the app may soon be unable to save: less than 256 MiB, or than a twentieth and 5 GiB. */
export function isNearlyFull({ free, total }: FreeSpace): boolean {
  return free < LEAST || (free < ENOUGH && free < total * LEAST_SHARE);
}
