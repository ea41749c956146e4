import type { HostCommand } from '../hosts/host.ts';
import type { DumpContents } from './contents.ts';
import type { DropFacts, DropPlan } from './drop.ts';
import type { InPlaceTarget, LiveTarget, SwapPlan } from './in-place.ts';
import type { CommandFailure, EngineTarget } from './target.ts';

/** What a dump is restored into, and as whom: credentials are those of the restore, not always those that back up. */
export interface RestoreTarget<Options = unknown> extends EngineTarget<Options> {
  /** The name, or the absolute path, of what is made. It must not exist. */
  readonly newName: string;
  /**
   * Of this restore alone, letters and digits that nobody can guess: for the name under which it is made until it is whole, or for a
   * mark by which it is told from what somebody else has made under that name meanwhile.
   */
  readonly token: string;
  /** True where it is removed in any case: what is made is called so, and never gets another name. */
  readonly isDrill?: boolean;
  /** As the backup recorded it; null: the engine has one only. */
  readonly format: string | null;
  /** Of the server that was dumped, and of the programs that dumped it, as recorded; null where nobody knows. */
  readonly serverVersion: string | null;
  readonly clientVersion: string | null;
  /** Bytes that the restored database is likely to need; null where nobody knows. */
  readonly expectedBytes: number | null;
  /** What must be there before it can be restored; null where nobody knows. */
  readonly needs: RestoreNeeds | null;
  /** These tables alone, of a format of which that can be done; null or absent: all of it. */
  readonly tables?: readonly TableName[] | null;
  /** Of `tables`, those whose rows are in their partitions, and those of which nobody knows whether that is so. */
  readonly partitioned?: readonly TableName[];
  readonly maybePartitioned?: readonly TableName[];
  /** Of the names in the dump, as its server calls it, where that is not UTF-8. */
  readonly encoding?: string | undefined;
  /** So many connections load it at once, of a format of which that can be done; null or absent: one, in one go. */
  readonly jobs?: number | null;
  /** Of the dump itself, without the compression of its storing; null or absent where nobody knows. */
  readonly dumpBytes?: number | null;
  /** Where it takes the place of the database that was backed up, of the name `newName`; absent: something new is made. */
  readonly inPlace?: InPlaceTarget | undefined;
  /** Where it goes into the database `newName` itself, which is in use; absent: into something new, or beside it. */
  readonly live?: LiveTarget | undefined;
  /** As `PreflightPlan.place` told it before it was made: what is not there in another place is not gone. Null or absent where nobody knows. */
  readonly madeIn?: string | null;
  /** As `MadePlan.identify` told it; null or absent where that was not asked yet. */
  readonly made?: string | null;
  /** What `create` makes was there, for certain: what lies under its name without its mark is not taken for somebody else's. */
  readonly wasCreated?: boolean;
  /** Its tables, where it was found whole and `finish` was begun; null or absent where it was not, or nobody knows. */
  readonly foundWhole?: readonly TableName[] | null;
  /** A person has looked, and says that what has its name is what was made. */
  readonly isThatOne?: boolean;
  /** What the dump holds; null or absent where nobody knows. */
  readonly contents?: DumpContents | null;
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

export interface RestoreNeeds {
  readonly extensions: readonly string[];
  /** Owners and grantees that the dump names. */
  readonly roles: readonly string[];
}

/** How a dump is restored into something new, which is removed where that fails. Pure: commands, and readers of their stdout. */
export interface RestorePlan {
  /** Looks at the target before anything is made. */
  readonly preflight: PreflightPlan;
  /** Makes the new, empty target, and fails where there is one of that name. Whoever runs it records the name before. */
  readonly create: HostCommand;
  /** Reads the dump, decompressed, on stdin. Its status 0 says only that the program ended, not that it saw the whole dump. */
  readonly load: HostCommand;
  /** Sent before the dump's first byte, and after its last once that is proven: so that a dump cut short commits nothing. */
  readonly before: Uint8Array;
  readonly after: Uint8Array;
  /**
   * A new one for each run, before which every byte of the dump passes: it throws for what must not reach the program. False: `before`
   * is not sent.
   */
  newGuard?(isInTransaction?: boolean): DumpGuard;
  /** Counts the rows of what was restored. */
  readonly count: CountPlan;
  /** What `finish` does but for the name: statistics, a check of the file. For who removes it afterwards. */
  readonly check: HostCommand;
  /**
   * After the counts were found equal: statistics, a check of the file, the move to its final name. May be run again after one of
   * which nobody knows whether it ended: then it goes on, and ends well where all was done.
   */
  readonly finish: HostCommand | null;
  /** Of a restore in place, where the engine can do that. */
  readonly swap?: SwapPlan;
  /** Of something new that stays, where the engine can tell it from all else later. */
  readonly made?: MadePlan;
  /**
   * Of something new that stays and was found whole: whether it has the name that it was to get. Absent where nobody can tell. Fails, with the
   * field `isThatOne`, where what has that name may be it or another.
   */
  readonly isNamed?: { readonly command: HostCommand; read(stdout: string): boolean };
  /**
   * Removes what `create` made and `finish` has not ended, and nothing else; status 0 where it is gone already. Fails, with the field
   * `mayBeGone`, where it is not there, but this is not the place it was made in, or where nobody can tell whether what is there is it.
   * Whatever still works on it is ended first.
   */
  readonly remove: HostCommand;
  /** An `AppError` for an admin, from what a failed command of these left; undefined when it is nothing known. */
  explain(failure: CommandFailure): Error | undefined;
}

/** What `finish` has given its name, so that the very one can be dropped when nobody needs it any more. */
export interface MadePlan {
  /** Before `finish`: tells it from all else, whatever it will be called. Fails where there is nothing. */
  readonly identify: { readonly command: HostCommand; read(stdout: string): string };
  /**
   * After `finish`. Fails, and has removed nothing, where what has its name is something else, where it has another name by now, where
   * somebody uses it or wrote into it since, where nobody can tell whether somebody did, and where it is no longer there, but nobody
   * knows that it was dropped. Throws `conflict` where what was recorded tells it no more.
   */
  drop(id: string, facts: DropFacts): DropPlan;
}

export interface PreflightPlan {
  readonly command: HostCommand;
  /** Reads the command's stdout. Throws for what is no answer. */
  read(stdout: string): readonly PreflightCheck[];
  /** From the same stdout, what tells the place in which it would be made, such as a disk or a server; null where nobody can tell. */
  place?(stdout: string): string | null;
  explain(failure: CommandFailure): Error | undefined;
}

/** One line for a person, such as `Name: there is no database “shop_restored” yet.`. */
export interface PreflightCheck {
  readonly name: string;
  readonly ok: boolean;
  /** A sentence; of one that is not `ok`, with what to do. */
  readonly says: string;
  /** Of one that is not `ok`, where it is one of these. */
  readonly obstacle?: RestoreObstacle;
  /** True of one that is `ok` because nobody could look, and not because all was found well: `says` tells what is not known. */
  readonly isUnknown?: boolean | undefined;
  /** Of one that is not `ok`, what somebody may paste on the server to mend it: `says` ends with it. */
  readonly command?: string | undefined;
}

/** What keeps a backup from being restored: it is damaged, or the place lacks an extension or a role, or is of another version. */
export type RestoreObstacle = 'damaged' | 'extension' | 'role' | 'version';

export interface CountPlan {
  readonly command: HostCommand;
  /** Reads the command's stdout. Throws for what is no answer. */
  read(stdout: string): readonly CountedTable[];
}

export interface CountedTable {
  /** PostgreSQL only. */
  readonly schema: string | null;
  /** As the server knows it, without quotes. */
  readonly name: string;
  readonly rows: number;
  /** It came with an extension, which may have put rows into it: those of the dump are only some of them. */
  readonly isOfExtension?: boolean;
}

export interface DumpGuard {
  /** Sent before all else, dump and plan alike: has the program itself refuse what the guard can't see. */
  readonly first?: Uint8Array;
  /**
   * Sees the bytes of the dump in order, and gives what is sent in their place: the chunk itself, or a copy that is made harmless.
   * Throws `dump_unsafe` before what must not be sent. Never changes the chunk: the proof and others still look at it.
   */
  observe(chunk: Uint8Array): Uint8Array;
  /** Asked at the dump's end, before its last bytes are sent: throws `dump_unsafe` where it must not end there. */
  finish?(): void;
}
