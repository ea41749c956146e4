import type { Readable } from 'node:stream';
import { VALID_CHUNKS } from '../host.ts';
import { countPassedBytes } from './young-garbage.ts';

/** How a command's output is read at the moment; may be changed while it is. */
export interface OutputReading {
  /** No limit when undefined. */
  timeoutMs: number | undefined;
  /** What `stop` is aborted with when no byte has come for that long. */
  idle: () => Error;
  /** What `stop` is aborted with when the host does not pause when it is to. */
  readonly flooded: () => Error;
  intake: Intake;
}

/** Where output waits for its reader. */
export interface Intake {
  /** Takes a chunk over; after it filled the intake, only what was on its way already. */
  take(chunk: Uint8Array): void;
  /** It holds what is worth the reader's turn. */
  readonly isReady: boolean;
  /** The host is to send no more for now. */
  readonly isFull: boolean;
  /** What has come, where it is worth the reader's turn, or where nothing will follow; else null. */
  give(isLast: boolean): Uint8Array | null;
}

/** The output of a channel: a stream, and where there is one, a way past the stream's own buffer. */
export interface Output {
  readonly stdout: Readable;
  readonly packets?: Packets;
}

export interface Packets {
  /** From now on calls `take` with each packet right when it comes, in place of `data` events, and at once with what came before; it tells whether more is wanted. */
  divert(take: (chunk: Uint8Array) => boolean): void;
  /** More is wanted again. */
  resume(): void;
}

/** The most that is on its way when a host is to pause: an SSH channel's window of 2 MiB, re-opened just before. */
const ON_ITS_WAY_BYTES = 4 * 2 ** 20;
const NOWHERE: Intake = { take: () => {}, isReady: false, isFull: false, give: () => null };

/**
 * Stdout at the reader's pace; throws the reason of `stop`. What comes while the reader is busy goes into the intake,
 * until that is full. Only the time that we wait for the host counts as idle, not the reader's.
 */
export async function* readOutput(
  { stdout, packets }: Output,
  stop: AbortController,
  reading: OutputReading,
): AsyncGenerator<Uint8Array> {
  let wake = () => {};
  let hasEnded = false;
  let isHeldUp = false;
  let unaskedBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  const ended = () => {
    hasEnded = true;
    wake();
  };
  const take = (chunk: Uint8Array): boolean => {
    timer?.refresh();
    countPassedBytes(chunk.byteLength);
    unaskedBytes = isHeldUp ? unaskedBytes + chunk.byteLength : 0;
    if (unaskedBytes > ON_ITS_WAY_BYTES) {
      stop.abort(reading.flooded());
      reading.intake = NOWHERE;
    }
    reading.intake.take(chunk);
    if (reading.intake.isReady) wake();
    isHeldUp = reading.intake.isFull;
    return !isHeldUp;
  };
  packets?.divert(take);
  stdout.on('data', (chunk: Uint8Array) => {
    if (!take(chunk)) stdout.pause();
  });
  stdout.on('end', ended).on('close', ended);
  // What was read until then looks whole.
  stdout.on('error', (error) => stop.abort(error));
  stop.signal.addEventListener('abort', () => wake());
  for (;;) {
    stop.signal.throwIfAborted();
    const given = reading.intake.give(hasEnded);
    if (isHeldUp && !reading.intake.isFull) {
      isHeldUp = false;
      letFlow({ stdout, packets });
    }
    if (given) {
      yield given;
      continue;
    }
    if (hasEnded) return;
    timer =
      reading.timeoutMs === undefined
        ? undefined
        : setTimeout(() => stop.abort(reading.idle()), reading.timeoutMs);
    await new Promise<void>((done) => {
      wake = done;
      letFlow({ stdout, packets });
    });
    clearTimeout(timer);
    timer = undefined;
  }
}

/** Has what comes read and thrown away: a channel closes only when its output has been read. */
export function discardOutput(output: Output, reading: OutputReading): void {
  reading.intake = NOWHERE;
  letFlow(output);
}

function letFlow({ stdout, packets }: { stdout: Readable; packets?: Packets | undefined }): void {
  stdout.resume();
  packets?.resume();
}

/** What came already goes along. */
export function moved(from: Intake, to: Intake): Intake {
  for (let held = from.give(true); held; held = from.give(true)) to.take(held);
  return to;
}

/** One chunk at a time, as it came. */
export function passOn(): Intake {
  const held: Uint8Array[] = [];
  return {
    take: (chunk) => void held.push(chunk),
    get isReady() {
      return held.length > 0;
    },
    get isFull() {
      return held.length > 0;
    },
    give: () => held.shift() ?? null,
  };
}

const BLOCK_BYTES = 256 * 1024;
/** So many blocks wait for the reader before the host is asked to pause; it goes on before the reader has run out. */
const WAITING_BLOCKS = 4;

/**
 * Chunks gathered in blocks that are used again: the reader's turns cost more than to copy a packet, and packets that
 * are copied at once die young. A block is given when it is full. As many are made as the host sends while the reader is
 * busy: over SSH the waiting ones and its window of 2 MiB.
 */
export function gather(): Intake {
  const full: Uint8Array[] = [];
  const given: Uint8Array[] = [];
  const spare: Uint8Array[] = [];
  let filling: Uint8Array = new Uint8Array(BLOCK_BYTES);
  let filledBytes = 0;
  return {
    take(chunk) {
      for (let at = 0; at < chunk.byteLength; ) {
        const taken = chunk.subarray(at, at + BLOCK_BYTES - filledBytes);
        filling.set(taken, filledBytes);
        filledBytes += taken.byteLength;
        at += taken.byteLength;
        if (filledBytes < BLOCK_BYTES) return;
        full.push(filling);
        filling = spare.pop() ?? new Uint8Array(BLOCK_BYTES);
        filledBytes = 0;
      }
    },
    get isReady() {
      return full.length > 0;
    },
    get isFull() {
      return full.length >= WAITING_BLOCKS;
    },
    give(isLast) {
      const next = full.shift();
      if (next) {
        given.push(next);
        const over = given.length > VALID_CHUNKS ? given.shift() : undefined;
        if (over) spare.push(over);
        return next;
      }
      if (!isLast || filledBytes === 0) return null;
      const last = filling.subarray(0, filledBytes);
      filledBytes = 0;
      return last;
    },
  };
}
