import { AppError, type ErrorCode } from '../../errors.ts';
import { refusalOf, type S3Answer } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { isFromBetween, meaningOfBetween } from './in-between.ts';
import { explainNetwork } from './network-failure.ts';
import { proxyFailure } from './proxy-failure.ts';
import type { S3Settings } from './settings.ts';

/** What was being done, for messages and details. */
export interface Attempted {
  readonly operation: string;
  readonly endpoint: string;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  readonly method?: string | undefined;
  readonly body?: { readonly byteLength: number } | undefined;
  /** Host and port of the proxy that it goes through. */
  readonly proxy?: string | null | undefined;
}

/** What a request of the connection attempts. */
export function attemptedOf(
  connection: S3Connection,
  request: Omit<Attempted, 'endpoint' | 'proxy'>,
): Attempted {
  const { endpoint } = connection.addressOf(request.bucket);
  return {
    operation: request.operation,
    endpoint,
    proxy: connection.platform.proxyOf?.(endpoint),
    bucket: request.bucket,
    key: request.key,
    method: request.method,
    body: request.body,
  };
}

interface Meaning {
  readonly code: ErrorCode;
  readonly advice: string;
}

/** A refusal as an `AppError`: what was tried, what came back, what to do. Keys are masked wherever they turn up. */
export function refusalError(answer: S3Answer, attempted: Attempted, settings: S3Settings): AppError {
  const refusal = refusalOf(answer);
  const isBetween = isFromBetween(answer, attempted);
  const { code, advice } = isBetween
    ? meaningOfBetween(answer, attempted)
    : (temporaryKey(refusal.code, settings) ??
      writeDenied({ status: answer.status, code: refusal.code }, attempted, settings) ??
      meaningOf(answer.status, refusal.code));
  const region = answer.headers.get('x-amz-bucket-region') ?? refusal.region;
  const said = [
    String(answer.status),
    refusal.code,
    refusal.message && `(${refusal.message.slice(0, 300).replace(/\.$/, '')})`,
  ]
    .filter(Boolean)
    .join(' ');
  const hint = code === 'storage_wrong_region' && region ? ` The storage names the region ${region}.` : '';
  return new AppError(
    code,
    masked(
      `${tried(attempted)}: ${isBetween ? 'the answer was' : 'the storage answered'} ${said}. ${advice}${hint}`,
      settings,
    ),
    {
      details: {
        ...detailsOf(attempted),
        status: answer.status,
        s3Code: refusal.code,
        requestId: refusal.requestId,
        ...(region ? { region } : {}),
      },
    },
  );
}

/** A failure to get an answer as an `AppError`: TLS, network or time. */
export function networkError(cause: unknown, attempted: Attempted): AppError {
  const code = networkCode(cause);
  const host = attempted.endpoint.replace(/^https?:\/\//, '');
  const { proxy } = attempted;
  if (proxy) {
    const failure = proxyFailure(cause, code, { proxy, host });
    if (failure !== null) {
      const details = { ...detailsOf(attempted), ...(failure.isRefusal ? {} : { networkCode: code }) };
      const message = `${tried(attempted)}: ${failure.sentence}`;
      return new AppError(failure.isRefusal ? 'storage_proxy' : 'storage_unreachable', message, {
        details,
        cause,
      });
    }
  }
  if (isTlsCode(code)) {
    return new AppError(
      'storage_tls',
      `${tried(attempted)}: ${explainNetwork(code, cause, new URL(attempted.endpoint)).sentence} (${code}).`,
      { details: { ...detailsOf(attempted), networkCode: code }, cause },
    );
  }
  if (isOurFault(code, cause)) {
    return new AppError(
      'storage_refused',
      `${tried(attempted)}: no request could be made of it (${code}). Look for odd characters in the storage's settings, and enter the keys again.`,
      { details: detailsOf(attempted), cause },
    );
  }
  return new AppError(
    'storage_unreachable',
    `${tried(attempted)}: no answer from ${host}${proxy ? ` through the proxy ${proxy}` : ''} (${code}). Check the endpoint, its port, DNS and firewalls between ${proxy ? 'that proxy' : 'this machine'} and the storage.`,
    { details: { ...detailsOf(attempted), networkCode: code }, cause },
  );
}

/** HEAD is refused for what GET reads: the one thing that a storage never does by itself. */
export function headChanged(status: number, attempted: Attempted): AppError {
  return new AppError(
    'storage_proxy',
    `${tried(attempted)}: HEAD is answered ${status}, and GET of the same works. ${HEAD_CHANGED}`,
    { details: { ...detailsOf(attempted), status } },
  );
}

export const HEAD_CHANGED =
  'The keys are right: a proxy or a CDN in between changes requests, as those do that ask GET for HEAD, so that the signature does not fit any more. Enter an address of the storage that does not lead through it, or have it pass requests on as they are.';

/** An answer that is no S3 answer. */
export function badAnswer(attempted: Attempted, what: string): AppError {
  return new AppError(
    'storage_bad_answer',
    `${tried(attempted)}: ${what}. Check that the endpoint is an S3 address and not a web page or another service.`,
    { details: detailsOf(attempted) },
  );
}

/** What a running backup was given up for: the last failure, and how long it was waited for. */
export function outOfPatience(error: AppError, tries: number, waitedMs: number): AppError {
  const seconds = Math.round(waitedMs / 1000);
  const time = seconds < 120 ? `${seconds} seconds` : `${Math.round(seconds / 60)} minutes`;
  return new AppError(
    error.code,
    `${error.message} It was tried ${tries} times in ${time}; STORAGE_PATIENCE sets how long a running backup waits.`,
    { details: error.details, cause: error.cause },
  );
}

/** The reason of an aborted signal, as one of our errors. */
export function cancelledError(signal: AbortSignal): AppError {
  if (signal.reason instanceof AppError) return signal.reason;
  return new AppError('cancelled', 'The transfer was cancelled.', { cause: signal.reason });
}

/** Why a request ended with its signal: its caller had gone, or the time was over that its caller gave the storage. */
export function endedError(signal: AbortSignal, attempted: Attempted): AppError {
  return isTimeUp(signal) ? networkError(signal.reason, attempted) : cancelledError(signal);
}

/** True where nobody cancelled anything: the storage took too long. */
export function isTimeUp({ reason }: AbortSignal): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** Code of a failed connection, wherever fetch has wrapped it. */
export function networkCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at.name === 'TimeoutError') return 'timeout';
    if (at instanceof AggregateError && at.errors[0] instanceof Error && 'code' in at.errors[0]) {
      return String(at.errors[0].code);
    }
  }
  return error instanceof Error ? error.message.slice(0, 100) : 'unknown';
}

/** True where nothing was sent because the request itself can't be: a header with a character that none may have. */
export function isOurFault(code: string, error: unknown): boolean {
  if (/^(ERR_INVALID|ERR_HTTP_INVALID|UND_ERR_INVALID_ARG)/.test(code)) return true;
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    // The Headers of the platform: no code, and no other name for it.
    if (/ByteString/.test(at.message)) return true;
  }
  return false;
}

/** True where another try can't help: the certificate stays the same. */
export function isTlsCode(code: string): boolean {
  return (
    /^(ERR_TLS_|ERR_SSL_|CERT_)/.test(code) ||
    /^(UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO$)/.test(code)
  );
}

const CREDENTIALS: Meaning = {
  code: 'storage_bad_credentials',
  advice: 'Check the access key and the secret key.',
};
const EXPIRED: Meaning = {
  code: 'storage_bad_credentials',
  advice:
    'The keys are temporary and have expired: get new ones (STS) and enter access key, secret key and session token under Admin > Storage. Backups at night need keys that last.',
};
const DENIED: Meaning = {
  code: 'storage_denied',
  advice:
    'The key is known, and its secret and the clock are right, but it may not do this: check its permissions, the policy of the bucket, and the spelling of the bucket.',
};
const REGION: Meaning = {
  code: 'storage_wrong_region',
  advice: 'The bucket lies in another region: correct the region (and the endpoint).',
};
const FULL: Meaning = {
  code: 'storage_full',
  advice: 'The storage has no room left or a quota is used up: free some space or raise the quota.',
};
const TOO_LARGE: Meaning = {
  code: 'storage_too_large',
  advice: 'The object is larger than the provider allows.',
};
const CORRUPTED: Meaning = {
  code: 'storage_refused',
  advice: 'The bytes arrived changed, several times: look for a proxy or faulty network hardware in between.',
};

const BY_CODE: Readonly<Record<string, Meaning>> = {
  InvalidAccessKeyId: CREDENTIALS,
  SignatureDoesNotMatch: CREDENTIALS,
  Unauthorized: CREDENTIALS,
  InvalidToken: CREDENTIALS,
  ExpiredToken: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  InvalidSecurity: CREDENTIALS,
  AccessDenied: DENIED,
  AllAccessDisabled: DENIED,
  AccountProblem: DENIED,
  UserSuspended: { code: 'storage_denied', advice: 'The account is suspended at the provider.' },
  ObjectLocked: { code: 'storage_denied', advice: 'Object lock protects it until its retention ends.' },
  NoSuchBucket: {
    code: 'storage_no_bucket',
    advice: 'There is no such bucket: check its spelling, create it, or correct the region.',
  },
  NoSuchKey: { code: 'storage_missing', advice: 'The object is not there (any more).' },
  NoSuchVersion: { code: 'storage_missing', advice: 'This version of the object is not there (any more).' },
  NoSuchUpload: {
    code: 'storage_missing',
    advice:
      'The unfinished upload is gone: the storage or a lifecycle rule removed it (MinIO does after stale_uploads_expiry, 24 hours by default).',
  },
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  AuthorizationQueryParametersError: REGION,
  IllegalLocationConstraintException: REGION,
  RequestTimeTooSkewed: {
    code: 'storage_clock_skew',
    advice: 'This clock and that of the storage differ too much: set the time on this machine (NTP).',
  },
  PreconditionFailed: { code: 'storage_exists', advice: 'An object of that name exists already.' },
  EntityTooLarge: TOO_LARGE,
  MaxMessageLengthExceeded: TOO_LARGE,
  QuotaExceeded: FULL,
  StorageQuotaExceeded: FULL,
  XMinioStorageFull: FULL,
  InsufficientCapacity: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
  BadDigest: CORRUPTED,
  XAmzContentSHA256Mismatch: CORRUPTED,
};

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  301: REGION,
  302: REGION,
  307: REGION,
  401: CREDENTIALS,
  403: {
    code: 'storage_denied',
    advice:
      'Nothing says why: check the keys, their permissions, the spelling of the bucket, and what is between this machine and the storage.',
  },
  404: { code: 'storage_missing', advice: 'Check the bucket and the endpoint.' },
  412: { code: 'storage_exists', advice: 'An object of that name exists already.' },
  413: TOO_LARGE,
  507: FULL,
};

/** True for keys of AWS's STS, which are worth nothing without their session token. */
export const lacksToken = ({ accessKey, sessionToken }: S3Settings) =>
  accessKey.startsWith('ASIA') && !sessionToken;

function temporaryKey(code: string | null, settings: S3Settings): Meaning | null {
  if (!lacksToken(settings) || (code !== 'InvalidAccessKeyId' && code !== 'InvalidToken')) return null;
  return { code: 'storage_bad_credentials', advice: LACKS_TOKEN };
}

export const LACKS_TOKEN =
  'An access key that begins with ASIA is a temporary one (STS) and needs its session token, which is not entered: enter it under Admin > Storage, or use keys that last.';

const WRITES = new Set(['PutObject', 'CreateMultipartUpload']);

/** A 403 to a write of a key that is known: what is ruled out, and what is left. */
function writeDenied(
  { status, code }: { status: number; code: string | null },
  { operation }: Attempted,
  settings: S3Settings,
): Meaning | null {
  if (status !== 403 || code !== 'AccessDenied' || !WRITES.has(operation)) return null;
  const asked = settings.encryption
    ? `, among them another server-side encryption than ${settings.encryption.algorithm}, which is asked for`
    : ', such as server-side encryption, which is not asked for: Admin > Storage has a setting for it';
  return {
    code: 'storage_denied',
    advice: `The storage knows the key, and its secret and this machine's clock are right. What is left: the key's policy does not allow to store objects there, or the bucket's policy demands something${asked}.`,
  };
}

function meaningOf(status: number, code: string | null): Meaning {
  const known =
    (code !== null && Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined) ?? BY_STATUS[status];
  if (known) return known;
  if (status >= 500 || status === 429 || status === 408) {
    return {
      code: 'storage_unreachable',
      advice: 'It kept failing after several tries: look at the provider’s status page and try again later.',
    };
  }
  return {
    code: 'storage_refused',
    advice: 'Check that the endpoint is an S3 address and that the provider supports this request.',
  };
}

function tried(attempted: Attempted): string {
  const at = attempted.endpoint.replace(/^https?:\/\//, '');
  return `${attempted.operation} ${attempted.bucket ? `in bucket ${attempted.bucket} ` : ''}at ${at}`;
}

function detailsOf(attempted: Attempted): Record<string, unknown> {
  return {
    operation: attempted.operation,
    endpoint: attempted.endpoint,
    ...(attempted.bucket === undefined ? {} : { bucket: attempted.bucket }),
    ...(attempted.key === undefined ? {} : { key: attempted.key }),
  };
}

/** Storages like to repeat the access key, and some the string that was signed. */
function masked(text: string, settings: S3Settings): string {
  const secrets = [settings.secretKey, settings.sessionToken, settings.accessKey];
  return secrets.reduce<string>((masked, secret) => masked.replaceAll(secret || '\0', '…'), text);
}
