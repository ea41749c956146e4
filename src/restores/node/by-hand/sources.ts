import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { AppError } from '../../../errors.ts';
import type { GetOptions, ObjectBody, ObjectStore } from '../../../object-stores/object-store.ts';

/** Where bytes of a backup are read by a person's program. */
export interface Source extends Pick<ObjectStore, 'get'> {
  /** Without what an address has of secrets. */
  readonly label: string;
}

const CHUNK_BYTES = 256 * 1024;

/** A file of this machine. `get` throws `storage_missing` or `storage_denied`. */
export function fileSource(path: string): Source {
  return {
    label: path,
    async get(_, { range, signal } = {}) {
      const file = await opened(path);
      const { size } = await file.stat().finally(() => file.close());
      const end = range?.end ?? size - 1;
      return bodyOf(size, read(path, { start: range?.start ?? 0, end }, signal));
    },
  };
}

async function opened(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw new AppError('storage_missing', `There is no file ${path}.`, { cause });
    }
    throw new AppError('storage_denied', `${path} can't be opened (${code}). Look at its owner and mode.`, {
      cause,
    });
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new AppError('storage_denied', `${path} is no file. Give the stored file itself.`);
}

function bodyOf(totalBytes: number, bytes: AsyncGenerator<Uint8Array>): ObjectBody {
  return { totalBytes, bytes: totalBytes, [Symbol.asyncIterator]: () => bytes };
}

/** Opens the file itself, so that a body that nobody reads leaves none open. Each chunk has memory of its own: another one is read while it is used. */
async function* read(
  path: string,
  { start, end }: { readonly start: number; readonly end: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const file = await opened(path);
  try {
    for (let at = start; at <= end; ) {
      signal?.throwIfAborted();
      const { bytesRead, buffer } = await file.read({
        buffer: Buffer.allocUnsafeSlow(CHUNK_BYTES),
        length: Math.min(CHUNK_BYTES, end + 1 - at),
        position: at,
      });
      if (bytesRead === 0) {
        throw new AppError(
          'storage_mismatch',
          `The file became shorter while it was read: it ends at ${at}.`,
        );
      }
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** What another program writes, once; `bytes` are to come. */
export function inputSource(input: Readable, bytes: number): Source {
  let isTaken = false;
  return {
    label: 'standard input',
    async get() {
      if (isTaken) {
        throw new AppError(
          'storage_mismatch',
          `Standard input ended before all ${bytes} bytes of the stored file had come. See what the program before it says.`,
        );
      }
      isTaken = true;
      return bodyOf(bytes, chunksOf(input));
    },
  };
}

async function* chunksOf(input: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) yield chunk instanceof Uint8Array ? chunk : Buffer.from(String(chunk));
}

const MOST_TEXT_BYTES = 64 * 2 ** 20;

/** All of a small file, as text. Throws what its source throws, and `invalid` for one that is not small. */
export async function textOf(source: Source, options: Pick<GetOptions, 'signal'>): Promise<string> {
  const body = await source.get('', options);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > MOST_TEXT_BYTES)
      throw new AppError('invalid', `${source.label} is too large for a manifest.`);
    chunks.push(chunk.slice());
  }
  return Buffer.concat(chunks).toString();
}
