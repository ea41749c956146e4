import { explainFailure, type Purpose } from '../databases/look-at-database.ts';
import type { DumpPlan, LockLook } from '../engines/engine.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Host } from '../hosts/host.ts';
import { readShortOutput } from '../hosts/short-output.ts';

/** How much of the time limit a dump may be silent before somebody looks what it waits for: while it still does. */
const LOOK_AFTER = 0.8;
const LOOK_TIMEOUT_MS = 15_000;
const DUMP: Purpose = {
  name: 'The dump',
  ifSilent: 'If it needs longer, raise the time limit of the database.',
};

interface DumpOptions {
  readonly signal: AbortSignal;
  readonly idleTimeoutMs: number;
}

/**
 * The dump's bytes, of which the last `VALID_CHUNKS` are valid; the command starts with the first read, and a failure
 * comes out as the engine explains it. A dump that is ended for its silence fails with `dump_failed` and names what it
 * waited for, where the engine finds that out, and with `host_timeout` otherwise.
 */
export async function* readDump(
  host: Host,
  plan: DumpPlan,
  options: DumpOptions,
): AsyncGenerator<Uint8Array> {
  const dump = host.run(plan.command, { ...options, bulk: true })[Symbol.asyncIterator]();
  let looking: Promise<string | null> | undefined;
  let longestPauseMs = 0;
  try {
    for (;;) {
      const timer = setTimeout(() => {
        looking = plan.lockLook && lookAtLocks(host, plan.lockLook, options.signal);
      }, options.idleTimeoutMs * LOOK_AFTER);
      const { value, done } = await dump.next().finally(() => clearTimeout(timer));
      if (done) return;
      looking = undefined;
      const givenAt = performance.now();
      yield value;
      longestPauseMs = Math.max(longestPauseMs, performance.now() - givenAt);
    }
  } catch (error) {
    const wait = isAppError(error, 'host_timeout') ? await looking : null;
    if (wait) throw waitedForLock(host, wait, options.idleTimeoutMs, error);
    throw explainFailure(error, plan, DUMP, longestPauseMs);
  } finally {
    await dump.return?.();
  }
}

/** What the dump waits for; null also when that can't be found out, which must not hide why the dump failed. */
async function lookAtLocks(host: Host, look: LockLook, signal: AbortSignal): Promise<string | null> {
  try {
    const within = AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
    const looking = host.run(look.command, { signal: within });
    const tooLong = () => new AppError('dump_failed', `The look at locks on ${host.label} printed too much.`);
    return look.read(await readShortOutput(looking, tooLong));
  } catch {
    return null;
  }
}

function waitedForLock(host: Host, wait: string, idleTimeoutMs: number, cause: unknown): AppError {
  return new AppError(
    'dump_failed',
    `The dump on ${host.label} sent nothing for ${idleTimeoutMs / 1000} s and was ended: ${wait}. Let the other end first, or end it in the server, and run the backup again.`,
    { cause },
  );
}
