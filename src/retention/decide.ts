import { type VanishedTables, vanishedOf } from '../backups/vanished-tables.ts';
import type { Db, Trx } from '../db/schema.ts';
import { MAX_PAUSE_MS } from '../leftovers/patience.ts';
import { type Candidate, loadCandidates } from './candidates.ts';
import { type RetentionDefaults, readDefaults } from './defaults.ts';
import { type Freeze, type FreezeState, freezeOf, type Loss } from './freeze.ts';
import { type Plan, plan as planAtOnce, planInTurns } from './plan.ts';
import { type Policy, type PolicyOfDatabase, policyOf } from './policy.ts';
import { shrinkOf } from './shrink.ts';
import { vanishedIn } from './vanished.ts';

/** What is to be done about the backups of a database at an instant. */
export interface Decided {
  readonly policy: PolicyOfDatabase;
  readonly defaults: RetentionDefaults;
  readonly candidates: readonly Candidate[];
  /** What the policy says, also while pruning stands still. */
  readonly plan: Plan<Candidate>;
  readonly freeze: Freeze | null;
  /** A reason to let pruning stand still that nobody has written down yet. */
  readonly loss: Loss | null;
  /** What goes now, the oldest first: nothing while pruning stands still, and what could not be removed not at once again. */
  readonly due: readonly Candidate[];
}

export interface DecideOptions {
  readonly now: Date;
  /** What if this were the policy; that of the database when absent. */
  readonly instead?: (present: PolicyOfDatabase) => Policy;
  /** What if the installation said this; what it says when absent. */
  readonly defaults?: RetentionDefaults;
}

/** The one place where it is decided what is pruned; nothing is deleted but what this says within the deleting transaction. */
export async function decide(db: Db | Trx, databaseId: string, options: DecideOptions): Promise<Decided> {
  return decideOf(db, await keptOf(db, databaseId), options);
}

/** What of a database is decided about, whatever its policy says. */
export interface Kept {
  readonly databaseId: string;
  readonly candidates: readonly Candidate[];
  readonly state: FreezeState;
  readonly vanished: ReadonlyMap<string, VanishedTables>;
}

export async function keptOf(db: Db | Trx, databaseId: string): Promise<Kept> {
  const state = await freezeOf(db, databaseId);
  const candidates = await loadCandidates(db, databaseId);
  return { databaseId, candidates, state, vanished: await vanishedOf(db, databaseId) };
}

/** As `decide`, of what was read before: for somebody who asks what several policies would do. */
export async function decideOf(
  db: Db | Trx,
  { databaseId, candidates, state: { freeze, acceptedThrough }, vanished }: Kept,
  { now, instead, ...options }: DecideOptions,
): Promise<Decided> {
  const defaults = options.defaults ?? (await readDefaults(db));
  const present = await policyOf(db, databaseId, defaults);
  const policy = { ...present, effective: instead?.(present) ?? present.effective };
  // Within a transaction nobody is waited for but the database: others could not write meanwhile.
  const planned = db.isTransaction ? planAtOnce : planInTurns;
  const plan = await planned(policy.effective, candidates, now, defaults.zone);
  const percent = policy.effective.maxShrinkPercent;
  const loss = freeze === null ? lossOf(candidates, { vanished, percent, acceptedThrough }) : null;
  const due = freeze === null && loss === null ? plan.prune.filter((one) => isDue(one, now)).reverse() : [];
  return { policy, defaults, candidates, plan, freeze, loss, due };
}

/** Whether the newest good backups tell that data may be gone; null where the policy says that they may become as small as they like. */
function lossOf(
  candidates: readonly Candidate[],
  known: {
    readonly vanished: ReadonlyMap<string, VanishedTables>;
    readonly percent: number;
    readonly acceptedThrough: string | null;
  },
): Loss | null {
  if (known.percent >= 100) return null;
  return vanishedIn(candidates, known.vanished, known.acceptedThrough) ?? shrinkOf(candidates, known);
}

function isDue({ nextTryAt }: Candidate, now: Date): boolean {
  if (nextTryAt === null || nextTryAt <= now.toISOString()) return true;
  // No pause is that long: the clock was set back.
  return Date.parse(nextTryAt) > now.getTime() + 2 * MAX_PAUSE_MS;
}
