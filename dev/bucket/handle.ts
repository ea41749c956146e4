import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { errorAnswer, paced, sendAnswer } from './answer.ts';
import type { Fault, FaultBook, Met } from './faults.ts';
import { faultError, insteadOf } from './faulty-answer.ts';
import { operations } from './operations/all.ts';
import type { Answer, Exchange, Limits } from './operations/exchange.ts';
import type { Profile } from './profile.ts';
import { type OperationName, readRequest, type S3Request } from './request.ts';
import { accessDenied, noSuchBucket, S3Error } from './s3-error.ts';
import { type AccessKey, verifySignature } from './signature.ts';
import type { Bucket } from './store.ts';

/** The server's state. */
export interface World {
  readonly buckets: Map<string, Bucket>;
  readonly keys: readonly AccessKey[];
  readonly region: string;
  readonly discard: boolean;
  readonly limits: Limits;
  readonly faults: FaultBook;
  readonly profile: Profile;
  readonly requests: RecordedRequest[];
  readonly log: (line: string) => void;
  readonly now: () => Date;
  readonly createBucket: (name: string) => Promise<void>;
}

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  /** Decoded parameters without those of a presigned URL. */
  readonly query: Readonly<Record<string, string>>;
  readonly operation: OperationName;
  readonly bucket: string | null;
  readonly key: string | null;
  readonly partNumber: number | null;
  /** Milliseconds since the process started. */
  readonly startedAtMs: number;
  /** When the answer was sent or the connection ended; null before. */
  endedAtMs: number | null;
  /** Null until answered, and for ever where a fault left it unanswered. */
  status: number | null;
  /** Error code of the answer. */
  code: string | null;
}

/** Takes one request from its headers to the last byte of its answer. */
export async function handleRequest(
  world: World,
  http: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.setHeader('x-amz-request-id', requestId);
  response.setHeader('server', 'DevelopmentBucket');
  try {
    await answerRequest(world, http, response, { requestId, signal: gone.signal });
  } catch (error) {
    // The client went away, or a fault cut the connection: nobody is left to be told.
    if (!gone.signal.aborted)
      world.log(`${requestId} failed: ${error instanceof Error ? error.stack : error}`);
    response.destroy();
  }
}

async function answerRequest(
  world: World,
  http: IncomingMessage,
  response: ServerResponse,
  ids: { requestId: string; signal: AbortSignal },
): Promise<void> {
  let request: S3Request;
  try {
    request = readRequest(http, world.profile.virtualHosts);
  } catch (error) {
    const answer = errorAnswer(toS3Error(world, error, ids.requestId), null, ids.requestId);
    return sendAnswer(response, answer, { fault: null, bytesPerSecond: null, signal: ids.signal });
  }
  const recorded = record(world, request);
  response.on('close', () => {
    recorded.endedAtMs = performance.now();
  });
  const met = meet(world, request);
  const { main: fault, bytesPerSecond } = met;
  const now = new Date(world.now().getTime() + met.skewMs);
  response.setHeader('date', now.toUTCString());
  if (fault?.kind === 'reset') return void http.socket.destroy();
  if (fault?.kind === 'hang') return;
  if (met.delayMs > 0) await delay(met.delayMs, undefined, { signal: ids.signal });
  const outcome = await perform(world, request, response, { met, now, ...ids });
  if (fault?.kind === 'reset-after') return void http.socket.destroy();
  if (fault?.kind === 'hang-after') return;
  const error = fault?.kind === 'status-after' ? faultError(fault) : outcome.error;
  const answer = error === null ? outcome.answer : errorAnswer(error, request, ids.requestId);
  recorded.status = answer.status;
  recorded.code = error?.code ?? null;
  world.log(`${ids.requestId} ${request.method} ${request.rawPath} ${request.operation} ${answer.status}`);
  if (fault?.kind === 'status' && fault.early) response.setHeader('connection', 'close');
  await sendAnswer(response, answer, { fault, bytesPerSecond, signal: ids.signal });
}

/** What a test asked for, else what the provider is known for. */
function meet(world: World, request: S3Request): Met {
  const met = world.faults.meet(request);
  return met.main === null ? { ...met, main: world.profile.fault(request) } : met;
}

interface Outcome {
  readonly answer: Answer;
  readonly error: S3Error | null;
}

async function perform(
  world: World,
  request: S3Request,
  response: ServerResponse,
  context: { met: Met; now: Date; requestId: string; signal: AbortSignal },
): Promise<Outcome> {
  const { met, signal } = context;
  const fault = met.main;
  let continued = !/100-continue/i.test(request.headers.get('expect') ?? '');
  const body = (): Readable => {
    if (!continued) response.writeContinue();
    continued = true;
    if (met.bytesPerSecond === null) return request.http;
    return Readable.from(paced(request.http, met.bytesPerSecond, signal));
  };
  try {
    if (fault?.kind === 'hold') await fault.until;
    const instead = await insteadOf(world.buckets, request, fault, body);
    if (instead !== null && fault?.kind === 'proxy-page') response.removeHeader('x-amz-request-id');
    if (instead !== null) return { answer: instead, error: null };
    const exchange = admit(world, request, { fault, now: context.now, body });
    const bucket = exchange.buckets.get(request.bucket ?? '');
    if (bucket !== undefined) await world.profile.prepare(bucket, request, context.now);
    return { answer: await operations[request.operation](exchange), error: null };
  } catch (error) {
    if (signal.aborted) throw error;
    // A client that was not told to go on sends no body, so that the connection cannot be used again.
    if (!continued) response.setHeader('connection', 'close');
    const known = toS3Error(world, error, context.requestId);
    return { answer: { status: 500 }, error: world.profile.translate(known, request, keyOf(world, request)) };
  }
}

/** Verifies the signature and what the key may reach. */
function admit(
  world: World,
  request: S3Request,
  context: { fault: Fault | null; now: Date; body: () => Readable },
): Exchange {
  const { keys, profile } = world;
  const region = profile.regionOf(request.headers.get('host') ?? '') ?? world.region;
  const { key, payloadSha256 } = verifySignature(request, {
    keys,
    region: profile.anyRegion ? null : region,
    now: context.now,
  });
  const { bucket } = request;
  if (bucket !== null && key.buckets !== undefined && !key.buckets.includes(bucket)) throw accessDenied();
  const refusal = profile.refuse(request, key);
  if (refusal !== null) throw refusal;
  if (bucket !== null && world.faults.hasVanished(bucket)) throw noSuchBucket(bucket);
  const buckets = new Map([...world.buckets].filter(([name]) => !world.faults.hasVanished(name)));
  const { discard, limits, createBucket } = world;
  const { fault, body } = context;
  const deleteBucket = (name: string): void => void world.buckets.delete(name);
  return {
    request,
    key,
    payloadSha256,
    buckets,
    region,
    discard,
    limits,
    createBucket,
    deleteBucket,
    fault,
    body,
  };
}

/** The key that the request names, whether or not its signature is right. */
function keyOf(world: World, request: S3Request): AccessKey | null {
  const credential = request.query.get('X-Amz-Credential') ?? request.headers.get('authorization') ?? '';
  return world.keys.find(({ accessKey }) => credential.includes(accessKey)) ?? null;
}

function toS3Error(world: World, error: unknown, requestId: string): S3Error {
  if (error instanceof S3Error) return error;
  world.log(`${requestId} InternalError: ${error instanceof Error ? error.stack : error}`);
  return new S3Error(500, 'InternalError', 'We encountered an internal error. Please try again.');
}

function record(world: World, request: S3Request): RecordedRequest {
  const { method, rawPath: path, operation, bucket, key, partNumber } = request;
  const query = Object.fromEntries([...request.query].filter(([name]) => !name.startsWith('X-Amz-')));
  const times = { startedAtMs: performance.now(), endedAtMs: null };
  const answer = { status: null, code: null };
  const recorded = { method, path, query, operation, bucket, key, partNumber, ...times, ...answer };
  world.requests.push(recorded);
  return recorded;
}
