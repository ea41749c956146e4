import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { insertPrune, type PruneInput } from '../backups/ask-prune.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import type { Context } from '../db/context.ts';
import type { BackupPolicyRow, DatabaseRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import type { Runs } from '../runs/runs.ts';
import type { Candidate } from './candidates.ts';
import { type Decided, decide } from './decide.ts';
import { readDefaults } from './defaults.ts';
import { type Freeze, freezeOf, frozenBy, thaw } from './freeze.ts';
import type { Decision } from './plan.ts';
import { type PolicyOfDatabase, policyOf } from './policy.ts';
import { type PolicyInput, type PreviewInput, policyOver, policyWith, tiersOf } from './policy-input.ts';
import { pruneErrors } from './prune-result.ts';

/** What people do about retention, with its row in the audit, written with it or not at all; API and pages both call these. */

export interface RetentionContext extends Context {
  readonly runs: Runs;
}

export interface RetentionState extends PolicyOfDatabase {
  readonly freeze: Freeze | null;
}

/** Throws `not_found`. */
export async function retentionOf({ db }: RetentionContext, databaseId: string): Promise<RetentionState> {
  await getDatabaseRow(db, databaseId);
  const policy = await policyOf(db, databaseId, await readDefaults(db));
  return { ...policy, freeze: (await freezeOf(db, databaseId)).freeze };
}

/** What would stay and go by what counts now or, with `input`, by what is laid over it. Changes nothing. Throws `not_found`. */
export async function previewRetention(
  { db, now }: RetentionContext,
  databaseId: string,
  input: PreviewInput | null,
): Promise<Decided> {
  await getDatabaseRow(db, databaseId);
  const options = { now: now() };
  if (input === null) return decide(db, databaseId, options);
  return decide(db, databaseId, { ...options, instead: (present) => policyOver(present, input) });
}

/** What was to be done to the backups when it was decided, and what could not be. */
export interface Rotation {
  readonly keep: readonly Candidate[];
  readonly prune: readonly Candidate[];
  readonly bytesFreed: number;
  readonly cappedButUnreachable: boolean;
  readonly freeze: Freeze | null;
  readonly errors: readonly { readonly backupId: string; readonly error: string }[];
}

export type SavedPolicy =
  | {
      /** Nothing was saved: it would prune more than goes without a word. */
      readonly kind: 'confirm';
      readonly prune: readonly Decision<Candidate>[];
      readonly keep: readonly Decision<Candidate>[];
      readonly bytesFreed: number;
      readonly threshold: number;
    }
  | { readonly kind: 'saved'; readonly override: BackupPolicyRow; readonly rotation: Rotation };

/**
 * Gives a database a policy of its own, and prunes by it at once; waits for that until the signal ends. Throws `not_found`.
 */
export async function savePolicy(
  context: RetentionContext,
  actor: Actor,
  databaseId: string,
  input: PolicyInput,
  signal: AbortSignal,
): Promise<SavedPolicy> {
  const { db, now, runs } = context;
  const saved = await write(db, async (trx) => {
    const database = await getDatabaseRow(trx, databaseId);
    const at = now();
    const instead = (present: PolicyOfDatabase) => policyWith(present, input);
    const decided = await decide(trx, databaseId, { now: at, instead });
    const { plan, defaults } = decided;
    if (plan.prune.length > defaults.confirmThreshold && input.confirm !== true) {
      return { kind: 'confirm', threshold: defaults.confirmThreshold, ...split(decided) } as const;
    }
    const override = await upsert(trx, decided.policy.override, databaseId, input, at);
    const details = { ...changedTo(override), wouldPrune: plan.prune.length };
    const audited = { id: override.id, name: database.name, environmentId: database.environment_id };
    await recordAudit(trx, actor, auditEntry('backup_retention_policy', 'update', audited, { details }), at);
    const runId = await askFor(trx, actor, database, { decided, trigger: 'policy-change', at });
    return { kind: 'asked', override, decided, runId } as const;
  });
  if (saved.kind === 'confirm') return saved;
  runs.wake();
  const rotation = await rotationOf(context, saved.decided, saved.runId, signal);
  return { kind: 'saved', override: saved.override, rotation };
}

/** Takes a database's own policy away; what the installation says counts again from the next prune on. Throws `not_found`. */
export async function removePolicy(
  { db, now }: RetentionContext,
  actor: Actor,
  databaseId: string,
): Promise<PolicyOfDatabase> {
  return write(db, async (trx) => {
    const database = await getDatabaseRow(trx, databaseId);
    const removed = await trx
      .deleteFrom('backup_policies')
      .where('database_id', '=', databaseId)
      .returning('id')
      .executeTakeFirst();
    if (removed !== undefined) {
      const audited = { id: removed.id, name: database.name, environmentId: database.environment_id };
      await recordAudit(trx, actor, auditEntry('backup_retention_policy', 'delete', audited), now());
    }
    return policyOf(trx, databaseId, await readDefaults(trx));
  });
}

/** Prunes the backups of a database now; waits for it until the signal ends. Throws `not_found`. */
export async function rotate(
  context: RetentionContext,
  actor: Actor,
  databaseId: string,
  signal: AbortSignal,
): Promise<Rotation> {
  const { db, now, runs } = context;
  const { decided, runId } = await write(db, async (trx) => {
    const database = await getDatabaseRow(trx, databaseId);
    const at = now();
    const decided = await decide(trx, databaseId, { now: at });
    return { decided, runId: await askFor(trx, actor, database, { decided, trigger: 'manual', at }) };
  });
  runs.wake();
  return rotationOf(context, decided, runId, signal);
}

/**
 * Says that what the backups of a database no longer have is right: pruning goes on. Nothing where it does not stand still. `seen`: since
 * when it stood still by what the person has read; throws `conflict` where something else is the reason by now.
 */
export async function acceptSize(
  context: RetentionContext,
  actor: Actor,
  databaseId: string,
  seen?: string,
): Promise<void> {
  const { db, now, runs } = context;
  await write(db, async (trx) => {
    const database = await getDatabaseRow(trx, databaseId);
    const { freeze } = await freezeOf(trx, databaseId);
    if (freeze === null) return;
    if (seen !== undefined && seen !== freeze.since) {
      throw new AppError(
        'conflict',
        'Pruning stands still for another reason by now than the one that was shown. Nothing was accepted: read that one first.',
      );
    }
    const at = now();
    await thaw(trx, databaseId, { through: await measureFrom(trx, freeze, at), userId: actor.userId }, at);
    const details = { backupId: freeze.backupId, reason: freeze.reason };
    await recordAudit(trx, actor, auditedDatabase('backup.accept_size', database, { details }), at);
    await insertPrune(trx, { databaseId, trigger: 'manual', userId: actor.userId }, at);
  });
  runs.wake();
}

/** The backup that it was about and what is newer are the measure from now on; where it is gone, what comes from now on. */
async function measureFrom(trx: Trx, { backupId }: Freeze, at: Date): Promise<string> {
  const backup = await trx
    .selectFrom('backups')
    .select('created_at')
    .where('id', '=', backupId ?? '')
    .executeTakeFirst();
  return backup?.created_at ?? at.toISOString();
}

function split({ plan }: Decided) {
  return {
    keep: plan.decisions.filter(({ keep }) => keep),
    prune: plan.decisions.filter(({ keep }) => !keep),
    bytesFreed: plan.bytesFreed,
  };
}

async function upsert(
  trx: Trx,
  before: BackupPolicyRow | null,
  databaseId: string,
  input: PolicyInput,
  at: Date,
): Promise<BackupPolicyRow> {
  const tiers = tiersOf(input);
  const values = {
    inherit_global: input.inheritGlobal === true ? 1 : 0,
    preset: input.preset,
    auto_applied: 0,
    keep_last: tiers.keepLast,
    daily: tiers.daily,
    weekly: tiers.weekly,
    monthly: tiers.monthly,
    yearly: tiers.yearly,
    min_floor: tiers.minFloor,
    max_total_bytes: input.maxTotalBytes ?? null,
    max_shrink_percent:
      input.maxShrinkPercent === undefined ? (before?.max_shrink_percent ?? null) : input.maxShrinkPercent,
    updated_at: at.toISOString(),
  } as const;
  return trx
    .insertInto('backup_policies')
    .values({ id: newId(), database_id: databaseId, created_at: at.toISOString(), ...values })
    .onConflict((conflict) => conflict.column('database_id').doUpdateSet(values))
    .returningAll()
    .executeTakeFirstOrThrow();
}

function changedTo(row: BackupPolicyRow) {
  return {
    inheritGlobal: row.inherit_global === 1,
    preset: row.preset,
    keepLast: row.keep_last,
    daily: row.daily,
    weekly: row.weekly,
    monthly: row.monthly,
    yearly: row.yearly,
    minFloor: row.min_floor,
    maxTotalBytes: row.max_total_bytes === null ? null : Number(row.max_total_bytes),
    maxShrinkPercent: row.max_shrink_percent,
  };
}

/** That somebody asked for it; what it then prunes, the run records. */
async function askFor(
  trx: Trx,
  actor: Actor,
  database: DatabaseRow,
  { decided, trigger, at }: { decided: Decided; trigger: PruneInput['trigger']; at: Date },
): Promise<string> {
  const details = { trigger, toPrune: decided.due.length, frozen: decided.freeze !== null };
  await recordAudit(trx, actor, auditedDatabase('backup.rotate', database, { details }), at);
  return insertPrune(trx, { databaseId: database.id, trigger, userId: actor.userId }, at);
}

async function rotationOf(
  { db, now }: RetentionContext,
  { plan, freeze, loss, candidates }: Decided,
  runId: string,
  signal: AbortSignal,
): Promise<Rotation> {
  const errors = await pruneErrors(db, runId, signal);
  // As the run will find it, where nobody has written it down yet.
  const frozen = freeze ?? (loss === null ? null : frozenBy(loss, now()));
  if (frozen === null) {
    const { keep, prune, bytesFreed, cappedButUnreachable } = plan;
    return { keep, prune, bytesFreed, cappedButUnreachable, freeze: null, errors };
  }
  return { keep: candidates, prune: [], bytesFreed: 0, cappedButUnreachable: false, freeze: frozen, errors };
}
