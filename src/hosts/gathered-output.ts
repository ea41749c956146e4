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
  readonly idleTimeoutMs: number;
}

/**
 * The output of a command that prints a list, up to so many bytes and until the deadline; then the command is ended, and what
 * came is given. Throws as `HostProcess` where the command itself fails.
 */
export async function gatherOutput(
  host: Host,
  command: HostCommand,
  { signal, deadline, mostBytes, idleTimeoutMs }: GatherOptions,
): Promise<GatheredOutput> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const running = host.run(command, { signal: AbortSignal.any([signal, deadline]), idleTimeoutMs });
    for await (const chunk of running) {
      // A copy: what a host hands out may be used again.
      chunks.push(chunk.slice(0, mostBytes - length));
      length += chunk.length;
      if (length > mostBytes) return { bytes: joined(chunks), end: 'too long' };
    }
    return { bytes: joined(chunks), end: 'whole' };
  } catch (error) {
    if (!deadline.aborted || signal.aborted || !isAppError(error, 'cancelled')) throw error;
    return { bytes: joined(chunks), end: 'too late' };
  }
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
