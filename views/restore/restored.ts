import type { RunState } from '../parts/run-badge.tsx';
import type { Kept } from './kept.tsx';
import type { RestoreCheck } from './restore-props.ts';
import type { RestoreState } from './restore-words.ts';
import type { ShownSwap } from './swap-by-hand.tsx';

export interface RestoredTable {
  readonly schema: string | null;
  readonly name: string;
  /** Null: the dump does not tell. */
  readonly expected: number | null;
  /** Null: it is not there. */
  readonly rows: number | null;
}

/** A restore and its run, as a page shows it. */
export interface RestoreItem {
  readonly id: string;
  readonly backupId: string;
  /** Null where the backup is gone. */
  readonly backupAt: string | null;
  readonly databaseName: string;
  readonly environmentName: string | null;
  readonly serverName: string | null;
  readonly newName: string;
  readonly isFile: boolean;
  /** Null where it is no drill. */
  readonly drill: DrillResult | null;
  readonly runState: RunState;
  readonly state: RestoreState;
  /** What is there now, in a sentence. */
  readonly exists: string;
  readonly checks: readonly RestoreCheck[] | null;
  readonly tables: readonly RestoredTable[] | null;
  readonly loadedMs: number | null;
  readonly isInPlace: boolean;
  /** Into the database itself, and not beside it. */
  readonly isLive: boolean;
  /** Of what it replaces; null: declined, or nothing is replaced. */
  readonly safetyBackupId: string | null;
  readonly kept: Kept | null;
  /** Of a restore in place that loads nothing: what another one has made takes the place. */
  readonly adopts: { readonly restoreId: string; readonly name: string } | null;
  /** It stands beside its database, and can be dropped from here. */
  readonly isDroppable: boolean;
  /** It can take the place of its database. */
  readonly isRenamable: boolean;
  /** The restore by which that was last asked for, and whether it has. */
  readonly renamed: { readonly id: string; readonly isDone: boolean } | null;
  /** By admins alone: it is in another environment than its database, or that is gone. */
  readonly isDropForAdmins: boolean;
  /** Its backup is gone or damaged: nothing else has what is in it. */
  readonly isOnlyCopy: boolean;
  /** Where a person swaps the two. */
  readonly swapByHand: ShownSwap | null;
  readonly failure: {
    /** With what was there then. */
    readonly message: string;
    /** Without; null where that was not written down. */
    readonly why: string | null;
    readonly stderr: string | null;
  } | null;
}

/** What a drill came to. */
export interface DrillResult {
  /** Null while it goes on. */
  readonly outcome: 'proven' | 'failed' | 'cancelled' | 'interrupted' | 'skipped' | 'missed' | null;
  /** Such as `a role is missing`. */
  readonly failure: string | null;
  /** It says something of the backup. */
  readonly isDamaged: boolean;
  readonly says: string | null;
  readonly restoreMs: number | null;
}
