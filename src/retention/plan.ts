import { type CalendarPlace, calendarOf, firstDay } from './calendar.ts';

/** How many backups are kept of each kind. */
export interface RetentionRules {
  readonly keepLast: number;
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** So many of the newest good backups nothing prunes; 1 at least. */
  readonly minFloor: number;
  /** Of all completed backups of the database; null: no cap. */
  readonly maxTotalBytes: number | null;
}

/** A completed backup, as far as the plan looks at it. */
export interface PlannedBackup {
  readonly id: string;
  /** ISO-8601 UTC with milliseconds. */
  readonly createdAt: string;
  readonly size: number;
  readonly type: 'manual' | 'scheduled';
  readonly isPinned: boolean;
  /** False where its verification failed: it takes no place of a good one. */
  readonly isGood: boolean;
  /** Until when its storage lets nobody remove it, or is paid for anyway; null where nothing does. ISO-8601. */
  readonly retained: { readonly until: string; readonly why: string } | null;
  /** Until when it may be read, ISO-8601, `null` for as long as it is; null where nobody reads it. */
  readonly inUse: { readonly until: string | null } | null;
}

/** Why a backup stays or goes, in one word. */
export type Because =
  | 'pinned'
  | 'manual'
  | 'floor'
  | 'tier'
  | 'unproven'
  | 'in_use'
  | 'retained'
  | 'clock'
  | 'no_tier'
  | 'cap';

export interface Decision<Backup extends PlannedBackup = PlannedBackup> {
  readonly backup: Backup;
  readonly keep: boolean;
  readonly because: Because;
  /** The rule that says so, in words. */
  readonly rule: string;
  /** The first day on which it may go, `YYYY-MM-DD` in the zone, where that is known. */
  readonly until: string | null;
  /** Of what tiers keep, the longest of them. */
  readonly tier?: TierNoun | undefined;
}

export type TierNoun = 'day' | 'week' | 'month' | 'year';

export interface Plan<Backup extends PlannedBackup = PlannedBackup> {
  /** Of every backup, newest first. */
  readonly decisions: readonly Decision<Backup>[];
  readonly keep: readonly Backup[];
  readonly prune: readonly Backup[];
  readonly bytesFreed: number;
  /** What stays is larger than the cap, and nothing more may go. */
  readonly cappedButUnreachable: boolean;
}

/** A backup from further ahead than that tells that the clock was set back, or had run ahead. */
const CLOCK_TOLERANCE_MS = 5 * 60_000;
/** Backups that are looked at in one go, a millisecond or two. */
const IN_ONE_GO = 5_000;

/**
 * Which backups of one database stay and which go, each with the rule that says so. Pure. Kept are: all but scheduled ones and
 * all pinned ones; the `minFloor` newest good ones of any type and all that is newer than the last of these; the `keepLast`
 * newest; and of each of the newest so many days, ISO weeks, months and years in the zone that have a good backup its newest.
 * While what is left is larger than the cap, the oldest of what the tiers keep goes too. What can't go now (in use, retained by its
 * storage) stays for as long. Of no use to a clock that was set back: then all stays.
 */
export function plan<Backup extends PlannedBackup>(
  rules: RetentionRules,
  backups: readonly Backup[],
  now: Date,
  zone: string,
): Plan<Backup> {
  const steps = planInSteps(rules, backups, now, zone);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** As `plan`, in turns with others: many thousand backups must not stop what else the process does. */
export async function planInTurns<Backup extends PlannedBackup>(
  rules: RetentionRules,
  backups: readonly Backup[],
  now: Date,
  zone: string,
): Promise<Plan<Backup>> {
  const steps = planInSteps(rules, backups, now, zone);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await new Promise((resolve) => setTimeout(resolve));
  }
}

function* planInSteps<Backup extends PlannedBackup>(
  rules: RetentionRules,
  given: readonly Backup[],
  now: Date,
  zone: string,
): Generator<void, Plan<Backup>> {
  const backups = isNewestFirst(given) ? given : [...given].sort(newestFirst);
  yield;
  const ahead =
    backups[0] !== undefined && Date.parse(backups[0].createdAt) > now.getTime() + CLOCK_TOLERANCE_MS;
  if (ahead) return keepAll(backups);
  const floorEnd = endOfFloor(backups, rules.minFloor);
  const tiers = createTiers(rules, zone, now);
  const decisions: Decision<Backup>[] = [];
  for (const [index, backup] of backups.entries()) {
    decisions.push(decide(backup, index, floorEnd, tiers, rules.minFloor));
    if (index % IN_ONE_GO === IN_ONE_GO - 1) yield;
  }
  yield* evictOverCap(decisions, rules.maxTotalBytes, floorEnd);
  yield;
  return summarise(holdBack(decisions, now), rules.maxTotalBytes);
}

/** How many of the newest nothing prunes: up to the last good one of the floor; all where there are too few good ones. */
function endOfFloor(backups: readonly PlannedBackup[], minFloor: number): number {
  let good = 0;
  for (const [index, { isGood }] of backups.entries()) {
    if (isGood) good += 1;
    if (good >= Math.max(1, minFloor)) return index + 1;
  }
  return backups.length;
}

function decide<Backup extends PlannedBackup>(
  backup: Backup,
  index: number,
  floorEnd: number,
  tiers: Tiers,
  minFloor: number,
): Decision<Backup> {
  if (backup.isPinned) return kept(backup, 'pinned', 'Pinned');
  if (backup.type === 'manual') return kept(backup, 'manual', 'Made by hand: nothing prunes it');
  const tier = backup.isGood ? tiers.claim(backup) : null;
  if (index < floorEnd) {
    if (!backup.isGood) {
      const rule = `Its verification failed: it stays until there are ${minFloor} newer good ones`;
      return kept(backup, 'unproven', rule);
    }
    const floor = `One of the ${minFloor} newest good backups, which nothing prunes`;
    return kept(backup, 'floor', tier === null ? floor : `${tier.rule}. ${floor}`, tier ?? undefined);
  }
  if (tier !== null) return kept(backup, 'tier', tier.rule, tier);
  const rule = backup.isGood
    ? 'No rule keeps it'
    : `Its verification failed, and there are ${minFloor} newer good ones`;
  return { backup, keep: false, because: 'no_tier', rule, until: null };
}

function kept<Backup extends PlannedBackup>(
  backup: Backup,
  because: Because,
  rule: string,
  { until, tier }: Pick<Decision, 'until' | 'tier'> = { until: null },
): Decision<Backup> {
  return { backup, keep: true, because, rule, until, tier };
}

interface Tiers {
  /** To be called with the good candidates, newest first. Null where no tier keeps it. */
  claim(backup: PlannedBackup): Pick<Decision, 'rule' | 'until' | 'tier'> | null;
}

interface Bucketed {
  readonly noun: TierNoun;
  readonly count: number;
  readonly seen: Set<number>;
  readonly numberOf: (place: CalendarPlace) => number;
  readonly firstDayOf: (number: number) => string;
}

function createTiers(
  { keepLast, daily, weekly, monthly, yearly }: RetentionRules,
  zone: string,
  now: Date,
): Tiers {
  const calendar = calendarOf(zone);
  const present = calendar.placeOf(now.getTime());
  const buckets: readonly Bucketed[] = [
    { noun: 'day', count: daily, seen: new Set(), numberOf: ({ day }) => day, firstDayOf: firstDay.ofDay },
    {
      noun: 'week',
      count: weekly,
      seen: new Set(),
      numberOf: ({ week }) => week,
      firstDayOf: firstDay.ofWeek,
    },
    {
      noun: 'month',
      count: monthly,
      seen: new Set(),
      numberOf: ({ month }) => month,
      firstDayOf: firstDay.ofMonth,
    },
    {
      noun: 'year',
      count: yearly,
      seen: new Set(),
      numberOf: ({ year }) => year,
      firstDayOf: firstDay.ofYear,
    },
  ];
  let claimed = 0;
  const isFull = () => claimed >= keepLast && buckets.every(({ count, seen }) => seen.size >= count);
  return {
    claim({ createdAt }) {
      if (isFull()) return null;
      claimed += 1;
      const place = calendar.placeOf(Date.parse(createdAt));
      const nouns: TierNoun[] = [];
      let until: string | null = null;
      for (const { noun, count, seen, numberOf, firstDayOf } of buckets) {
        const number = numberOf(place);
        if (seen.size >= count || seen.has(number)) continue;
        seen.add(number);
        nouns.push(noun);
        // While its day is not over, a newer one of that day may take its place.
        if (number >= numberOf(present)) continue;
        const free = firstDayOf(number + count);
        if (until === null || free > until) until = free;
      }
      const isLast = claimed <= keepLast;
      if (!isLast && nouns.length === 0) return null;
      const parts = [
        ...(isLast ? [`One of the ${keepLast} newest`] : []),
        ...(nouns.length === 0 ? [] : [`${isLast ? 'the' : 'The'} newest of its ${listed(nouns)}`]),
      ];
      return { rule: parts.join(', '), until, tier: nouns.at(-1) };
    },
  };
}

const listed = (nouns: readonly string[]) =>
  nouns.length === 1 ? nouns.join() : `${nouns.slice(0, -1).join(', ')} and ${nouns.at(-1)}`;

/** Takes the oldest of what tiers keep, while all that is left is larger than the cap. Changes the decisions. */
function* evictOverCap<Backup extends PlannedBackup>(
  decisions: Decision<Backup>[],
  cap: number | null,
  floorEnd: number,
): Generator<void> {
  if (cap === null) return;
  let total = 0;
  for (const { keep, backup } of decisions) if (keep) total += backup.size;
  for (let index = decisions.length - 1; index >= floorEnd && total > cap; index -= 1) {
    const decision = decisions[index];
    if (decision?.because !== 'tier') continue;
    decisions[index] = {
      ...decision,
      ...({ keep: false, because: 'cap', until: null } as const),
      rule: 'The backups of this database are larger than the cap, and it is the oldest that may go',
    };
    total -= decision.backup.size;
    if (index % IN_ONE_GO === 0) yield;
  }
}

/** What may go, but not now. */
function holdBack<Backup extends PlannedBackup>(
  decisions: readonly Decision<Backup>[],
  now: Date,
): readonly Decision<Backup>[] {
  const present = now.toISOString();
  return decisions.map((decision) => {
    if (decision.keep) return decision;
    const { backup } = decision;
    if (backup.inUse?.until === null) return kept(backup, 'in_use', 'In use: it is being read just now');
    if (backup.inUse !== null && backup.inUse.until > present) {
      return kept(backup, 'in_use', `In use until ${shortly(backup.inUse.until)}: it may be read until then`);
    }
    if (backup.retained === null || backup.retained.until <= present) return decision;
    const { until, why } = backup.retained;
    return kept(backup, 'retained', `Retained until ${shortly(until)}: ${why}`, {
      until: until.slice(0, 10),
    });
  });
}

const shortly = (instant: string) => `${instant.slice(0, 16).replace('T', ' ')} UTC`;

function keepAll<Backup extends PlannedBackup>(backups: readonly Backup[]): Plan<Backup> {
  const rule =
    'There is a backup from the future: the clock was set back, or was ahead. Nothing is pruned until that time has come, or that backup is deleted';
  const decisions = backups.map((backup) => kept(backup, 'clock', rule));
  return { decisions, keep: backups, prune: [], bytesFreed: 0, cappedButUnreachable: false };
}

function summarise<Backup extends PlannedBackup>(
  decisions: readonly Decision<Backup>[],
  cap: number | null,
): Plan<Backup> {
  const [keep, prune]: [Backup[], Backup[]] = [[], []];
  let [left, bytesFreed] = [0, 0];
  for (const { backup, keep: stays } of decisions) {
    if (stays) left += backup.size;
    else bytesFreed += backup.size;
    (stays ? keep : prune).push(backup);
  }
  return { decisions, keep, prune, bytesFreed, cappedButUnreachable: cap !== null && left > cap };
}

function newestFirst(one: PlannedBackup, other: PlannedBackup): number {
  if (one.createdAt !== other.createdAt) return one.createdAt < other.createdAt ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}

function isNewestFirst(backups: readonly PlannedBackup[]): boolean {
  return backups.every((backup, index) => {
    const newer = backups[index - 1];
    return newer === undefined || newestFirst(newer, backup) <= 0;
  });
}
