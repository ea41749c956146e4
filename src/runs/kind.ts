import type { Expression, SqlBool } from 'kysely';
import type { RunKindName, RunRow, Trx } from '../db/schema.ts';
import type { RunClaim } from './claim.ts';

/**
 * A kind of run: what `runs/worker.ts` needs to know of a backup, a deep test, …. Outcomes are written by the kind, in
 * one transaction with `endRun`.
 */
export interface RunKind {
  /** Whether it counts against the limits of runs at once. */
  readonly isLimited: boolean;
  /** What a run of it is called in the log, and the reasons that are given where one is aborted. */
  readonly words: { readonly noun: string; readonly cancelled: string; readonly stopped: string };
  /** What its row says from the moment it is claimed. */
  readonly first: { readonly step: string; readonly progress: number };
  /** What else changes in the transaction that claims it. */
  begin?(trx: Trx, run: RunRow, startedAt: Date): Promise<void>;
  /** Writes columns of its own beside the note that the worker keeps. */
  keep?(trx: Trx, run: RunRow): Promise<void>;
  /** To its outcome. A run whose outcome could not be written throws, and stays open for a repair. */
  run(run: RunRow, context: RunContext): Promise<void>;
  /** Finds out what became of a run that nobody works on any more, and writes its outcome, or `uncertain`. */
  repair(run: RunRow, context: RepairContext): Promise<void>;
  /** How long a run of a process that has ended must rest before it is judged. 0 when absent. */
  restMs?(run: RunRow): Promise<number>;
  /** Which of the uncertain ones are nobody's to repair any more, of the table `runs`. */
  isGivenUp?(now: Date): Expression<SqlBool>;
}

export type RunKinds = Readonly<Partial<Record<RunKindName, RunKind>>>;

/** How far a run is. */
export interface RunNote {
  readonly step: string;
  /** 0–100. */
  readonly progress: number;
  readonly detail?: Readonly<Record<string, unknown>>;
}

export interface RunContext {
  readonly claim: RunClaim;
  /** Aborted by a cancel, a stop of the app, and the loss of the claim. */
  readonly signal: AbortSignal;
  /** From now on the worker keeps in each of its rounds what this says. */
  follow(note: () => RunNote): void;
  /**
   * Renews the claim now, right before what can't be undone: nobody takes the run over in the time of a lease from then on.
   * Throws `superseded` where somebody has.
   */
  hold(): Promise<void>;
  /** Keeps it now, where the next round would be too late for who looks. */
  keepNote(): Promise<void>;
}

export interface RepairContext {
  readonly claim: RunClaim;
  /** Ends the repair; what it did not settle is left to the next one. */
  readonly signal: AbortSignal;
}
