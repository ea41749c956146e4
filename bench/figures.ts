export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [below = Number.NaN, above = Number.NaN] = [sorted[middle - 1], sorted[middle]];
  return sorted.length % 2 === 1 ? above : (below + above) / 2;
}

/** The list turned by so many places: no client is always the first of its round. */
export function rotate<T>(list: readonly T[], places: number): T[] {
  const from = places % list.length;
  return [...list.slice(from), ...list.slice(0, from)];
}

export function fixed(value: number, digits = 1): string {
  return value.toFixed(digits);
}

export function mib(bytes: number): string {
  return (bytes / MIB).toFixed(0);
}

/** The value that so many of a hundred are at most. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * percent) / 100) - 1)] ?? Number.NaN;
}
