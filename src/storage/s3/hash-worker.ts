import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';

/** As text, so that it is part of the bundle and needs no file beside it. */
const SOURCE = `
const { parentPort } = require('node:worker_threads');
const { createHash } = require('node:crypto');
parentPort.on('message', ({ id, buffer, offset, length }) => {
  const sha256 = createHash('sha256').update(new Uint8Array(buffer, offset, length)).digest('hex');
  parentPort.postMessage({ id, sha256 });
});
`;

/** Below this, telling another thread costs more than hashing. */
const WORTH_A_THREAD_BYTES = 256 * 1024;
const KEEP_MS = 3_000;

export interface Hasher {
  /** Hex SHA-256; large shared memory is hashed on another thread, without a copy. */
  sha256(bytes: Uint8Array): Promise<string>;
  close(): Promise<void>;
}

interface Job {
  readonly resolve: (sha256: string) => void;
  readonly reject: (error: Error) => void;
}

/** Hashing of parts, on one thread that lives while there is work. */
export function createHasher(): Hasher {
  const jobs = new Map<number, Job>();
  let worker: Worker | null = null;
  let lastId = 0;
  let idleTimer: NodeJS.Timeout | undefined;

  function start(): Worker {
    const started = new Worker(SOURCE, {
      eval: true,
      name: 'hash',
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    });
    started.on('message', ({ id, sha256 }: { id: number; sha256: string }) => {
      jobs.get(id)?.resolve(sha256);
      jobs.delete(id);
      if (jobs.size === 0) rest(started);
    });
    started.on('error', (error) =>
      failAll(started, error instanceof Error ? error : new Error(String(error))),
    );
    started.on('exit', () => failAll(started, new Error('the hashing thread ended')));
    return started;
  }

  /** An idle thread keeps neither the process alive nor its memory for long. */
  function rest(idle: Worker): void {
    idle.unref();
    idleTimer = setTimeout(() => {
      if (worker === idle) worker = null;
      void idle.terminate();
    }, KEEP_MS).unref();
  }

  function failAll(failed: Worker, error: Error): void {
    if (worker !== failed) return;
    worker = null;
    for (const job of jobs.values()) job.reject(error);
    jobs.clear();
  }

  return {
    sha256(bytes) {
      const { buffer, byteOffset, byteLength } = bytes;
      if (!(buffer instanceof SharedArrayBuffer) || byteLength < WORTH_A_THREAD_BYTES) {
        return Promise.resolve(createHash('sha256').update(bytes).digest('hex'));
      }
      clearTimeout(idleTimer);
      worker ??= start();
      worker.ref();
      lastId += 1;
      const id = lastId;
      const hashed = new Promise<string>((resolve, reject) => jobs.set(id, { resolve, reject }));
      worker.postMessage({ id, buffer, offset: byteOffset, length: byteLength });
      return hashed;
    },
    async close() {
      clearTimeout(idleTimer);
      await worker?.terminate();
    },
  };
}
