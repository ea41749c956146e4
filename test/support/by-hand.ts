import { Readable, Writable } from 'node:stream';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { createLog } from '../../src/log.ts';
import { restoreByHand, type Surroundings } from '../../src/restores/node/by-hand/program.ts';

export interface ByHandEnd {
  readonly status: number;
  readonly output: Buffer;
  /** What was said on standard error. */
  readonly said: string;
}

/** One run of `bridgeport-restore`, in this process. */
export async function byHand(
  words: readonly string[],
  around: Partial<Surroundings> = {},
): Promise<ByHandEnd> {
  const chunks: Buffer[] = [];
  const lines: string[] = [];
  const stdout = new Writable({
    write(chunk, _, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  const status = await restoreByHand(words, {
    ...{ cwd: '/', stdin: Readable.from([]), stdout, tell: (line) => lines.push(line) },
    signal: new AbortController().signal,
    fetch: () => Promise.reject(new Error('no address was to be asked')),
    openHost: () => openLocalHost({ label: 'this machine', log }),
    ...around,
  });
  return { status, output: Buffer.concat(chunks), said: lines.join('\n') };
}

const log = createLog(
  'error',
  () => {},
  () => new Date(),
);

/** Nobody reads on after so many bytes. */
export function closedAfter(bytes: number): Writable {
  let taken = 0;
  const stream = new Writable({
    write(chunk, _, done) {
      taken += chunk.length;
      done(taken <= bytes ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    },
  });
  stream.on('error', () => {});
  return stream;
}
