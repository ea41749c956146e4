import { createInflate, createZstdDecompress } from 'node:zlib';
import type { ArchiveBlocks } from '../../engines/engine.ts';
import { AppError } from '../../errors.ts';

/** Blocks that are inflated between two chunks of the archive, so that memory stays bounded. */
export interface InflatedBlocks extends ArchiveBlocks {
  /** Inflates what has come. Throws `dump_incomplete` for a block that is damaged. */
  settle(): Promise<void>;
  close(): void;
}

type Into = Parameters<ArchiveBlocks['open']>[1];

interface OpenBlock {
  readonly stream: ReturnType<typeof createInflate> | ReturnType<typeof createZstdDecompress>;
  readonly into: Into;
  failure: Error | null;
}

/** Undo what pg_dump does to the blocks of a custom archive: "gzip" is zlib's own format there. */
const OPENERS = { gzip: () => createInflate(), zstd: () => createZstdDecompress() } as const;

export function newArchiveBlocks(): InflatedBlocks {
  let queue: (() => Promise<void>)[] = [];
  const opened = new Set<OpenBlock>();

  const open = (newStream: () => OpenBlock['stream'], into: Into): OpenBlock => {
    const block: OpenBlock = { stream: newStream(), into, failure: null };
    block.stream.on('data', (chunk: Uint8Array) => into.read(chunk));
    block.stream.on('error', (error) => {
      block.failure = error;
    });
    opened.add(block);
    return block;
  };

  return {
    open(compression, into) {
      const newStream = compression === 'gzip' || compression === 'zstd' ? OPENERS[compression] : undefined;
      if (newStream === undefined) return undefined;
      let block: OpenBlock | undefined;
      const opening = () => {
        block ??= open(newStream, into);
        return block;
      };
      return {
        add: (compressed) => queue.push(() => write(opening(), compressed)),
        end: () =>
          queue.push(async () => {
            await finish(opening());
            opened.delete(opening());
            into.end();
          }),
      };
    },
    async settle() {
      const steps = queue;
      queue = [];
      for (const step of steps) await step();
    },
    close() {
      for (const { stream } of opened) stream.destroy();
    },
  };
}

async function write(block: OpenBlock, compressed: Uint8Array): Promise<void> {
  await settled(block, (done) => block.stream.write(compressed, done));
}

async function finish(block: OpenBlock): Promise<void> {
  await settled(block, (done) => {
    if (block.stream.readableEnded) done();
    block.stream.once('end', done);
    block.stream.end();
  });
}

/** A stream of zlib that fails calls nobody back. */
async function settled(block: OpenBlock, action: (done: () => void) => void): Promise<void> {
  const { stream } = block;
  let wake = () => {};
  await new Promise<void>((resolve) => {
    wake = () => resolve();
    stream.once('error', wake);
    if (block.failure === null) action(wake);
    else wake();
  });
  if (block.failure !== null) throw damaged(block.failure);
  stream.off('error', wake);
}

function damaged(cause: unknown): AppError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new AppError('dump_incomplete', `A compressed block of the archive can't be inflated: ${said}.`, {
    cause,
  });
}
