import { refusalOf, type S3Answer } from './answer.ts';
import { cancelledError, isOurFault, isTlsCode, networkCode } from './errors.ts';
import { proxyStatus } from './proxy-failure.ts';

/** Whether and why another try may help. */
export type Verdict = 'final' | 'retry' | 'skewed' | 'corrupted';

const RETRIED_STATUS = new Set([408, 425, 429, 500, 502, 503, 504]);
const RETRIED_CODES = new Set([
  'RequestTimeout',
  'IncompleteBody',
  'ClientDisconnect',
  'RequestRateLimitExceeded',
  'SlowDown',
  'InternalError',
  'ServiceUnavailable',
  'OperationAborted',
]);
const CORRUPTED_CODES = new Set(['BadDigest', 'XAmzContentSHA256Mismatch']);

/** True for a code of a refusal that passes, whatever its status: Wasabi limits its rate with 400. */
export function isPassing(code: unknown): boolean {
  return typeof code === 'string' && RETRIED_CODES.has(code);
}

/** What to do after an answer that is no success. */
export function judgeAnswer(answer: S3Answer): Verdict {
  const { code } = refusalOf(answer);
  if (code === 'RequestTimeTooSkewed') return 'skewed';
  if (code !== null && CORRUPTED_CODES.has(code)) return 'corrupted';
  if (isPassing(code)) return 'retry';
  if (code === 'NotImplemented' || code === 'QuotaExceeded' || code === 'XMinioStorageFull') return 'final';
  return RETRIED_STATUS.has(answer.status) || (answer.status >= 520 && answer.status <= 527)
    ? 'retry'
    : 'final';
}

/** What to do after a failure to get an answer: everything but a bad certificate and a wrong name may pass. */
export function judgeNetwork(error: unknown): Verdict {
  const code = networkCode(error);
  const status = proxyStatus(error);
  if (status !== null) return RETRIED_STATUS.has(status) ? 'retry' : 'final';
  return isTlsCode(code) || code === 'ENOTFOUND' || isOurFault(code, error) ? 'final' : 'retry';
}

/** Waits before try number `attempt` + 1: full jitter over an exponential ceiling, or what Retry-After asks for. */
export function backoffMs(
  attempt: number,
  limits: { readonly baseMs: number; readonly capMs: number },
  retryAfter: string | null,
): number {
  const asked = Number(retryAfter) * 1000;
  if (retryAfter && asked > 0) return Math.min(asked, limits.capMs);
  return Math.random() * Math.min(limits.capMs, limits.baseMs * 2 ** (attempt - 1));
}

/** Resolves after `ms`; rejects as cancelled when the signal aborts. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelledError(signal));
    const onAbort = () => {
      clearTimeout(timer);
      if (signal) reject(cancelledError(signal));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
