/** Whether a database is safe: what pages, API and messages say of it, from one place; the worst first. */
export const PROTECTIONS = ['never', 'late', 'failing', 'paused', 'protected'] as const;
export type ProtectionState = (typeof PROTECTIONS)[number];

/** What is known of a database's backups. Deleted ones do not count. */
export interface ProtectionFacts {
  /** The newest that is completed and whose verification has not failed; `at` is when its dump began: it holds nothing newer. */
  readonly lastGood: { readonly id: string; readonly at: string } | null;
  /** The newest that ended by itself: not one that somebody cancelled, nor one of which nobody knows yet. */
  readonly lastEnded: { readonly id: string; readonly at: string; readonly isGood: boolean } | null;
  /** How old the last good one may be where no schedule says it. */
  readonly maxAgeHours: number;
  /** The schedule that counts for it; null where none does, or it is disabled. */
  readonly schedule: { readonly intervalMinutes: number; readonly isPaused: boolean } | null;
}

export interface Protection {
  readonly state: ProtectionState;
  readonly lastGood: ProtectionFacts['lastGood'];
  /**
   * When a good backup must be there at the latest, else the database is late; null where there never was one. Of one that is late
   * since its last good one is from the future it is now: nobody can tell since when.
   */
  readonly dueAt: string | null;
  /** How old the last good one may be. */
  readonly maxAgeHours: number;
}

/** What a run by schedule may take before the backup that it makes is missed. */
export const GRACE_HOURS = 2;
const HOUR_MS = 3_600_000;
/** Of another machine's clock a little may lie ahead; from further ahead a backup tells that the clock was set back since. */
export const AHEAD_MS = 5 * 60_000;

/**
 * `paused`: its schedule is, so that nobody expects one. `never`: there is no good backup. `late`: the last good one is older
 * than it may be, or from so far ahead that nobody can tell how old it is: the clock was set back. `failing`: it is not, but the last run
 * failed; of a last good one from the future none counts as later. `protected` otherwise. Never and late are not safe.
 */
export function protection(facts: ProtectionFacts, now: Date): Protection {
  const { lastGood } = facts;
  const maxAgeHours = maxAgeOf(facts);
  const due = lastGood === null ? null : Date.parse(lastGood.at) + maxAgeHours * HOUR_MS;
  const state = stateOf(facts, maxAgeHours * HOUR_MS, now);
  const at = due !== null && state === 'late' ? Math.min(due, now.getTime()) : due;
  const dueAt = at === null ? null : new Date(at).toISOString();
  return { state, lastGood, dueAt, maxAgeHours };
}

/** Whether it lies so far ahead that nothing can be told to have come after it. */
export function isAhead({ at }: { readonly at: string }, now: Date): boolean {
  return Date.parse(at) > now.getTime() + AHEAD_MS;
}

/** The longest time between two slots of its schedule, and some grace; else what is set for the database. */
function maxAgeOf({ schedule, maxAgeHours }: ProtectionFacts): number {
  return schedule === null ? maxAgeHours : schedule.intervalMinutes / 60 + GRACE_HOURS;
}

function stateOf(
  { schedule, lastGood, lastEnded }: ProtectionFacts,
  mostMs: number,
  now: Date,
): ProtectionState {
  if (schedule?.isPaused) return 'paused';
  if (lastGood === null) return 'never';
  if (Math.abs(now.getTime() - Date.parse(lastGood.at)) > mostMs) return 'late';
  if (lastEnded === null || lastEnded.isGood) return 'protected';
  return lastEnded.at > lastGood.at || isAhead(lastGood, now) ? 'failing' : 'protected';
}

/** How old the last good one may be, in hours; null while a pause lets nobody expect one. */
export function targetOf({ state, maxAgeHours }: Pick<Protection, 'state' | 'maxAgeHours'>): number | null {
  return state === 'paused' ? null : maxAgeHours;
}

/** Whether the last good backup is there and as new as it must be, or nobody expects one. */
export function isSafe({ state }: Pick<Protection, 'state'>): boolean {
  return state !== 'never' && state !== 'late';
}
