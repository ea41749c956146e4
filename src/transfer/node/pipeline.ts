import { createHash, type Hash } from 'node:crypto';
import type { DumpContents } from '../../engines/contents.ts';
import type { DumpPlan } from '../../engines/engine.ts';
import { compress } from './compress.ts';

/** What is known of a stream that went through the pipeline. The numbers grow while it runs. */
export interface StreamRecord {
  /** Bytes that came from the dump tool. */
  bytesRead: number;
  /** Bytes handed to the store. */
  bytesOut: number;
  /** First and last byte handed to the store; null while there is none. */
  firstByte: number | null;
  lastByte: number | null;
  /** Hex SHA-256 of what was handed to the store; null until the stream has ended whole. */
  sha256: string | null;
  /** Of the dump, before compression; and what it holds, where its proof tells. */
  dumpSha256: string | null;
  contents: DumpContents | null;
  /** What the source side threw, if it did, so that a failure is told from one of the store. */
  sourceError: unknown;
}

/**
 * The dump's bytes on their way to the store: proof of its end, compression, count, hash. The stream given back
 * throws at its end unless the source ended well (exit status 0), the end proof was seen and at least one byte came.
 */
export function openPipeline(
  source: AsyncIterable<Uint8Array>,
  plan: Pick<DumpPlan, 'newEndProof' | 'compression'>,
  signal: AbortSignal,
): { stream: AsyncIterable<Uint8Array>; record: StreamRecord } {
  const record: StreamRecord = {
    bytesRead: 0,
    bytesOut: 0,
    firstByte: null,
    lastByte: null,
    sha256: null,
    dumpSha256: null,
    contents: null,
    sourceError: undefined,
  };
  const isAsIs = plan.compression.type === 'none';
  const proven = prove(source, plan.newEndProof(), isAsIs ? null : createHash('sha256'), record);
  return { stream: seal(compress(proven, plan.compression, signal), record), record };
}

async function* prove(
  source: AsyncIterable<Uint8Array>,
  proof: ReturnType<DumpPlan['newEndProof']>,
  hash: Hash | null,
  record: StreamRecord,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of source) {
      record.bytesRead += chunk.byteLength;
      proof.observe(chunk);
      hash?.update(chunk);
      yield chunk;
    }
    proof.finish();
    record.contents = proof.contents?.() ?? null;
    record.dumpSha256 = hash?.digest('hex') ?? null;
  } catch (error) {
    record.sourceError = error;
    throw error;
  }
}

async function* seal(source: AsyncIterable<Uint8Array>, record: StreamRecord): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  for await (const chunk of source) {
    if (chunk.byteLength === 0) continue;
    record.firstByte ??= chunk[0] ?? null;
    record.lastByte = chunk[chunk.byteLength - 1] ?? null;
    record.bytesOut += chunk.byteLength;
    hash.update(chunk);
    yield chunk;
  }
  record.sha256 = hash.digest('hex');
  // What is stored as it came has one hash.
  record.dumpSha256 ??= record.sha256;
}
