import { isAppError } from '../errors.ts';
import type { Host, HostCommand } from './host.ts';

/** What a command printed, and whether that is all of it. */
export interface GatheredOutput {
  readonly bytes: Uint8Array;
  readonly end: 'whole' | 'too long' | 'too late';
}

export interface GatherOptions {
  readonly signal: AbortSignal;
  /** Ends the command; what it printed by then is given. */
  readonly deadline: AbortSignal;
  readonly mostBytes: number;
  /** NULs after which the rest is too long, too; no limit where absent. */
  readonly mostFields?: number | undefined;
  readonly idleTimeoutMs: number;
}

/**
 * The output of a command that prints a list, up to so many bytes and until the deadline; then the command is ended, and what
 * came is given. Throws as `HostProcess` where the command itself fails.
 */
export async function gatherOutput(
  host: Host,
  command: HostCommand,
  { signal, deadline, mostBytes, mostFields = Number.POSITIVE_INFINITY, idleTimeoutMs }: GatherOptions,
): Promise<GatheredOutput> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let fields = 0;
  try {
    const running = host.run(command, { signal: AbortSignal.any([signal, deadline]), idleTimeoutMs });
    for await (const chunk of running) {
      // A copy: what a host hands out may be used again.
      chunks.push(chunk.slice(0, mostBytes - length));
      length += chunk.length;
      fields += nulsIn(chunk);
      if (length > mostBytes || fields > mostFields) return { bytes: joined(chunks), end: 'too long' };
    }
    return { bytes: joined(chunks), end: 'whole' };
  } catch (error) {
    if (!deadline.aborted || signal.aborted || !isAppError(error, 'cancelled')) throw error;
    return { bytes: joined(chunks), end: 'too late' };
  }
}

function nulsIn(chunk: Uint8Array): number {
  let count = 0;
  for (let at = chunk.indexOf(0); at >= 0; at = chunk.indexOf(0, at + 1)) count += 1;
  return count;
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
