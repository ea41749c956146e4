import type { StateCounts } from '../backups/protection-states.ts';
import { totalOf, unsafeOf } from '../backups/protection-states.ts';

/** Whether all databases are safe, in the words of the overview: a test holds the two together. `unscheduled`: those that no schedule backs up. */
export function verdictTitle(counts: StateCounts, unscheduled: number): string {
  const [total, unsafe] = [totalOf(counts), unsafeOf(counts)];
  if (total === 0) return 'No database is registered';
  if (unsafe > 0) return ofAll(unsafe, total, 'not safe');
  if (counts.failing > 0) return ofAll(counts.failing, total, 'failing');
  if (counts.paused > 0) return ofAll(counts.paused, total, 'paused');
  const state = unscheduled === 0 ? 'safe' : 'backed up';
  return total === 1 ? `Your database is ${state}` : `All ${total} databases are ${state}`;
}

/** Of a single one no count. */
function ofAll(count: number, total: number, state: string): string {
  if (total === 1) return `Your database is ${state}`;
  return `${count} of ${total} databases ${count === 1 ? 'is' : 'are'} ${state}`;
}

/** What a state is called, as everywhere. */
export const STATE_WORDS = {
  ...{ never: 'never backed up', late: 'late', failing: 'failing' },
  ...{ paused: 'paused', protected: 'protected' },
} as const;

/** How many are in each state, the worst first, such as `2 late, 60 protected`; of those that there are. */
export function stateWords(counts: StateCounts): string {
  const states = ['never', 'late', 'failing', 'paused', 'protected'] as const;
  return states
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${STATE_WORDS[state]}`)
    .join(', ');
}
