import { explainFailure } from '../databases/look-at-database.ts';
import type { CommandFailure } from '../engines/target.ts';
import { AppError } from '../errors.ts';
import type { Host, HostCommand } from '../hosts/host.ts';

const MOST_BYTES = 16 * 1024 * 1024;

interface OutputOptions {
  readonly signal: AbortSignal;
  /** What the command is for, as a sentence begins with it. */
  readonly name: string;
  readonly idleTimeoutMs?: number;
  readonly explain: (failure: CommandFailure) => Error | undefined;
}

/** What a command of a restore printed, as text. Throws what the engine makes of its failure. */
export async function hostOutput(
  host: Host,
  command: HostCommand,
  { signal, name, idleTimeoutMs, explain }: OutputOptions,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  try {
    const limits = idleTimeoutMs === undefined ? {} : { idleTimeoutMs };
    for await (const chunk of host.run(command, { signal, ...limits })) {
      bytes += chunk.byteLength;
      if (bytes > MOST_BYTES) {
        throw new AppError('dump_failed', `${name} on ${host.label} printed far more than it was asked for.`);
      }
      text += decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    const ifSilent = 'See on the host whether the database answers, and what keeps it busy.';
    throw explainFailure(error, { explain }, { name, ifSilent });
  }
  return text + decoder.decode();
}
