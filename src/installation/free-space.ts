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

const TOLD_SHARE = 0.1;
const TOLD_BELOW = GIB;
/** On a disk that is not larger, as much as that is never left. */
const SMALL_DISK = 5 * GIB;
/** More than that is enough on any disk. */
const PLENTY = 20 * GIB;

/**
 * Whether people are to be told, while there is time: less than a tenth (of which 20 GiB are enough), or less than 1 GiB of a disk of
 * more than 5 GiB. Whatever `isNearlyFull` says yes to is among it.
 */
export function isFillingUp(space: FreeSpace): boolean {
  const { free, total } = space;
  const isLow = free < PLENTY && free < total * TOLD_SHARE;
  return isLow || (free < TOLD_BELOW && total > SMALL_DISK) || isNearlyFull(space);
}

/** Whether there is so much again that it does not begin anew with the next file. */
export function hasRoomAgain({ free, total }: FreeSpace): boolean {
  return !isFillingUp({ free: free * MARGIN, total });
}

const MARGIN = 0.8;
