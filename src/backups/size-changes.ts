import { median } from './day-tallies.ts';

/** How many before one are what it is compared with, and from what share on a difference is worth a word. */
const COMPARED_WITH = 10;
const NOTEWORTHY = 0.2;

/**
 * Of each size, oldest first: by how much it differs from the median of the ten before it, as a share (−0.5: half of it), or
 * null where that is no more than a fifth or where fewer than three tell what is usual.
 */
export function sizeChanges(sizes: readonly number[]): readonly (number | null)[] {
  return sizes.map((size, index) => {
    const before = sizes.slice(Math.max(0, index - COMPARED_WITH), index);
    const usual = before.length < 3 ? null : median(before);
    if (usual === null || usual <= 0 || !Number.isFinite(size)) return null;
    const change = (size - usual) / usual;
    return Math.abs(change) > NOTEWORTHY ? change : null;
  });
}
