import { AppError } from '../../errors.ts';
import type { PutOptions } from '../object-store.ts';
import type { S3Connection } from './connection.ts';
import { attemptedOf, badAnswer, cancelledError } from './errors.ts';
import { type PartPlan, partBytesAt } from './part-plan.ts';
import type { PartReader } from './part-reader.ts';
import type { PartBuffer } from './platform.ts';
import { send } from './request.ts';
import type { Target } from './target.ts';

export interface SentPart {
  readonly number: number;
  readonly etag: string;
  readonly bytes: number;
}

export type Upload = Target & { readonly uploadId: string };

interface FilledPart {
  readonly buffer: PartBuffer;
  readonly length: number;
}

/**
 * Sends the body in parts, several at once, and gives them in order. Each is filled before it is sent: storages close
 * connections that wait for a slow dump. Returns or throws only after no part is on its way any more.
 */
export async function uploadParts(
  connection: S3Connection,
  upload: Upload,
  body: { readonly plan: PartPlan; readonly reader: PartReader; readonly first: PartBuffer },
  options: PutOptions,
): Promise<readonly SentPart[]> {
  const { plan, reader } = body;
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const inFlight = new Set<Promise<void>>();
  const sent: SentPart[] = [];
  let failure: { readonly error: unknown } | null = null;
  let acceptedBytes = 0;

  function fail(error: unknown): void {
    failure ??= { error };
    stop.abort(error);
  }

  async function deliver(number: number, { buffer, length }: FilledPart): Promise<void> {
    try {
      const part = await sendPart(connection, upload, number, buffer.bytes.subarray(0, length), signal);
      sent.push(part);
      acceptedBytes += length;
      options.onProgress?.(acceptedBytes);
    } catch (error) {
      fail(error);
    } finally {
      buffer.release();
    }
  }

  function start(number: number, part: FilledPart): void {
    const delivery = deliver(number, part).finally(() => inFlight.delete(delivery));
    inFlight.add(delivery);
  }

  try {
    start(1, { buffer: body.first, length: body.first.bytes.byteLength });
    for (let number = 2; await reader.hasMore(signal); number += 1) {
      const part = await fillPart(connection, reader, partBytesAt(plan, number), signal);
      try {
        while (inFlight.size >= plan.inFlight) await Promise.race(inFlight);
        if (signal.aborted) throw cancelledError(signal);
      } catch (error) {
        part.buffer.release();
        throw error;
      }
      start(number, part);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.all(inFlight);
  throwIfAny(failure);
  return inOrder(sent, acceptedBytes);
}

async function fillPart(
  connection: S3Connection,
  reader: PartReader,
  bytes: number,
  signal: AbortSignal,
): Promise<FilledPart> {
  const buffer = await connection.platform.partMemory.acquire(bytes, signal);
  try {
    return { buffer, length: await reader.fill(buffer.bytes, signal) };
  } catch (error) {
    buffer.release();
    throw error;
  }
}

/** An acknowledged part is never sent again: where a second try fails, some storages lose the first. */
async function sendPart(
  connection: S3Connection,
  { bucket, key, uploadId }: Upload,
  number: number,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<SentPart> {
  const request = { operation: 'UploadPart', method: 'PUT', bucket, key } as const;
  const answer = await send(connection, {
    ...request,
    query: { partNumber: String(number), uploadId },
    body: bytes,
    sha256: await connection.platform.sha256(bytes),
    signal,
    isPatient: true,
  });
  const etag = answer.headers.get('etag');
  if (!etag) throw badAnswer(attemptedOf(connection, request), 'the answer has no ETag');
  return { number, etag, bytes: bytes.byteLength };
}

function throwIfAny(failure: { readonly error: unknown } | null): void {
  if (failure) throw failure.error;
}

/** Every part once, without a gap, and as many bytes as were accepted: what Complete will claim. */
function inOrder(sent: readonly SentPart[], bytes: number): readonly SentPart[] {
  const parts = sent.toSorted((a, b) => a.number - b.number);
  const contiguous = parts.every((part, index) => part.number === index + 1);
  if (contiguous && parts.reduce((total, part) => total + part.bytes, 0) === bytes) return parts;
  throw new AppError('internal', 'The parts of the upload do not add up; it is not completed.');
}
