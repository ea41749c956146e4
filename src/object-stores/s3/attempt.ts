import { isAppError } from '../../errors.ts';
import type { MeteredRequest } from '../storage-meter.ts';
import { urlOf } from './address.ts';
import { boundedAnswer, readAnswer, type S3Answer } from './answer.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer, endedError } from './errors.ts';
import { EMPTY_SHA256, signRequest } from './sign.ts';

export interface S3Request {
  /** The S3 API's name, for messages. */
  readonly operation: string;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Hex SHA-256 of the body, where there is one. */
  readonly sha256?: string;
  /** Ends the request itself, and the tries after it. */
  readonly signal?: AbortSignal | undefined;
  /** Ends only the tries that would follow: for a request whose outcome must be known. */
  readonly retrySignal?: AbortSignal;
  readonly attempts?: number;
  /** A running backup depends on it: it is sent again for minutes, see `Tuning.patienceMs`. */
  readonly isPatient?: boolean;
  readonly timeoutMs?: number;
  /** Statuses besides 2xx that the caller understands. */
  readonly allow?: readonly number[];
  /** Leaves the body of a 2xx answer unread. */
  readonly stream?: boolean;
  /** Asked before a request is sent again; an answer stands for the one that was lost. */
  readonly beforeRetry?: () => Promise<S3Answer | null>;
}

export type Outcome =
  | { readonly kind: 'success'; readonly answer: S3Answer; readonly response?: undefined }
  | { readonly kind: 'success'; readonly answer?: undefined; readonly response: Response }
  | { readonly kind: 'refused'; readonly answer: S3Answer }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Signs and sends once. Throws only when the caller's signal has aborted, or for an error of ours. */
export async function tryOnce(connection: S3Connection, request: S3Request): Promise<Outcome> {
  const begunAt = performance.now();
  const outcome = await attempt(connection, request);
  const took = (performance.now() - begunAt) / 1000;
  connection.platform.meter?.sent(meteredOf(connection, request, outcome), took);
  return outcome;
}

/** As it is counted. */
export function meteredOf(connection: S3Connection, request: S3Request, outcome: Outcome): MeteredRequest {
  const status = outcome.kind === 'failed' ? 'none' : String((outcome.answer ?? outcome.response).status);
  const { provider } = connection.addressOf(request.bucket);
  return { provider: provider.id, operation: request.operation, status };
}

async function attempt(connection: S3Connection, request: S3Request): Promise<Outcome> {
  try {
    const got = await transfer(connection, request);
    const { status, headers } = got;
    const succeeded = (status >= 200 && status < 300) || request.allow?.includes(status) === true;
    if (succeeded) connection.learnClock(headers);
    if (isResponse(got)) return { kind: 'success', response: got };
    return { kind: succeeded ? 'success' : 'refused', answer: got };
  } catch (error) {
    if (request.signal?.aborted) throw endedError(request.signal, attemptedOf(connection, request));
    if (isAppError(error)) throw error;
    return { kind: 'failed', error };
  }
}

/** By shape: a platform's fetch may come with a Response class of its own. */
function isResponse(got: S3Answer | Response): got is Response {
  return 'body' in got;
}

async function transfer(connection: S3Connection, request: S3Request): Promise<S3Answer | Response> {
  const address = connection.addressOf(request.bucket);
  const url = urlOf(address, request, request.query);
  const headers = await signRequest(connection.keysFor(address), {
    method: request.method,
    url,
    headers: { ...request.headers, ...(await digestHeader(connection, request)) },
    payloadSha256: request.sha256 ?? EMPTY_SHA256,
    at: connection.now(),
  });
  if (request.method !== 'PUT' || !request.body) return fetchOnce(connection, request, url, headers);
  if (address.provider.freshConnections) headers.set('connection', 'close');
  const signal = request.signal ?? new AbortController().signal;
  return boundedAnswer(
    await connection.platform.send({ method: 'PUT', url, headers, body: request.body, signal }),
  );
}

async function digestHeader(
  connection: S3Connection,
  { method, bucket, body }: S3Request,
): Promise<Record<string, string>> {
  const { md5 } = connection.platform;
  if (method !== 'PUT' || !body || !md5 || !connection.wantsMd5(bucket)) return {};
  return { 'content-md5': await md5(body) };
}

async function fetchOnce(
  connection: S3Connection,
  request: S3Request,
  url: string,
  headers: Headers,
): Promise<S3Answer | Response> {
  const late = new AbortController();
  const timeoutMs = request.timeoutMs ?? connection.tuning.attemptTimeoutMs;
  const timer = setTimeout(
    () => late.abort(new DOMException(`no answer in ${timeoutMs} ms`, 'TimeoutError')),
    timeoutMs,
  );
  try {
    const response = await connection.platform.fetch(url, {
      method: request.method,
      headers,
      // Plain memory: the type of a body excludes shared memory. Bodies of control requests are small.
      ...(request.body ? { body: new Uint8Array(request.body) } : {}),
      // A followed redirect would turn a Complete into a GET that succeeds.
      redirect: 'manual',
      signal: request.signal ? AbortSignal.any([request.signal, late.signal]) : late.signal,
    });
    return request.stream && response.ok ? response : await readWhole(connection, request, response);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws `storage_bad_answer` for a success that is too large to be one of S3's. */
export async function readWhole(
  connection: S3Connection,
  request: S3Request,
  response: Response,
): Promise<S3Answer> {
  const answer = await readAnswer(response);
  if (answer !== null) return answer;
  throw badAnswer(attemptedOf(connection, request), 'the answer is larger than any that S3 gives');
}
