import { hostOutput } from '../host-output.ts';
import { loadRestore } from '../restores.ts';
import { replacedIdOf } from '../swap.ts';
import { type Comparing, compareRestored } from './compare-restored.ts';

/**
 * What follows a restore that has committed into a database in use: its rows are counted, and its statistics made. Other rows than the
 * backup’s are told of and no reason to undo anything, which nothing could: whoever uses the database writes into it from the commit on.
 */
export async function afterCommit(
  comparing: Comparing,
): Promise<{ readonly isCompared: boolean; readonly difference: string | null }> {
  const { db, claim, host, plan, signal } = comparing;
  const { difference, isCompared } = await compareRestored(comparing);
  const last = plan.swap?.swap(replacedIdOf(await loadRestore(db, claim.runId)));
  if (last !== undefined) {
    await hostOutput(host, last, { signal, explain: plan.explain, name: 'The end of the restore' });
  }
  return { isCompared, difference: difference === null ? null : `${difference} ${MEANING}` };
}

const MEANING =
  'It was committed before its rows could be counted, and can’t be taken back. Every row of the archive was read and counted before, and pg_restore took all of them in one transaction, so it is most likely that a program has written since, or a trigger of the database did. Compare the tables that are named; what was there before is in the safety backup.';
