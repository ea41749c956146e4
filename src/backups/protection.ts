/** Whether a database is safe: what pages, API and messages say of it, from one place. */
export const PROTECTIONS = ['never', 'late', 'failing', 'protected'] as const;
export type ProtectionState = (typeof PROTECTIONS)[number];

/** What is known of a database's backups. Deleted ones do not count. */
export interface ProtectionFacts {
  /** The newest that is completed and whose verification has not failed; `at` is when its dump began: it holds nothing newer. */
  readonly lastGood: { readonly id: string; readonly at: string } | null;
  /** The newest that ended by itself: not one that somebody cancelled, nor one of which nobody knows yet. */
  readonly lastEnded: { readonly id: string; readonly at: string; readonly isGood: boolean } | null;
  /** How old the last good one may be. */
  readonly maxAgeHours: number;
}

export interface Protection {
  readonly state: ProtectionState;
  readonly lastGood: ProtectionFacts['lastGood'];
  /** When a good backup must be there at the latest, else the database is late; null where there never was one. */
  readonly dueAt: string | null;
}

const HOUR_MS = 3_600_000;

/**
 * `never`: there is no good backup. `late`: the last good one is older than it may be. `failing`: it is not, but the last
 * run failed. `protected` otherwise. The first two are not safe.
 */
export function protection(facts: ProtectionFacts, now: Date): Protection {
  const { lastGood, lastEnded, maxAgeHours } = facts;
  if (lastGood === null) return { state: 'never', lastGood, dueAt: null };
  const due = Date.parse(lastGood.at) + maxAgeHours * HOUR_MS;
  return { state: stateOf(due), lastGood, dueAt: new Date(due).toISOString() };

  function stateOf(dueMs: number): ProtectionState {
    if (now.getTime() > dueMs) return 'late';
    return lastEnded !== null && !lastEnded.isGood && lastEnded.at > (lastGood?.at ?? '')
      ? 'failing'
      : 'protected';
  }
}

/** Whether the last good backup is there and as new as it must be. */
export function isSafe({ state }: Pick<Protection, 'state'>): boolean {
  return state === 'failing' || state === 'protected';
}
