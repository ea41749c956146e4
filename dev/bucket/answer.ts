import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './faults.ts';
import type { Answer } from './operations/exchange.ts';
import type { S3Request } from './request.ts';
import type { S3Error } from './s3-error.ts';
import { errorDocument } from './xml.ts';

/** Sends the answer, with what a fault does to its bytes. */
export async function sendAnswer(
  response: ServerResponse,
  answer: Answer,
  shape: { fault: Fault | null; bytesPerSecond: number | null; signal: AbortSignal },
): Promise<void> {
  const { fault, bytesPerSecond, signal } = shape;
  const headers = { ...answer.headers };
  const { body = '' } = answer;
  if (fault?.kind === 'keep-alive-blanks') {
    response.writeHead(answer.status, { ...headers, 'content-type': 'application/xml' });
    response.write(' \r\n ');
    await delay(fault.delayMs, undefined, { signal });
    response.end(body);
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.bytes;
  const described = typeof body === 'string' && body !== '' ? { 'content-type': 'application/xml' } : {};
  const sized = answer.status === 204 || answer.status === 304 ? {} : { 'content-length': String(bytes) };
  const changes = fault?.kind === 'headers' ? fault.headers : {};
  response.writeHead(answer.status, withChanges({ ...sized, ...described, ...headers }, changes));
  const source = typeof body === 'string' ? [Buffer.from(body)] : body.stream;
  if (fault?.kind === 'truncate' || fault?.kind === 'stall') {
    await sendSome(response, source, fault.bytes);
    if (fault.kind === 'truncate') response.destroy();
    return;
  }
  if (typeof body === 'string' && bytesPerSecond === null) response.end(body);
  else await pipeline(Readable.from(paced(source, bytesPerSecond, signal)), response);
}

function withChanges(
  headers: Readonly<Record<string, string | undefined>>,
  changes: Readonly<Record<string, string | null>>,
): Record<string, string> {
  const { 'content-length': bytes, ...others } = { ...headers, ...changes };
  // Last, because Node re-encodes a Content-Disposition that follows a Content-Length.
  const kept = Object.entries({ ...others, 'content-length': bytes }).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return Object.fromEntries(kept);
}

type Chunks = Iterable<Buffer> | AsyncIterable<Buffer>;

/** Resolves once so many bytes were handed to the kernel. */
async function sendSome(response: ServerResponse, source: Chunks, bytes: number): Promise<void> {
  let left = bytes;
  response.flushHeaders();
  for await (const chunk of source) {
    const piece = chunk.subarray(0, left);
    left -= piece.length;
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
    if (left <= 0) return;
  }
}

/** The same bytes, at most so many a second; null for no limit. */
export async function* paced(
  source: Chunks,
  bytesPerSecond: number | null,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    if (bytesPerSecond !== null) {
      await delay((chunk.length / bytesPerSecond) * 1000, undefined, { signal });
    }
    yield chunk;
  }
}

/** The answer that S3 gives for a refused request; an answer to HEAD has no body. */
export function errorAnswer(error: S3Error, request: S3Request | null, requestId: string): Answer {
  const body = errorDocument({
    Code: error.code,
    Message: error.message,
    ...error.fields,
    Resource: request?.rawPath ?? '/',
    RequestId: requestId,
    HostId: 'development',
  });
  const headers = { ...error.headers, 'content-type': 'application/xml' };
  return request?.method === 'HEAD'
    ? { status: error.status, headers }
    : { status: error.status, headers, body };
}
