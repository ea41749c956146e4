import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { S3Error } from './s3-error.ts';

/** A run of an object's bytes in a file of its own: a whole PUT, or one part. */
export interface Segment {
  /** File name inside the object's folder. */
  readonly file: string;
  readonly bytes: number;
  /** `ends`: the file holds only the first and last 64 KiB; what lies between reads as zeros. */
  readonly kept: 'all' | 'ends';
}

export interface Received {
  readonly segment: Segment;
  readonly md5: Buffer;
}

const endBytes = 64 * 1024;

/**
 * Streams a request's body into `folder/file` and hashes on the way. Throws BadDigest, XAmzContentSHA256Mismatch or
 * IncompleteBody when the bytes are not those that the headers announced; the file is then to be removed.
 */
export async function receiveSegment(
  body: Readable,
  into: { folder: string; file: string },
  expected: { bytes: number; sha256: string | null; md5: string | undefined; discard: boolean },
): Promise<Received> {
  const file = await open(join(into.folder, into.file), 'wx');
  const sink = expected.discard ? keepEnds(file) : keepAll(file);
  const md5 = createHash('md5');
  const sha256 = expected.sha256 === null ? null : createHash('sha256');
  try {
    await pipeline(body, hashing(sink, sha256 === null ? [md5] : [md5, sha256]));
    await sink.end();
  } finally {
    await file.close();
  }
  const digest = md5.digest();
  if (sink.bytes() !== expected.bytes) {
    throw new S3Error(
      400,
      'IncompleteBody',
      'You did not provide the number of bytes specified by the Content-Length HTTP header.',
    );
  }
  checkDigests(digest, sha256?.digest('hex') ?? null, expected);
  const segment = { file: into.file, bytes: sink.bytes(), kept: expected.discard ? 'ends' : 'all' } as const;
  return { segment, md5: digest };
}

interface Sink {
  write(chunks: readonly Buffer[]): Promise<void>;
  end(): Promise<void>;
  bytes(): number;
}

function hashing(sink: Sink, hashes: readonly Hash[]): Writable {
  const store = (chunks: readonly Buffer[], done: (error?: Error | null) => void): void => {
    for (const chunk of chunks) for (const hash of hashes) hash.update(chunk);
    sink.write(chunks).then(() => done(), done);
  };
  return new Writable({
    highWaterMark: 1024 * 1024,
    write: (chunk: Buffer, _encoding, done) => store([chunk], done),
    writev: (chunks, done) =>
      store(
        chunks.map(({ chunk }) => chunk),
        done,
      ),
  });
}

function keepAll(file: FileHandle): Sink {
  let bytes = 0;
  return {
    write: async (chunks) => {
      const size = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      const { bytesWritten } = await file.writev(chunks);
      if (bytesWritten !== size) throw new Error(`Wrote ${bytesWritten} of ${size} bytes`);
      bytes += size;
    },
    end: async () => {},
    bytes: () => bytes,
  };
}

function keepEnds(file: FileHandle): Sink {
  let bytes = 0;
  let head: Buffer = Buffer.alloc(0);
  const tail: Buffer[] = [];
  let tailBytes = 0;
  const keep = (chunk: Buffer): void => {
    const forHead = Math.min(endBytes - head.length, chunk.length);
    if (forHead > 0) head = Buffer.concat([head, chunk.subarray(0, forHead)]);
    tail.push(chunk.subarray(forHead));
    tailBytes += chunk.length - forHead;
    while (tail[0] !== undefined && tailBytes - tail[0].length >= endBytes) {
      tailBytes -= tail.shift()?.length ?? 0;
    }
    bytes += chunk.length;
  };
  return {
    write: async (chunks) => {
      for (const chunk of chunks) keep(chunk);
    },
    end: async () => {
      await file.write(Buffer.concat([head, Buffer.concat(tail).subarray(-endBytes)]));
    },
    bytes: () => bytes,
  };
}

/** Throws when a body is not the one that its headers announced. */
export function checkDigests(
  md5: Buffer,
  sha256: string | null,
  expected: { sha256: string | null; md5: string | undefined },
): void {
  if (expected.sha256 !== null && sha256 !== expected.sha256) {
    throw new S3Error(
      400,
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    );
  }
  if (expected.md5 !== undefined && md5.toString('base64') !== expected.md5) {
    throw new S3Error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
}

/** The bytes of consecutive segments from `start` to `end`, both inclusive. */
export async function* readSegments(
  folder: string,
  segments: readonly Segment[],
  range: { start: number; end: number },
): AsyncGenerator<Buffer> {
  let offset = 0;
  for (const segment of segments) {
    const start = Math.max(range.start - offset, 0);
    const end = Math.min(range.end - offset, segment.bytes - 1);
    offset += segment.bytes;
    if (start > end) continue;
    const path = join(folder, segment.file);
    if (segment.kept === 'ends') yield* readEnds(path, segment.bytes, start, end);
    else yield* createReadStream(path, { start, end, highWaterMark: 512 * 1024 });
  }
}

const sliceBytes = 512 * 1024;

async function* readEnds(path: string, bytes: number, start: number, end: number): AsyncGenerator<Buffer> {
  const ends = await readFile(path);
  const headBytes = Math.min(bytes, endBytes);
  const tailBytes = ends.length - headBytes;
  for (let at = start; at <= end; at += sliceBytes) {
    const slice = Buffer.alloc(Math.min(sliceBytes, end - at + 1));
    if (at < headBytes) ends.copy(slice, 0, at, headBytes);
    const tailAt = bytes - tailBytes - at;
    if (tailAt < slice.length) {
      ends.copy(slice, Math.max(tailAt, 0), headBytes + Math.max(-tailAt, 0));
    }
    yield slice;
  }
}
