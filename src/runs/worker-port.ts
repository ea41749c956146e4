import type { RunLimits } from './take.ts';

export interface WorkerOptions extends WorkerTiming {
  /** How many limited runs at once; read before each claim. */
  readonly limits: () => Promise<RunLimits>;
  /**
   * Whether no other process can work on this database, as where this one holds the lock of its folder: claims that are
   * there when it starts are then those of a process that has ended, and nobody waits for their leases.
   */
  readonly isAlone?: boolean;
}

export interface WorkerTiming {
  /** How long a claim counts without being renewed. */
  readonly leaseMs?: number;
  readonly tickMs?: number;
}

export interface Worker {
  /** Repairs what an earlier process left, then claims runs until stopped. */
  start(): void;
  /** Looks for waiting runs now, not at the next round. */
  wake(): void;
  /** Aborts a run of this process; false when it runs none of that id. */
  cancel(runId: string): boolean;
  /**
   * Claims no more, aborts what runs and waits for it, at most that long. What is not settled by then keeps an open
   * outcome: its lease is ended, and the next start repairs it.
   */
  stop(withinMs: number): Promise<void>;
}
