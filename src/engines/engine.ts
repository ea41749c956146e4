import type * as z from 'zod';
import type { HostCommand } from '../hosts/host.ts';
import type { DumpContents } from './contents.ts';
import type { SwapByHand } from './in-place.ts';
import type { RestorePlan, RestoreTarget } from './restore.ts';
import type { CommandFailure, EngineTarget } from './target.ts';

export type { CommandFailure, EngineTarget };

/**
 * The port of a database engine. An engine is pure: options in, command out; it reaches no host and no network.
 */
export interface Engine<Options = unknown> {
  /** The wire's `type`. */
  readonly type: string;
  readonly displayName: string;
  /** True where the database is a file on its host, so that no network leads to it. */
  readonly isFile: boolean;
  /** What a form proposes; null for a file. */
  readonly defaultPort: number | null;
  /** Options that a form proposes where the wire's own defaults are of another age. */
  readonly proposed: Readonly<Record<string, string>>;
  /** Parses `databases.options`; the wire's own field names (useSsl, filePath, backupFormat, …). */
  readonly options: z.ZodType<Options>;
  /** Every key that `options` reads. */
  readonly optionNames: readonly string[];
  /** What an HTML form asks for, beyond the fields that every database has. */
  readonly fields: readonly EngineField[];
  /** What a dump by these options is, before anything is known of the target. */
  shape(options: Options): DumpShape;
  /** A cheap look before the dump: versions, size, existence. Also the connection test. */
  look(target: EngineTarget<Options>): LookPlan;
  /** Throws `invalid` for a target that can't be dumped (such as a missing file path). */
  dump(target: EngineTarget<Options>): DumpPlan;
  /** A new end proof for a stored dump, by the `format` that its backup recorded; null there: the engine has one only. `blocks` has all of it read. */
  storedProof(format: string | null, blocks?: ArchiveBlocks): EndProof;
  /** Looks for databases that could be backed up; what belongs to the server itself is left out. */
  discover(target: DiscoveryTarget<Options>): DiscoveryPlan;
  /**
   * How a person restores a file of that extension (`.sql`, `.dump`, …: without the compression's), which programs of that
   * version made; undefined for one that the engine does not write.
   */
  byHand(extension: string, serverVersion: string | null): ByHand | undefined;
  /** How a dump of it is restored; absent where that is left to a person. Throws `invalid` for what can't be a target. */
  restore?(target: RestoreTarget<Options>): RestorePlan;
  /** Formats of which single tables can be restored (`RestoreTarget.tables`). */
  readonly selectsTablesOf?: readonly string[];
  /** Formats that several jobs can load at once (`RestoreTarget.jobs`). */
  readonly jobsOf?: readonly string[];
  /** Where the dump lies on the host meanwhile, for a restore of that token. */
  jobsFolder?(token: string): string;
  /** True where what is restored can take the place of what is there (`RestorePlan.swap`). */
  readonly swaps?: boolean;
  /** Where `swaps`: what was restored beside before can take the place, too. */
  readonly adopts?: boolean;
  /** Formats that can be restored into the database that is there, in one transaction (`RestoreTarget.live`). */
  readonly liveOf?: readonly string[];
  /** Where a person has to; the three are names of databases on one server, or paths of files on one host. */
  swapByHand?(names: { readonly live: string; readonly restored: string; readonly kept: string }): SwapByHand;
}

/** Commands for a POSIX shell that restore a dump into a new, empty database (or file) of the name `restored`. */
export interface ByHand {
  /** What a whole dump ends with, which was seen before the upload was completed; a noun phrase. */
  readonly endProof: string;
  /** Makes the empty database, or refuses where there is something already. */
  readonly create: string;
  /** Restores from a file, given as a word of the shell. */
  fromFile(file: string): string;
  /** Restores from standard input. */
  readonly fromInput: string;
  /**
   * Reads standard input, and fails where the end of the dump is missing: for a client that takes the end of a file that was cut for
   * the dump's, and keeps what came before.
   */
  readonly isWhole?: string;
  /** What else must be known; a sentence or two each. */
  readonly notes: readonly string[];
}

/** Where to look for databases, and as whom. */
export interface DiscoveryTarget<Options = unknown> extends Omit<EngineTarget<Options>, 'databaseName'> {
  /** Absolute; of an engine whose databases are files. */
  readonly folders: readonly string[];
}

export interface DiscoveryPlan {
  readonly command: HostCommand;
  /** True where the beginning of the command's stdout is an answer, too: it prints what it finds as it goes. */
  readonly isGradual: boolean;
  /** Where it is: so many NULs it prints before more of it would be listed nowhere. */
  readonly mostFields?: number;
  /** Reads the command's stdout. Throws `dump_failed` for what is no answer. */
  read(stdout: Uint8Array): Discovery;
  explain(failure: CommandFailure): Error | undefined;
}

export interface Discovery {
  readonly serverVersion: string | null;
  /** At most `MOST_FOUND`, by name. */
  readonly found: readonly FoundDatabase[];
  /** What was not looked at, or can't be told; a sentence each. */
  readonly notes: readonly string[];
}

export interface FoundDatabase {
  /** As the database is named to its tools: its name in the server, or the whole path of its file. */
  readonly name: string;
  readonly sizeBytes: number | null;
}

/** A host with more has a person choose by hand. */
export const MOST_FOUND = 1000;

export interface LookPlan {
  readonly command: HostCommand;
  /** The same for a run, whose dump finds out by itself what warnings would tell: without these. Absent where it saves nothing. */
  readonly brief?: HostCommand;
  /** Reads the command's stdout. Throws `dump_*` where the dump could not succeed (client older than the server). */
  read(stdout: string): Looked;
  /** An `AppError` for an admin, from what a failed command left; undefined when it is nothing known. */
  explain(failure: CommandFailure): Error | undefined;
}

export interface Looked {
  readonly serverVersion: string | null;
  readonly clientVersion: string | null;
  /** Expected size of the uncompressed dump. */
  readonly estimatedBytes: number | null;
  /** What an admin should know before relying on backups of it; a sentence or two each. */
  readonly warnings: readonly string[];
}

export interface DumpShape {
  /** With its dot, the compression included: `.sql`, `.sql.gz`, `.sql.zst`, `.dump`, `.dump.zst`, `.tar`, `.tar.zst`. */
  readonly fileExtension: string;
  readonly contentType: string;
  /** The compression that our process applies to the stream. */
  readonly compression: Compression;
}

export interface DumpPlan extends DumpShape {
  readonly command: HostCommand;
  /**
   * Set where the command first makes a file on its host, at the path in its shell variable `scratch`, which whoever runs it
   * sets and records before. The file's folder is its own; status 0 says that both are gone again.
   */
  readonly scratch?: ScratchPlan;
  /** Sees every byte of the uncompressed dump, in order. A new one for each run. */
  newEndProof(): EndProof;
  explain(failure: CommandFailure): Error | undefined;
  /** Run beside a dump that says nothing. Absent where a dump never waits for others for long. */
  readonly lockLook?: LockLook;
}

/** Looks in the server what a dump waits for. */
export interface LockLook {
  readonly command: HostCommand;
  /** "it waited for …, which … holds", without a full stop; null when it waits for nobody. Throws for what it can't read. */
  read(stdout: string): string | null;
}

export interface ScratchPlan {
  /** Absolute, where somebody chose it: what the file's own folder is made in. */
  readonly folder: string | null;
}

export type Compression =
  | { readonly type: 'none' }
  | { readonly type: 'gzip' | 'zstd'; readonly level: number };

export interface EndProof {
  observe(chunk: Uint8Array): void;
  /** Throws `dump_incomplete` unless the bytes seen are a whole dump. */
  finish(): void;
  /** After `finish()`: what the dump holds. Absent, or null, where it is not told or holds more tables than are listed. */
  contents?(): DumpContents | null;
}

/** Inflates what lies compressed in an archive, beside the proof that follows it. */
export interface ArchiveBlocks {
  /** A new block; undefined where it can't be inflated here. */
  open(
    compression: string,
    into: { read(inflated: Uint8Array): void; end(): void },
  ): { add(compressed: Uint8Array): void; end(): void } | undefined;
}

export interface EngineField {
  /** Key in `options`, or a path of two, such as `pgDumpOptions.noOwner`. */
  readonly name: string;
  readonly label: string;
  readonly widget: 'text' | 'textarea' | 'number' | 'checkbox' | 'select';
  readonly choices?: readonly { readonly value: string; readonly label: string }[];
  readonly help?: string;
  /** True when nothing can be backed up without it. */
  readonly required?: boolean;
}
