/** Limits and waits of the client. The defaults are for production; tests of failures shorten them. */
export interface Tuning {
  /** Tries of a request that somebody waits for. */
  readonly attempts: number;
  /** Least tries of a request on which a running backup depends. */
  readonly patientAttempts: number;
  /**
   * How long such a request is sent again, counted from its first failure (STORAGE_PATIENCE): a dump of hours can't be
   * repeated cheaply, and storages shed load for minutes.
   */
  readonly patienceMs: number;
  readonly retryBaseMs: number;
  readonly retryCapMs: number;
  /** Limit of one try, but for parts and streamed bodies, which are limited by their silence. */
  readonly attemptTimeoutMs: number;
  /** Storages may work for minutes on a Complete without a byte. */
  readonly completeTimeoutMs: number;
  /** How often the outcome of a Complete is looked up, at least, before it counts as uncertain. */
  readonly settleRounds: number;
  readonly settleBaseMs: number;
  readonly settleCapMs: number;
  /** After a cancellation: how long a request whose outcome must be known, a look or a clean-up may still take. */
  readonly cancelGraceMs: number;
  /** How often a removed upload is looked up before it counts as left over. */
  readonly abortRounds: number;
  /** Entries on one page of a list; S3 gives at most 1,000. */
  readonly listPageEntries: number;
  /** Bytes of a part where neither the dump's size nor the memory wants another. */
  readonly usualPartBytes: number;
}

export const DEFAULT_TUNING: Tuning = {
  attempts: 4,
  patientAttempts: 10,
  patienceMs: 10 * 60_000,
  retryBaseMs: 100,
  retryCapMs: 20_000,
  attemptTimeoutMs: 60_000,
  completeTimeoutMs: 15 * 60_000,
  settleRounds: 6,
  settleBaseMs: 1_000,
  settleCapMs: 30_000,
  cancelGraceMs: 10_000,
  abortRounds: 6,
  listPageEntries: 1_000,
  usualPartBytes: 16 * 2 ** 20,
};
