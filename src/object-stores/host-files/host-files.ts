import { AppError, isAppError, wasStopped } from '../../errors.ts';
import type { Host } from '../../hosts/host.ts';
import { readShortOutput } from '../../hosts/short-output.ts';
import type {
  ByteRange,
  Leftover,
  ObjectBody,
  ObjectStore,
  PutOptions,
  StoredObject,
} from '../object-store.ts';
import { StoreFailure } from '../store-failure.ts';
import { missing, stalledDisk, translate, uncertain, wasKilled } from './errors.ts';
import { type HostPath, isScratchPath, parseHostPath, parsePartialPath, partialPath } from './path.ts';
import {
  createScript,
  readScript,
  removeScratchScript,
  removeScript,
  sealScript,
  sizeScript,
  takeBackScript,
  writeScript,
} from './scripts.ts';

/** How long a short command may say nothing: a sleeping disk or a busy network file system answers within it. */
const SHORT_MS = 60_000;
const CLEAN_UP_MS = 30_000;
/** How long a disk may take or give no byte at all before it is taken for a dead one (a hung network file system). */
const STALL_MS = 5 * 60_000;
/** How long the last bytes may take from the host's memory to its disk: gigabytes, on a machine with much of it. */
const SYNC_MS = 30 * 60_000;

export interface HostFilesOptions {
  /** Sees every key first and throws for one that this host may not use. */
  readonly checkPath?: (path: string) => Promise<void>;
  readonly limits?: DiskLimits;
}

export interface DiskLimits {
  readonly stallMs: number;
  readonly syncMs: number;
}

/**
 * The `local` storage type: files on the database's host. Keys are absolute paths there; an upload id is the path of
 * the unfinished file, hidden beside its target. A file has no token, etag or version.
 */
export function createHostFiles(
  host: Host,
  { checkPath, limits = { stallMs: STALL_MS, syncMs: SYNC_MS } }: HostFilesOptions = {},
): ObjectStore {
  const checked = async (key: string): Promise<HostPath> => {
    const target = parseHostPath(key);
    await checkPath?.(target.path);
    return target;
  };
  return {
    label: `files on ${host.label}`,
    put: async (key, body, options) => put(host, await checked(key), body, options, limits),
    async head(key, { signal } = {}) {
      const { path } = await checked(key);
      const bytes = await sizeOf(host, path, signal);
      return bytes === null ? null : { bytes, etag: null, token: null, versionId: null };
    },
    async get(key, { range, signal } = {}) {
      const { path } = await checked(key);
      const totalBytes = await sizeOf(host, path, signal);
      if (totalBytes === null) throw missing(host, path);
      const within = range && clamp(range, path, totalBytes);
      return bodyOf(host, path, { totalBytes, range: within, signal, idleTimeoutMs: limits.stallMs });
    },
    remove: async (key, { signal } = {}) => remove(host, await checked(key), signal),
    async abortUpload(key, uploadId, { signal } = {}) {
      const target = await checked(key);
      await takeBack(host, target, parsePartialPath(target, uploadId), signal);
    },
    async uploadExists(key, uploadId, { signal } = {}) {
      const partial = parsePartialPath(await checked(key), uploadId);
      return (await sizeOf(host, partial, signal)) !== null;
    },
    async listUploads(key, { token, signal }) {
      // Without a token it could only be another run's.
      if (token === '') return [];
      const partial = partialPath(await checked(key), token);
      return (await sizeOf(host, partial, signal)) === null ? [] : [partial];
    },
  };
}

async function put(
  host: Host,
  target: HostPath,
  body: AsyncIterable<Uint8Array>,
  options: PutOptions,
  limits: DiskLimits,
): Promise<StoredObject> {
  const partial = partialPath(target, options.token);
  try {
    await shortRun(host, target.path, createScript(target, partial), options.signal);
  } catch (error) {
    const isUnknown = wasStopped(error) || isAppError(error, 'host_dropped', 'host_timeout');
    throw isUnknown ? await cleanedUp(host, target, partial, error) : error;
  }
  let bytes: number;
  try {
    await options.onUploadCreated?.(partial);
    bytes = await write(host, target, partial, body, options, limits);
    await options.beforeSeal?.({ bytes });
    options.signal.throwIfAborted();
  } catch (error) {
    throw await cleanedUp(host, target, partial, error);
  }
  await seal(host, target, partial, bytes);
  return { bytes, etag: null, versionId: null };
}

async function write(
  host: Host,
  target: HostPath,
  partial: string,
  body: AsyncIterable<Uint8Array>,
  { signal, onProgress }: PutOptions,
  { stallMs, syncMs }: DiskLimits,
): Promise<number> {
  let sent = 0;
  let bodyFailure: { readonly error: unknown } | undefined;
  const stalled = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const limit = (ms: number) => {
    timer = setTimeout(() => stalled.abort(stalledDisk(host, partial, ms)), ms);
  };
  async function* counted(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        limit(stallMs);
        yield chunk;
        // The next one is asked for when this one has been accepted.
        clearTimeout(timer);
        sent += chunk.length;
        onProgress?.(sent);
      }
    } catch (error) {
      bodyFailure = { error };
      throw error;
    } finally {
      clearTimeout(timer);
    }
    limit(syncMs);
  }
  const writing = host.run(
    { script: writeScript(partial) },
    { signal: AbortSignal.any([signal, stalled.signal]), input: counted() },
  );
  const printed = await textOf(writing, host, target.path)
    .catch((error: unknown) => {
      // The body may be another command of a host: its failure is not ours to explain.
      throw bodyFailure ? bodyFailure.error : translate(error, host, target.path);
    })
    .finally(() => clearTimeout(timer));
  const written = Number(printed.trim());
  if (written !== sent) {
    throw new AppError(
      'storage_mismatch',
      `${host.label} wrote ${written} bytes of the ${sent} that were sent to ${partial}; look at the disk and at dmesg there.`,
      { details: { sent, written } },
    );
  }
  return sent;
}

/** Not stopped by an abort: it takes a moment, and half of it is worse. A lost connection is asked again over a new one. */
async function seal(host: Host, target: HostPath, partial: string, bytes: number): Promise<void> {
  let isAgain = false;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await shortRun(host, target.path, sealScript(target, partial, bytes, isAgain), undefined);
      return;
    } catch (error) {
      const isUnknown = isAppError(error, 'host_dropped', 'host_timeout') || wasKilled(error);
      const isUnreachable = isAgain && isAppError(error, 'host_unreachable', 'host_auth', 'host_key_changed');
      if (!isUnknown && !isUnreachable) {
        throw await cleanedUp(host, target, partial, error);
      }
      if (attempt === 3) throw uncertain(host, target, partial, error);
      isAgain = true;
    }
  }
}

async function cleanedUp(host: Host, target: HostPath, partial: string, failure: unknown): Promise<unknown> {
  try {
    await takeBack(host, target, partial, AbortSignal.timeout(CLEAN_UP_MS));
    return failure;
  } catch (error) {
    const leftover: Leftover = { kind: 'upload', key: target.path, uploadId: partial, versionId: null };
    const { code, message, details, cause } = isAppError(failure)
      ? failure
      : new AppError('internal', `Writing ${target.path} failed.`, { cause: failure });
    return new StoreFailure(code, `${message} The unfinished file ${partial} could not be removed yet.`, {
      leftover,
      details: { ...details, cleanUp: isAppError(error) ? error.message : String(error) },
      cause: cause ?? failure,
    });
  }
}

/** Removes the unfinished file, and the finished one where it is the same: its seal stopped half-way. */
async function takeBack(
  host: Host,
  target: HostPath,
  partial: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await shortRun(host, target.path, takeBackScript(target, partial), signal);
}

async function remove(host: Host, target: HostPath, signal: AbortSignal | undefined): Promise<void> {
  const script = isScratchPath(target) ? removeScratchScript(target) : removeScript(target);
  await shortRun(host, target.path, script, signal);
}

async function sizeOf(host: Host, path: string, signal: AbortSignal | undefined): Promise<number | null> {
  try {
    const printed = await shortRun(host, path, sizeScript(path), signal);
    return Number(printed.trim());
  } catch (error) {
    if (isAppError(error, 'storage_missing')) return null;
    throw error;
  }
}

function clamp({ start, end }: ByteRange, path: string, totalBytes: number): ByteRange {
  if (start >= 0 && start <= end && start < totalBytes) return { start, end: Math.min(end, totalBytes - 1) };
  throw new AppError('invalid', `${path} has ${totalBytes} bytes; there is no range ${start}-${end} in it.`);
}

interface Reading {
  readonly totalBytes: number;
  readonly range: ByteRange | undefined;
  readonly signal: AbortSignal | undefined;
  readonly idleTimeoutMs: number;
}

function bodyOf(host: Host, path: string, { totalBytes, range, signal, idleTimeoutMs }: Reading): ObjectBody {
  const bytes = range ? range.end - range.start + 1 : totalBytes;
  const changed = (given: string) =>
    new AppError(
      'storage_mismatch',
      `${path} on ${host.label} gave ${given} than ${bytes} bytes: it changed while it was read.`,
    );
  return {
    totalBytes,
    bytes,
    async *[Symbol.asyncIterator]() {
      let given = 0;
      try {
        for await (const chunk of host.run(
          { script: readScript(path, range) },
          { signal: signal ?? never(), idleTimeoutMs },
        )) {
          given += chunk.length;
          if (given > bytes) throw changed('more');
          yield chunk;
        }
      } catch (error) {
        throw translate(error, host, path);
      }
      if (given < bytes) throw changed('fewer');
    },
  };
}

async function shortRun(
  host: Host,
  path: string,
  script: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  try {
    const running = host.run({ script }, { signal: signal ?? never(), idleTimeoutMs: SHORT_MS });
    return await textOf(running, host, path);
  } catch (error) {
    throw translate(error, host, path);
  }
}

function textOf(output: AsyncIterable<Uint8Array>, host: Host, path: string): Promise<string> {
  const tooLong = () =>
    new AppError(
      'storage_refused',
      `${path} on ${host.label}: the answer has no end. Look at what the shell prints there.`,
    );
  return readShortOutput(output, tooLong);
}

function never(): AbortSignal {
  return new AbortController().signal;
}
