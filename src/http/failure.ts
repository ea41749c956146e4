import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError, type ErrorCode, toAppError } from '../errors.ts';

/** The error envelope of the HTTP contract (section 1). */
export interface Envelope {
  readonly code: string;
  readonly message: string;
  readonly field?: string;
  readonly hint?: string;
  readonly requestId: string;
  readonly details?: unknown;
  /** With the 403 of a registration that lacks the code of the log. */
  readonly setupCodeRequired?: true;
}

export interface Failure {
  readonly status: ContentfulStatusCode;
  readonly body: Envelope;
  /** Fields beside the envelope's, which a few answers carry. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * The one place where errors become HTTP. What is nobody's fault but ours is 500 and says nothing; a 503 says what is
 * missing (a full disk, a lock), for whoever can do something about it.
 */
export function toFailure(thrown: unknown, requestId: string): Failure {
  const error = thrown instanceof HTTPException ? fromHttpException(thrown) : toAppError(thrown);
  const [status, code] = STATUS[error.code] ?? REFUSED;
  const { issues, field, hint, retryAfterSeconds, setupCodeRequired } = error.details;
  return {
    status,
    headers: retryAfterSeconds !== undefined ? { 'Retry-After': String(retryAfterSeconds) } : {},
    body: {
      code,
      message: status === 500 ? 'Internal Server Error' : error.message,
      ...(field !== undefined ? { field } : {}),
      ...(hint !== undefined ? { hint } : {}),
      requestId,
      ...(issues !== undefined ? { details: issues } : {}),
      ...(setupCodeRequired !== undefined ? { setupCodeRequired } : {}),
    },
  };
}

function fromHttpException(error: HTTPException): AppError {
  if (error.status === 404) return new AppError('not_found', 'Not found');
  if (error.status >= 500) return toAppError(error);
  return new AppError('invalid', error.message || 'Bad request', { cause: error });
}

/** A host, a dump or a storage that refuses: the request can't be done as asked, and the message says why. */
const REFUSED = [400, 'VALIDATION_ERROR'] as const;

const STATUS: Partial<Readonly<Record<ErrorCode, readonly [ContentfulStatusCode, string]>>> = {
  invalid: [400, 'VALIDATION_ERROR'],
  readonly_field: [422, 'READONLY_FIELD'],
  unauthorized: [401, 'UNAUTHORIZED'],
  second_factor_required: [401, 'SECOND_FACTOR_REQUIRED'],
  second_factor_missing: [403, 'SECOND_FACTOR_MISSING'],
  forbidden: [403, 'FORBIDDEN_ROLE'],
  forbidden_scope: [403, 'FORBIDDEN_SCOPE'],
  not_found: [404, 'NOT_FOUND'],
  conflict: [409, 'CONFLICT'],
  key_reused: [409, 'IDEMPOTENCY_KEY_REUSED'],
  // The stored secret must be entered again: the admin has to read that.
  secret_unreadable: [409, 'CONFLICT'],
  rate_limited: [429, 'RATE_LIMITED'],
  unavailable: [503, 'SERVICE_UNAVAILABLE'],
  shutdown: [503, 'SERVICE_UNAVAILABLE'],
  internal: [500, 'INTERNAL'],
  config: [500, 'INTERNAL'],
};
