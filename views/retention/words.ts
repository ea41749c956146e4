/** What a policy keeps, as far as it is put into words. */
export interface Kept {
  readonly keepLast: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  readonly minFloor: number;
}

/** `the 24 newest, 7 days, 4 weeks and 6 months`. */
export function keptWords({ keepLast, daily, weekly, monthly, yearly }: Kept): string {
  const parts = [
    ...(keepLast > 0 ? [keepLast === 1 ? 'the newest' : `the ${keepLast} newest`] : []),
    ...spans([
      [daily, 'day'],
      [weekly, 'week'],
      [monthly, 'month'],
      [yearly, 'year'],
    ]),
  ];
  if (parts.length === 0) return 'none but the newest good ones';
  return parts.length === 1 ? parts.join() : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function spans(counts: readonly (readonly [number, string])[]): readonly string[] {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, noun]) => `${count} ${noun}${count === 1 ? '' : 's'}`);
}

/** What nothing prunes. */
export function floorWords({ minFloor }: Kept): string {
  const newest = minFloor === 1 ? 'The newest good backup is' : `The ${minFloor} newest good backups are`;
  return `${newest} never pruned, whatever the rules and the cap say, nor is anything newer. Backups made by hand and those kept for ever are never pruned either.`;
}
