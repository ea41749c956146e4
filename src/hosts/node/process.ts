import type { Readable, Writable } from 'node:stream';
import { AppError } from '../../errors.ts';
import type { HostCommand, HostProcess, RunOptions } from '../host.ts';
import { skipGreeting } from './greeting.ts';
import { type KeptStderr, keepStderr } from './kept-stderr.ts';
import {
  cancelled,
  endless,
  endlessGreeting,
  failedCommand,
  flooded,
  idle,
  silentStart,
} from './process-failures.ts';
import {
  discardOutput,
  gather,
  moved,
  type Output,
  type OutputReading,
  passOn,
  readOutput,
} from './read-output.ts';
import { wrapScript } from './wrapper.ts';
import { countPassedBytes } from './young-garbage.ts';

/** A started command line, as an adapter hands it out. */
export interface Channel extends Output {
  readonly stdin: Writable;
  readonly stderr: Readable;
  /** Fulfilled once, when the process has ended and stdout and stderr have been read to their end. Never rejects. */
  readonly ended: Promise<ChannelEnd>;
  /** Sends a signal to a process group on the host, as well as it can; never rejects. */
  kill(processGroup: number, signal: 'TERM' | 'KILL'): Promise<void>;
  /** Gives the channel up at once, whatever the host does. */
  abandon(): void;
}

/** How it ended: by itself, or because the way to it is gone (and with it the status). */
export type ChannelEnd =
  | { readonly exitCode: number | null; readonly exitSignal: string | null }
  | { readonly dropped: AppError };

export interface ProcessStart {
  readonly label: string;
  readonly command: HostCommand;
  readonly options: RunOptions;
  /** Opens a channel that runs a command line, or throws an `AppError`. Gives up when the signal aborts. */
  readonly open: (commandLine: string, signal: AbortSignal) => Promise<Channel>;
  /** How long a login shell may take before our first line comes; `START_MS` when absent. */
  readonly startTimeoutMs?: number | undefined;
}
const START_MS = 30_000;
const SILENT_START = new Error('No command of ours started in time.');
/** How long a command may take to end after its output has, where it may be silent for any time before. */
const END_MS = 30_000;
/** How long a process may take to end after each signal, before its channel is abandoned. The wrapper kills after 2 s. */
const GRACE_MS = { TERM: 3_000, KILL: 1_000 };

/** The semantics of `HostProcess`, the same for every adapter. Nothing is started before the first step of the iteration. */
export function startProcess(start: ProcessStart): HostProcess {
  const secrets = Object.entries(start.command.secrets ?? {});
  const kept = keepStderr(secrets.map(([, value]) => value));
  const iteration = iterate(start, secrets, kept);
  return { stderr: kept.text, [Symbol.asyncIterator]: () => iteration };
}

async function* iterate(
  { label, command, options, open, startTimeoutMs = START_MS }: ProcessStart,
  secrets: readonly (readonly [string, string])[],
  kept: KeptStderr,
): AsyncGenerator<Uint8Array> {
  const stop = new AbortController();
  const cancel = () => stop.abort(cancelled(label, options.signal.reason));
  if (options.signal.aborted) cancel();
  options.signal.addEventListener('abort', cancel, { once: true });
  let running: Running | undefined;
  try {
    stop.signal.throwIfAborted();
    const token = randomToken();
    const secretLines = encodeSecrets(secrets);
    const commandLine = wrapScript({
      script: command.script,
      secretNames: secrets.map(([name]) => name),
      hasInput: options.input !== undefined,
      token,
    });
    const channel = await open(commandLine, stop.signal);
    const reading: OutputReading = {
      timeoutMs: startTimeoutMs,
      idle: () => SILENT_START,
      flooded: () => flooded(label),
      intake: passOn(),
    };
    running = {
      channel,
      reading,
      hasInput: options.input !== undefined,
      processGroup: null,
      hasEnded: false,
    };
    channel.stderr.on('data', (text: Uint8Array) => {
      countPassedBytes(text.byteLength);
      kept.observe(text);
    });
    // The status tells more than a broken pipe.
    channel.stdin.on('error', () => {});

    const output = readOutput(channel, stop, reading);
    const observe = (text: Uint8Array) => kept.observe(text);
    const greeting = await skipGreeting(output, token, observe, () => endlessGreeting(label)).catch(
      (error: unknown) => {
        // Only now all that came before is known.
        throw error === SILENT_START ? silentStart(label, startTimeoutMs, kept.text()) : error;
      },
    );
    if (greeting) {
      reading.timeoutMs = options.idleTimeoutMs;
      reading.idle = () => idle(label, options.idleTimeoutMs ?? 0);
      if (options.bulk) reading.intake = moved(reading.intake, gather());
      running.processGroup = greeting.processGroup;
      channel.stdin.write(options.input ? `${secretLines}\n` : secretLines);
      if (options.input) sendInput(options.input, channel, stop);
      if (greeting.rest.length > 0) yield greeting.rest;
      yield* output;
    }
    const end = await endOf(channel, stop, options.idleTimeoutMs ?? END_MS, label);
    running.hasEnded = true;
    stop.signal.throwIfAborted();
    if ('dropped' in end) throw end.dropped;
    if (end.exitCode !== 0 || !greeting) throw failedCommand(label, end, kept.text());
  } finally {
    options.signal.removeEventListener('abort', cancel);
    if (running && !running.hasEnded) await endProcess(running);
  }
}

/** How the command ended, after the end of its output; throws the reason of `stop`. */
async function endOf(
  channel: Channel,
  stop: AbortController,
  timeoutMs: number,
  label: string,
): Promise<ChannelEnd> {
  const timer = setTimeout(() => stop.abort(endless(label, timeoutMs)), timeoutMs);
  try {
    return await abortable(channel.ended, stop.signal);
  } finally {
    clearTimeout(timer);
  }
}

interface Running {
  readonly channel: Channel;
  readonly reading: OutputReading;
  readonly hasInput: boolean;
  processGroup: number | null;
  hasEnded: boolean;
}

/**
 * Writes the input to stdin with back-pressure; the next chunk is asked for when this one is used no more. A failing
 * input stops the process before stdin ends.
 */
async function sendInput(
  input: AsyncIterable<Uint8Array>,
  { stdin, ended }: Channel,
  stop: AbortController,
): Promise<void> {
  let isOver = false;
  let proceed = () => {};
  const over = () => {
    isOver = true;
    proceed();
  };
  ended.then(over);
  stop.signal.addEventListener('abort', over);
  try {
    for await (const chunk of input) {
      if (isOver) return;
      // As much again dies with it: what is encrypted of it.
      countPassedBytes(2 * chunk.byteLength);
      await new Promise<void>((done) => {
        proceed = done;
        // A failed write is followed by the end, which tells more.
        stdin.write(chunk, (error) => error ?? done());
      });
      if (isOver) return;
    }
    if (!isOver) stdin.end();
  } catch (error) {
    stop.abort(error);
  }
}

/** The promise's outcome, or the reason of a signal that aborts first; what comes too late goes to `discard`. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  discard: (late: T) => void = () => {},
): Promise<T> {
  return new Promise((done, fail) => {
    const stopped = () => {
      fail(signal.reason);
      promise.then(discard, () => {});
    };
    if (signal.aborted) return stopped();
    signal.addEventListener('abort', stopped, { once: true });
    promise.then(done, fail).finally(() => signal.removeEventListener('abort', stopped));
  });
}

/** Kills what runs on the host and waits for its channel to close. Input must not end before: the script would take it for whole. */
async function endProcess({ channel, reading, processGroup, hasInput }: Running): Promise<void> {
  discardOutput(channel, reading);
  if (!hasInput || processGroup === null) channel.stdin.end();
  for (const signal of ['TERM', 'KILL'] as const) {
    if (processGroup !== null) void channel.kill(processGroup, signal);
    if (await endsWithin(channel.ended, GRACE_MS[signal])) {
      // With input nobody on the host follows up on what ignores SIGTERM and has let go of the channel.
      if (hasInput && processGroup !== null) void channel.kill(processGroup, 'KILL');
      return;
    }
  }
  channel.abandon();
}

function endsWithin(ended: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((done) => {
    const timer = setTimeout(() => done(false), ms);
    ended.then(() => {
      clearTimeout(timer);
      done(true);
    });
  });
}

function encodeSecrets(secrets: readonly (readonly [string, string])[]): string {
  return secrets
    .map(([name, value]) => {
      if (value.includes('\0')) {
        throw new AppError('invalid', `The secret ${name} holds a NUL character; remove it.`);
      }
      return `${Buffer.from(value).toString('base64')}\n`;
    })
    .join('');
}

function randomToken(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(12))).toString('hex');
}
