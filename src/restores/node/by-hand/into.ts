import type { DumpContents } from '../../../engines/contents.ts';
import type { RestorePlan } from '../../../engines/restore.ts';
import { AppError, toAppError } from '../../../errors.ts';
import type { Host, HostCommand } from '../../../hosts/host.ts';
import type { ObjectStore } from '../../../object-stores/object-store.ts';
import { type Comparison, compareCounts } from '../../compare.ts';
import { hostOutput } from '../../host-output.ts';
import { countOnTheWay, withRows } from '../count-on-the-way.ts';
import type { DumpSource, Fed } from '../feed-dump.ts';
import { loadDump } from '../load-dump.ts';

const REMOVE_MS = 5 * 60_000;

interface Into {
  readonly host: Host;
  readonly plan: RestorePlan;
  readonly store: Pick<ObjectStore, 'get'>;
  readonly stored: DumpSource;
  /** Null where nobody knows. */
  readonly contents: DumpContents | null;
  readonly signal: AbortSignal;
  /** A line for the person. */
  readonly tell: (line: string) => void;
}

/**
 * Restores into something new, in the order of the app: look, create, load, compare, finish. What fails takes what it has made with
 * it, and says whether it could. Throws `conflict` with what stands in the way, when nothing was made.
 */
export async function restoreInto(into: Into): Promise<Comparison> {
  const { host, plan, signal, tell } = into;
  const run = (command: HostCommand, name: string, until = signal) =>
    hostOutput(host, command, { name, signal: until, explain: plan.explain });
  const { command, read, explain } = plan.preflight;
  const looked = await hostOutput(host, command, { name: 'The look at the target', signal, explain });
  const failed = read(looked).filter(({ ok }) => !ok);
  if (failed.length > 0) {
    const why = failed.map(({ name, says }) => `${name}: ${says}`).join(' ');
    throw new AppError('conflict', `The restore was not begun. ${why}`);
  }
  try {
    await run(plan.create, 'The making of the target');
    tell('The target is made. Loading the dump …');
    const fed: Fed = { bytes: 0, sha256: null, dumpBytes: 0, isProven: false };
    const { source, found } = countOnTheWay({ ...into.stored, contents: into.contents });
    await loadDump({ ...into, stored: source, fed });
    tell('The dump is whole and loaded. Counting its rows …');
    const compared = compareCounts(
      withRows(into.contents, found()),
      plan.count.read(await run(plan.count.command, 'The counting')),
    );
    if (compared.difference !== null) throw new AppError('dump_failed', compared.difference);
    // From here on it is whole: a name half given would be worse than a moment more.
    if (plan.finish !== null) await run(plan.finish, 'The end of the restore', new AbortController().signal);
    return compared;
  } catch (error) {
    throw await removed(error, () => run(plan.remove, 'The removal', AbortSignal.timeout(REMOVE_MS)));
  }
}

async function removed(failure: unknown, remove: () => Promise<string>): Promise<AppError> {
  const { code, message, details, cause } = toAppError(failure);
  let state = 'What had been made was removed: all is as it was.';
  try {
    await remove();
  } catch (error) {
    state = `What had been made could not be removed: ${toAppError(error).message}`;
  }
  return new AppError(code, `${message} ${state}`, { details, cause: cause ?? failure });
}
