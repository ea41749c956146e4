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
  /** The backup that is being made at this moment, by a process that is alive; one that waits for its turn is none. */
  readonly underWay: {
    readonly id: string;
    /** When its run began. */
    readonly at: string;
    /** How long the longest of the last good ones took, and the last of them, in seconds; null where that is not known. */
    readonly longestSeconds: number | null;
    readonly lastSeconds: number | null;
  } | null;
}

/** A backup that is being made, and that is waited for before its database is called late. */
export interface UnderWay {
  readonly backupId: string;
  readonly since: string;
  /** Until when it is waited for. */
  readonly until: string;
  /** How long the last good one took; null where that is not known. */
  readonly lastSeconds: number | null;
}

export interface Protection {
  readonly state: ProtectionState;
  readonly lastGood: ProtectionFacts['lastGood'];
  /**
   * When a good backup must be there at the latest, else the database is late; null where there never was one. While one is being made
   * that is waited for, no earlier than that is. Of one that is late since its last good one is from the future it is now: nobody can
   * tell since when.
   */
  readonly dueAt: string | null;
  /** What is waited for; null where nothing is. */
  readonly underWay: UnderWay | null;
  /** How old the last good one may be. */
  readonly maxAgeHours: number;
}

/** What a run by schedule may take before the backup that it makes is missed. */
export const GRACE_HOURS = 2;
/**
 * So many times as long as the longest of the last good ones may a backup take before it is waited for no more: twice is what a
 * database that has grown, a full disk cache or a slow uplink may cost, and a run that hangs hides for one night at most.
 */
const PATIENCE = 2;
const HOUR_MS = 3_600_000;
/** Of another machine's clock a little may lie ahead; from further ahead a backup tells that the clock was set back since. */
export const AHEAD_MS = 5 * 60_000;

/**
 * `paused`: its schedule is, so that nobody expects one. `never`: there is no good backup. `late`: the last good one is older
 * than it may be, or from so far ahead that nobody can tell how old it is: the clock was set back. `failing`: it is not, but the last run
 * failed; of a last good one from the future none counts as later. `protected` otherwise. Never and late are not safe. What becomes too
 * old while a backup is being made that began in time is not late before that has ended, or has taken far longer than it ever did.
 */
export function protection(facts: ProtectionFacts, now: Date): Protection {
  const { lastGood } = facts;
  const maxAgeHours = maxAgeOf(facts);
  const due = lastGood === null ? null : Date.parse(lastGood.at) + maxAgeHours * HOUR_MS;
  const underWay = waitedFor(facts, due, now);
  const state = stateOf(facts, { mostMs: maxAgeHours * HOUR_MS, isWaitedFor: underWay !== null }, now);
  const at = due === null ? null : atLatest(due, { state, underWay }, now);
  const dueAt = at === null ? null : new Date(at).toISOString();
  return { state, lastGood, dueAt, underWay, maxAgeHours };
}

function atLatest(due: number, { state, underWay }: Pick<Protection, 'state' | 'underWay'>, now: Date) {
  if (state === 'late') return Math.min(due, now.getTime());
  return underWay === null ? due : Math.max(due, Date.parse(underWay.until));
}

/**
 * What began when the database was late already ends nothing: that it is late was told. A process that died renews no claim, and
 * one that hangs is waited for no longer than its database's backups can take.
 */
function waitedFor({ underWay }: ProtectionFacts, due: number | null, now: Date): UnderWay | null {
  if (underWay === null) return null;
  const { id, at, longestSeconds, lastSeconds } = underWay;
  const began = Date.parse(at);
  const until = began + Math.max(GRACE_HOURS * HOUR_MS, PATIENCE * 1000 * (longestSeconds ?? 0));
  if (now.getTime() > until || (due !== null && began > due)) return null;
  return { backupId: id, since: at, until: new Date(until).toISOString(), lastSeconds };
}

/** Whether the last good backup is older than it may be, and the database is not late since another is being made. */
export function isOverdue(
  { lastGood, underWay, maxAgeHours }: Pick<Protection, 'lastGood' | 'underWay' | 'maxAgeHours'>,
  now: Date,
): boolean {
  if (lastGood === null || underWay === null) return false;
  return now.getTime() - Date.parse(lastGood.at) > maxAgeHours * HOUR_MS;
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
  { mostMs, isWaitedFor }: { readonly mostMs: number; readonly isWaitedFor: boolean },
  now: Date,
): ProtectionState {
  if (schedule?.isPaused) return 'paused';
  if (lastGood === null) return 'never';
  const ageMs = now.getTime() - Date.parse(lastGood.at);
  if (ageMs < -mostMs || (ageMs > mostMs && !isWaitedFor)) return 'late';
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
