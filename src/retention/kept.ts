import type { Db } from '../db/schema.ts';
import { decide } from './decide.ts';
import type { Decision, TierNoun } from './plan.ts';

/** How long a backup is kept, in a few words such as `until 2026-12-07`, and by which rule. */
export interface Kept {
  readonly words: string;
  readonly rule: string;
  /** The day alone, where one is known, and the longest tier that keeps it. */
  readonly until: string | null;
  readonly tier: TierNoun | null;
  readonly because: Decision['because'];
}

/** Above it, a page would take longer than people wait: its own tab tells. */
const MOST = 5_000;

/** Of every completed backup of a database, as things stand now; empty where it has very many. */
export async function keptOf(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  databaseId: string,
): Promise<ReadonlyMap<string, Kept>> {
  const totals = await db
    .selectFrom('stored_totals')
    .select('backups')
    .where('database_id', '=', databaseId)
    .execute();
  if (totals.reduce((sum, { backups }) => sum + Number(backups), 0) > MOST) return new Map();
  const { plan, freeze } = await decide(db, databaseId, { now: now() });
  const goes = freeze === null ? 'goes next' : 'pruning stands still';
  return new Map(plan.decisions.map((decision) => [decision.backup.id, toKept(decision, goes)]));
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
