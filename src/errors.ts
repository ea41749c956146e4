/**
 * Every failure that a person may have to act on is an `AppError`. The code is from this closed list, the message
 * is for the admin, the cause is for the log. Foreign errors are translated where they enter, in the adapters.
 */
export type ErrorCode =
  // requests
  | 'invalid'
  | 'readonly_field'
  | 'unauthorized'
  | 'second_factor_required'
  | 'second_factor_missing'
  | 'forbidden'
  | 'forbidden_scope'
  | 'not_found'
  | 'conflict'
  | 'key_reused'
  | 'rate_limited'
  | 'unavailable'
  | 'internal'
  // this installation
  | 'config'
  | 'secret_unreadable'
  | 'password_held'
  | 'cancelled'
  | 'shutdown'
  // a run that is no longer this process's
  | 'superseded'
  // hosts
  | 'host_unreachable'
  | 'host_auth'
  | 'host_key_unknown'
  | 'host_key_changed'
  | 'host_dropped'
  | 'host_command'
  | 'host_timeout'
  | 'host_path_refused'
  // dumps
  | 'dump_tool_missing'
  | 'dump_client_too_old'
  | 'dump_source_missing'
  | 'dump_refused'
  | 'dump_failed'
  | 'dump_locked'
  | 'dump_incomplete'
  | 'dump_unsafe'
  // storage
  | 'storage_unreachable'
  | 'storage_tls'
  | 'storage_bad_credentials'
  | 'storage_denied'
  | 'storage_no_bucket'
  | 'storage_wrong_region'
  | 'storage_clock_skew'
  | 'storage_exists'
  | 'storage_missing'
  | 'storage_proxy'
  | 'storage_too_large'
  | 'storage_full'
  | 'storage_refused'
  | 'storage_bad_answer'
  | 'storage_uncertain'
  | 'storage_mismatch';

/** What is wrong with one field of what was sent, as zod tells it. */
export interface InputIssue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  /** Of `too_small` and `too_big`: of what the bound is. */
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  /** Of `invalid_format`. */
  readonly format?: string;
}

/**
 * What is known beside the message, for whoever decides by it and for the log. Never a secret. What somebody must do
 * something about is no detail but a type of its own, such as `StoreFailure`.
 */
export interface ErrorDetails {
  // requests: what the envelope carries
  readonly issues?: readonly InputIssue[];
  readonly field?: string;
  readonly hint?: string;
  readonly retryAfterSeconds?: number;
  readonly setupCodeRequired?: true;
  // this installation: the variable or setting to change; a database that is locked, a folder that another process holds
  readonly variable?: string;
  readonly setting?: string;
  readonly neededMib?: number;
  readonly isBusy?: true;
  readonly isHeld?: true;
  /** The connection to the database is gone. */
  readonly isLost?: true;
  /** Of a target whose password is held: what changed. */
  readonly changes?: readonly string[];
  // hosts
  readonly hostname?: string;
  readonly port?: number;
  readonly address?: string;
  readonly username?: string;
  readonly reason?: string;
  readonly expected?: string;
  readonly presented?: string;
  /** Of a key that was pinned by the very connection that failed later. */
  readonly pinnedFingerprint?: string;
  readonly exitCode?: number | null;
  readonly exitSignal?: string | null;
  readonly stderr?: string;
  readonly idleTimeoutMs?: number;
  /** Not a byte came before that time was over. */
  readonly isSilent?: true;
  // dumps
  readonly serverVersion?: string;
  readonly clientVersion?: string;
  readonly bytes?: number;
  readonly limit?: number;
  /** What a tool printed instead of what it was asked for. */
  readonly answer?: string;
  /** The restore that is under way just as another was asked for. */
  readonly runningAs?: string;
  /** What of a restore's backup or target is in its way. */
  readonly obstacle?: 'damaged' | 'extension' | 'role' | 'version';
  /** Privileges that a dump needs and the user lacks. */
  readonly missing?: readonly string[];
  // storage: what was asked of it and what came back
  readonly operation?: string;
  readonly endpoint?: string;
  readonly corrected?: string;
  readonly region?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly uploadId?: string | null;
  readonly status?: number;
  readonly s3Code?: string | null;
  readonly requestId?: string | null;
  readonly networkCode?: string;
  /** No header can be made of the keys. */
  readonly unusableKey?: true;
  readonly recorded?: string;
  readonly present?: string;
  readonly sent?: number;
  readonly written?: number;
  readonly cleanUp?: string;
}

export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { details?: ErrorDetails; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.details = options.details ?? {};
  }
}

/** True for an `AppError`, with one of the codes where some are given. */
export function isAppError(error: unknown, ...codes: ErrorCode[]): error is AppError {
  return error instanceof AppError && (codes.length === 0 || codes.includes(error.code));
}

/** True where the work was ended from outside, so that the fault is not its own and its last request's outcome is unknown. */
export function wasStopped(error: unknown): boolean {
  return isAppError(error, 'cancelled', 'shutdown', 'superseded');
}

/** The error as an `AppError`; what nobody has translated becomes `internal` and keeps its cause for the log. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return new AppError('internal', 'Something unexpected went wrong; the log has the details.', {
    cause: error,
  });
}
