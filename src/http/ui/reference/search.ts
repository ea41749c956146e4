import type { RouteLine } from '../../../../views/reference/reference.ts';
import type { Reference, ReferenceEntry } from './reference.ts';

/** As many as a page shows. */
export const MOST_FOUND = 50;
const LONGEST = 200;

export interface Found {
  readonly routes: readonly RouteLine[];
  readonly isMore: boolean;
}

/**
 * The routes that have every word of the question: in method and path first, then in what they do, then in fields and notes.
 * In whatever case; what is beyond 200 characters of it is left out.
 */
export function searchReference({ entries }: Reference, question: string): Found {
  const words = question.slice(0, LONGEST).toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return { routes: [], isMore: false };
  const found = [...entries.values()]
    .filter((entry) => words.every((word) => entry.words().includes(word)))
    .map((entry) => ({ entry, rank: rankOf(entry, words) }))
    .sort((one, other) => one.rank - other.rank);
  return {
    routes: found.slice(0, MOST_FOUND).map(({ entry }) => entry.line),
    isMore: found.length > MOST_FOUND,
  };
}

function rankOf({ line }: ReferenceEntry, words: readonly string[]): number {
  const hasAll = (text: string) => words.every((word) => text.toLowerCase().includes(word));
  if (hasAll(`${line.method} ${line.path}`)) return 0;
  return hasAll(`${line.method} ${line.path} ${line.summary}`) ? 1 : 2;
}
