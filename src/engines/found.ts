import { short } from '../short-text.ts';
import { type Discovery, type FoundDatabase, MOST_FOUND } from './engine.ts';

/** The answer to a search from what it printed; a name that is null could not be read. */
export function toDiscovery(
  serverVersion: string | null,
  found: readonly { readonly name: string | null; readonly size: string | null }[],
  notes: readonly string[] = [],
): Discovery {
  const readable = found.flatMap(({ name, size }): readonly FoundDatabase[] =>
    name === null ? [] : [{ name, sizeBytes: bytesOf(size) }],
  );
  const unreadable = found.length - readable.length;
  return {
    serverVersion: serverVersion === null ? null : short(serverVersion, LONGEST_VERSION),
    found: readable.slice(0, MOST_FOUND),
    notes: [
      ...notes,
      ...(unreadable > 0 ? [`Left out because their names are not in UTF-8: ${unreadable}.`] : []),
      ...(readable.length > MOST_FOUND
        ? [`There are more than ${MOST_FOUND}; those after them are not listed.`]
        : []),
    ],
  };
}

/** Longer ones are told by no server. */
const LONGEST_VERSION = 100;

function bytesOf(text: string | null): number | null {
  if (text === null || !/^\d{1,15}$/.test(text)) return null;
  return Number(text);
}
