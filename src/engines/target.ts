/** A database as an engine's commands reach it. */
export interface EngineTarget<Options = unknown> {
  readonly host: string | null;
  /** Where to connect instead of looking `host` up, which was done and judged already; null: the tools look it up. */
  readonly address?: string | null;
  readonly port: number | null;
  readonly databaseName: string | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly options: Options;
}

/** What a failed command of an engine left. */
export interface CommandFailure {
  readonly exitCode: number | null;
  readonly stderr: string;
  /** The longest time for which the command's output was not read, because the storage took nothing. */
  readonly longestPauseMs?: number;
}
