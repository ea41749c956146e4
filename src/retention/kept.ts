import { completedOf } from '../backups/stored-totals.ts';
import type { Db } from '../db/schema.ts';
import { loadPlanned } from './candidates.ts';
import { type Decision, planInTurns, type TierNoun } from './plan.ts';
import type { Standing } from './standing.ts';

/** How long a backup is kept, in a few words such as `until 2026-12-07`, and by which rule. */
export interface Kept {
  readonly words: string;
  readonly rule: string;
  /** The day alone, where one is known, and the longest tier that keeps it. */
  readonly until: string | null;
  readonly tier: TierNoun | null;
  readonly because: Decision['because'];
}

/** Behind so many newer ones it is not told: a page would take longer than people wait. The tab of its retention tells. */
const MOST = 5_000;

/**
 * Of those of these backups of a database that are completed, as things stand now, by id. What becomes of one is decided by it and those
 * that are newer, so that older ones are read only where a cap makes all of them count.
 */
export async function keptOf(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  databaseId: string,
  {
    shown,
    standing: { policy, zone, freeze },
  }: {
    readonly shown: readonly { readonly id: string; readonly created_at: string }[];
    readonly standing: Standing;
  },
): Promise<ReadonlyMap<string, Kept>> {
  const oldest = shown.map((backup) => backup.created_at).toSorted()[0];
  if (oldest === undefined) return new Map();
  // A cap makes all of them count: where they are too many, none is read.
  if (policy.maxTotalBytes !== null && (await completedOf(db, databaseId)) > MOST) return new Map();
  const downTo = policy.maxTotalBytes === null ? oldest : null;
  const backups = await loadPlanned(db, databaseId, { downTo, most: MOST + 1 });
  if (backups.length > MOST) return new Map();
  const { decisions } = await planInTurns(policy, backups, now(), zone);
  const goes = freeze === null ? 'goes next' : 'pruning stands still';
  const ids = new Set(shown.map(({ id }) => id));
  return new Map(
    decisions.flatMap((decision) =>
      ids.has(decision.backup.id) ? [[decision.backup.id, toKept(decision, goes)]] : [],
    ),
  );
}

function toKept(decision: Decision, goes: string): Kept {
  const { keep, rule, until, tier = null, because } = decision;
  return { words: keep ? keptWords(decision) : goes, rule, until, tier, because };
}

/** How long what stays is kept, as every page says it. */
export function keptWords({ because, until }: Pick<Decision, 'because' | 'until'>): string {
  return until === null ? WORDS[because] : `until ${until}`;
}

/** Where no day is known. */
const WORDS: Readonly<Record<Decision['because'], string>> = {
  pinned: 'for ever',
  manual: 'until it is deleted',
  floor: 'while it is one of the newest',
  tier: 'while it is one of the newest',
  unproven: 'until newer good ones are there',
  in_use: 'while it is read',
  retained: 'until its storage lets it go',
  clock: 'until the clock is right',
  no_tier: '–',
  cap: '–',
};
