import type { HostCommand } from '../hosts/host.ts';
import type { CommandFailure } from './target.ts';

/** How a database that a restore has made or replaced is dropped: the very one, or nothing. */
export interface DropPlan {
  readonly command: HostCommand;
  /**
   * Tells the place it lies in, such as a disk, before the drop: what is not there later was dropped by one of which nobody heard only
   * there. Null where nobody can tell, or it is not there. Absent where the command looks itself.
   */
  readonly where?: { readonly command: HostCommand; read(stdout: string): string | null };
  /** What the command, which ended well, came to, from its stdout. */
  read(stdout: string): DropOutcome;
  /** An `AppError` for an admin, from what the failed command left; undefined when it is nothing known. */
  explain(failure: CommandFailure): Error | undefined;
}

/** `taken-back`: nothing was dropped, since what was replaced has its place again. */
export type DropOutcome = 'dropped' | 'taken-back';

/** What a drop has to know besides. */
export interface DropFacts {
  /** Paths of registered databases on that machine: none of them is removed by another path. */
  readonly registered: readonly string[];
  /** Somebody says that nobody uses it, for where that can't be seen. */
  readonly isUnused: boolean;
  /** Nothing else has what is in it, and nobody has said that it may go: where it is there, it stays. */
  readonly isOnlyCopy: boolean;
  /** Somebody says that it was dropped: what is not there counts as that. */
  readonly mayBeGone: boolean;
  /**
   * Where a drop was begun before of which nobody knows whether it ended, as `DropPlan.where` told; empty where nobody could tell; null
   * where none was. What is not there in that very place counts as dropped.
   */
  readonly begunIn: string | null;
}

/** Of what a restore in place has replaced. */
export interface KeptFacts extends DropFacts {
  /** As `SwapLook.kept` told it behind the swap; null where nobody could tell. */
  readonly kept: string | null;
}

/** What a database is called for the moment in which it is dropped, and longer where that was killed: nobody else knows it. */
export function asideName(token: string): string {
  return `bp_drop_${token}`;
}

/** Of what nothing else is a copy, and why. */
export const ONLY_KEPT =
  'what was there before the restore: no safety backup was made, or it is deleted, pruned or damaged.';
export const ONLY_RESTORED = 'what was restored into it: its backup is deleted, pruned or damaged.';
