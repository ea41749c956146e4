import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { AppError } from '../errors.ts';

const MAX_BODY_BYTES = 1024 * 1024;
/** Of a body that nobody wants, so much is read and dropped before the answer: more is a client that does not look at it. */
const MAX_DROPPED_BYTES = 64 * 1024 * 1024;
const PATIENCE_MS = 10_000;

/**
 * Refuses bodies above 1 MiB, announced or not, with `invalid`. What no route reads of a body is read here and dropped
 * before the answer goes out: a connection that closes upon bytes unread is reset, and its answer is lost with it. Where
 * that takes longer than `patienceMs` (the client stands still, or sends without end), the connection closes after it.
 */
export function limitBody({ patienceMs = PATIENCE_MS } = {}) {
  return createMiddleware(async (c, next) => {
    const request = c.req.raw;
    const { method } = request;
    if (method === 'GET' || method === 'HEAD') return next();
    const announced = announcedBytes(request.headers);
    if (announced === 0) return next();
    if (announced === null) await readAtOnce(c, patienceMs);
    else if (announced > MAX_BODY_BYTES) {
      await dropRest(c, request.body?.getReader(), patienceMs);
      throw tooLarge();
    }
    await next();
    if (announced !== null && !request.bodyUsed && request.body?.locked === false) {
      await dropRest(c, request.body.getReader(), patienceMs);
    }
  });
}

/** Bytes; null where the length is told by the end alone. */
function announcedBytes(headers: Headers): number | null {
  const length = headers.get('content-length');
  return length === null || headers.has('transfer-encoding') ? null : Number(length);
}

/** Puts a body of unknown length in place of the one that is read here, so that its length is known before anything else. */
async function readAtOnce(c: Context, patienceMs: number): Promise<void> {
  const reader = c.req.raw.body?.getReader();
  if (reader === undefined) return;
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.length;
    if (size > MAX_BODY_BYTES) {
      await dropRest(c, reader, patienceMs);
      throw tooLarge();
    }
    chunks.push(next.value);
  }
  c.req.raw = new Request(c.req.raw, { body: new Blob(chunks) });
}

function tooLarge(): AppError {
  return new AppError('invalid', 'The request body is larger than 1 MiB');
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Closes the connection after the answer where the rest did not come to its end: it can't carry another request. */
async function dropRest(c: Context, reader: Reader | undefined, patienceMs: number): Promise<void> {
  if (reader === undefined) return;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const outOfPatience = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
  });
  const isAtEnd = await Promise.race([dropAll(reader), outOfPatience]);
  clearTimeout(timer);
  if (!isAtEnd) c.header('Connection', 'close');
}

async function dropAll(reader: Reader): Promise<boolean> {
  try {
    let dropped = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      dropped += next.value.length;
      if (dropped > MAX_DROPPED_BYTES) return false;
    }
    return true;
  } catch {
    // The client hung up, or its body is broken: nothing more comes.
    return false;
  }
}
