import { sql } from 'kysely';
import type { RunEnd, RunKindName, Trx } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { type AskedBy, noteAskers } from './askers.ts';

/** Which run speaks: whatever it writes is written only while the row is still that run's. */
export interface RunClaim {
  readonly runId: string;
  readonly claimedBy: string;
}

export interface NewRun {
  readonly id: string;
  readonly kind: RunKindName;
  readonly subjectId: string | null;
  readonly serverId: string | null;
  readonly lane: string;
  readonly input?: Readonly<Record<string, unknown>>;
  /** Nobody waits for it: it holds up none of the others. */
  readonly isBackground?: boolean;
  readonly askedBy?: AskedBy;
}

/** A run that waits to be claimed. False where one of that kind waits in its lane already; then nothing was written. */
export async function insertRun(trx: Trx, run: NewRun, now: Date): Promise<boolean> {
  const inserted = await trx
    .insertInto('runs')
    .values({
      id: run.id,
      kind: run.kind,
      subject_id: run.subjectId,
      server_id: run.serverId,
      lane: run.lane,
      state: 'pending',
      input: run.input === undefined ? null : JSON.stringify(run.input),
      progress: 0,
      attempts: 0,
      in_repair: 0,
      is_background: run.isBackground === true ? 1 : null,
      created_at: now.toISOString(),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst();
  if (inserted === undefined) return false;
  if (run.askedBy !== undefined) await noteAskers(trx, run.id, run.askedBy, now);
  return true;
}

/** Lets what waits in a lane count for the server that its work goes to from now on. */
export async function moveWaiting(trx: Trx, lane: string, serverId: string | null): Promise<void> {
  await trx
    .updateTable('runs')
    .set({ server_id: serverId })
    .where('lane', '=', lane)
    .where('state', '=', sql.lit('pending'))
    .execute();
}

/** Whether the row is still this run's. */
export async function isOwn(trx: Trx, { runId, claimedBy }: RunClaim): Promise<boolean> {
  const row = await trx
    .selectFrom('runs')
    .select('id')
    .where('id', '=', runId)
    .where('claimed_by', '=', claimedBy)
    .executeTakeFirst();
  return row !== undefined;
}

/** Throws `superseded` where the row is no longer this run's. */
export async function requireClaim(trx: Trx, claim: RunClaim): Promise<void> {
  if (!(await isOwn(trx, claim))) throw superseded();
}

/**
 * Ends a run whose row is another's or gone. Its outcome is nobody's to read: what became of it is decided by the one who
 * has it now, so that nothing that may be its result is removed.
 */
export function superseded(): AppError {
  return new AppError(
    'superseded',
    'This run is no longer its own: another process took it over, or its row was removed. What it had begun is cleaned up.',
  );
}

/** What the row of a run says when it is over, or when nobody knows yet whether it is. */
export interface EndOfRun {
  readonly state: RunEnd | 'uncertain';
  readonly at: Date;
  /** JSON. */
  readonly error: string | null;
  readonly step: string | null;
  /** As far as it came when absent. */
  readonly progress?: number;
  /** What the kind tells of it in the end; what was kept last when absent. */
  readonly detail?: Readonly<Record<string, unknown>> | undefined;
  /** When an uncertain one is repaired again; at once when absent. */
  readonly askAgainAt?: Date | undefined;
}

/** To be written with the outcome, in its transaction, by whoever has the claim. */
export async function endRun(trx: Trx, { runId }: RunClaim, end: EndOfRun): Promise<void> {
  await trx
    .updateTable('runs')
    .set({
      state: end.state,
      ended_at: end.at.toISOString(),
      error: end.error,
      step: end.step,
      ...(end.progress === undefined ? {} : { progress: end.progress }),
      ...(end.detail === undefined ? {} : { detail: JSON.stringify(end.detail) }),
      in_repair: 0,
      claimed_by: null,
      lease_until: end.askAgainAt?.toISOString() ?? null,
    })
    .where('id', '=', runId)
    .execute();
}

/**
 * Lets a run wait once more, as after a stop of the app that it can simply begin again after. False where another one of
 * its kind waits already, which does the same.
 */
export async function requeueRun(trx: Trx, claim: RunClaim): Promise<boolean> {
  const row = await trx
    .selectFrom('runs')
    .select(['kind', 'lane'])
    .where('id', '=', claim.runId)
    .executeTakeFirst();
  if (row === undefined) return false;
  const waiting = await trx
    .selectFrom('runs')
    .select('id')
    .where('kind', '=', row.kind)
    .where('lane', '=', row.lane)
    .where('state', '=', 'pending')
    .executeTakeFirst();
  if (waiting !== undefined) return false;
  await trx
    .updateTable('runs')
    .set({
      state: 'pending',
      step: null,
      progress: 0,
      detail: null,
      in_repair: 0,
      claimed_by: null,
      lease_until: null,
    })
    .where('id', '=', claim.runId)
    .execute();
  return true;
}

/** Ends one that waits. False where it does not. */
export async function cancelWaiting(trx: Trx, runId: string, now: Date, error: string): Promise<boolean> {
  const at = now.toISOString();
  const cancelled = await trx
    .updateTable('runs')
    .set({ state: 'cancelled', cancel_requested_at: at, ended_at: at, error })
    .where('id', '=', runId)
    .where('state', '=', 'pending')
    .returning('id')
    .executeTakeFirst();
  return cancelled !== undefined;
}

/** Asks whoever has it to end it. False where it does not run. */
export async function askToCancel(trx: Trx, runId: string, now: Date): Promise<boolean> {
  const asked = await trx
    .updateTable('runs')
    .set({ cancel_requested_at: now.toISOString() })
    .where('id', '=', runId)
    .where('state', '=', 'running')
    .returning('id')
    .executeTakeFirst();
  return asked !== undefined;
}
