import type { HostCommand } from '../hosts/host.ts';
import type { DropPlan, KeptFacts } from './drop.ts';

/** What a restore takes the place of: the database that was backed up. */
export interface InPlaceTarget {
  /** What is there is called so from the swap on, and stays. Nothing is called so yet. */
  readonly keptName: string;
  /** As `SwapPlan.identify` read it before the swap; null before that. */
  readonly replacedId: string | null;
  /** Whether the swap may have come about; what of it is gone must not be taken for what was never made. */
  readonly mayBeSwapped?: boolean;
  /** Whether who is connected to it may be thrown out for the swap. */
  readonly endSessions: boolean;
  /**
   * What another restore has made takes the place, and no dump is loaded: it has that name, and `MadePlan.identify` gave that id. `create`
   * takes its name, and `remove` gives it back.
   */
  readonly adopts?: Adopted | undefined;
}

export interface Adopted {
  readonly name: string;
  readonly id: string;
}

/** A database that is restored into while it is there and in use, in one transaction. */
export interface LiveTarget {
  /** As `SwapPlan.identify` read it before the load; null before that. */
  readonly replacedId: string | null;
  /** Whether who is connected to it may be thrown out, where they hold what is to be replaced. */
  readonly endSessions: boolean;
}

/** How what was restored beside something takes its place; in the plan of a restore in place, whose `finish` is null. */
export interface SwapPlan {
  /** True where the load itself puts it there, in one transaction: then `swap` only follows it, and it can’t be taken back. */
  readonly isByLoad?: boolean;
  /** True where `create` makes what will be kept, so that `identify` reads more behind it. */
  readonly isIdentifiedAgain?: boolean;
  /** Tells what is there from all else, whatever it will be called. Fails where there is nothing. */
  readonly identify: { readonly command: HostCommand; read(stdout: string): string };
  /**
   * After the counts were found equal: statistics, then what is there gets the name that is kept and what was restored gets its
   * own, both or neither. May be run again after one of which nobody knows whether it ended. Fails, and has changed nothing, where
   * somebody uses it or it is not the one of that id any more. Prints the line `SWAPPED` where it came about by this very command.
   */
  swap(replacedId: string): HostCommand;
  /** Whether what was restored has the name by now. */
  isDone(replacedId: string): { readonly command: HostCommand; read(stdout: string): SwapLook };
  /**
   * Removes what was there before. Fails, and has removed nothing, where what has its name is something else, where somebody uses it or
   * wrote into it since, where nobody can tell whether somebody did, and where it is no longer there, but nobody knows that it was dropped.
   */
  drop(replacedId: string, facts: KeptFacts): DropPlan;
}

/** What is there just behind it is what was there at the swap: of one that was found done, somebody may have gone on with what it keeps. */
export const SWAPPED = 'bridgeport:swapped';

export interface SwapLook {
  readonly isDone: boolean;
  /** Of one that is done: what is kept as it is now, so that it can be told later whether somebody wrote into it; null where nobody can. */
  readonly kept: string | null;
  /** Of that, what tells it from all else, and says nothing of what was written. */
  readonly identity: string | null;
}

/** How a person swaps what was restored and what is there, of an engine that can't do so in one go: statements, or commands of a shell. */
export interface SwapByHand {
  /** Reads only: what is in the way of the statements. */
  readonly check: string;
  readonly statements: string;
  /** A sentence or two each. */
  readonly notes: readonly string[];
}
