import type { ErrorCodeView } from '../../../../views/reference/reference.ts';
import type { ApiRoute } from '../../route.ts';

/** The codes of the error envelope, as `toFailure` gives them, and what each means. */
export const ERROR_CODES: readonly ErrorCodeView[] = [
  {
    status: 400,
    code: 'VALIDATION_ERROR',
    meaning:
      'What was sent does not fit, or can’t be done as asked: the message says why, `details` which fields',
  },
  { status: 401, code: 'UNAUTHORIZED', meaning: 'No token, or one that opens nothing (any more)' },
  {
    status: 401,
    code: 'SECOND_FACTOR_REQUIRED',
    meaning: 'The password is right: sign in again with `totp`',
  },
  {
    status: 403,
    code: 'SECOND_FACTOR_MISSING',
    meaning: 'The installation requires a second factor, which the account has to set up first',
  },
  { status: 403, code: 'FORBIDDEN_ROLE', meaning: 'The role is not enough' },
  {
    status: 403,
    code: 'FORBIDDEN_SCOPE',
    meaning: 'The token is not for this: another environment, or more than it may',
  },
  { status: 404, code: 'NOT_FOUND', meaning: 'It is not there, or not in that environment' },
  {
    status: 409,
    code: 'CONFLICT',
    meaning: 'It can’t be done as things are: the message says what stands in the way',
  },
  { status: 409, code: 'IDEMPOTENCY_KEY_REUSED', meaning: 'The key was sent before, with another body' },
  { status: 422, code: 'READONLY_FIELD', meaning: 'A field that only the server sets was sent' },
  {
    status: 429,
    code: 'RATE_LIMITED',
    meaning: 'Too many requests, or wrong passwords: wait for as many seconds as `Retry-After` says',
  },
  { status: 500, code: 'INTERNAL', meaning: 'A defect of ours: the log has the `requestId`' },
  {
    status: 503,
    code: 'SERVICE_UNAVAILABLE',
    meaning: 'Something is missing (a full disk, a lock), which the message names',
  },
];

const ANYWHERE: readonly number[] = [400, 429, 500, 503];
/** Only where somebody must sign in, or does. */
const SIGNED_IN = ['UNAUTHORIZED', 'FORBIDDEN_ROLE', 'FORBIDDEN_SCOPE', 'SECOND_FACTOR_MISSING'];

/** What a route may answer besides its success. */
export function refusalsOf(route: ApiRoute, isKeyed: boolean): readonly ErrorCodeView[] {
  const others: readonly number[] = route.refusals;
  return ERROR_CODES.filter(({ status, code }) => {
    if (code === 'IDEMPOTENCY_KEY_REUSED') return isKeyed;
    if (code === 'SECOND_FACTOR_REQUIRED') return route.path === '/api/auth/login';
    if (SIGNED_IN.includes(code)) return route.access !== 'public' || code === 'UNAUTHORIZED';
    if (status === 422) return others.includes(422) || route.readonlyFields.length > 0;
    return ANYWHERE.includes(status) || others.includes(status) || (status === 409 && isKeyed);
  });
}
