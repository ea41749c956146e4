import type { RestoreRow } from '../db/schema.ts';
import { AppError } from '../errors.ts';
import { loadOptionsOf } from './load-options.ts';

/**
 * For a restore that is under way already, just as it is asked for once more: as by a second click, or by whoever did not hear the
 * answer. `runningAs` of its details is the one that goes on.
 */
export function alreadyAsked(runId: string, name: string): AppError {
  return new AppError(
    'conflict',
    `This backup is being restored into “${name}” already, by the restore ${runId}. No second one was begun.`,
    { details: { runningAs: runId } },
  );
}

/** Whether both take the same of a backup in the same way: of what is read while one goes on, nothing counts. */
export function isAlike(
  one: Pick<RestoreRow, 'load_options'>,
  other: Pick<RestoreRow, 'load_options'>,
): boolean {
  return wishOf(one) === wishOf(other);
}

function wishOf(row: Pick<RestoreRow, 'load_options'>): string {
  const { tables, jobs, live, adopts } = loadOptionsOf(row);
  return JSON.stringify([tables, jobs, live, adopts?.restoreId]);
}

/** The restore that goes on, where that is why another was refused; else undefined. */
export function runningAs({ details }: AppError): string | undefined {
  return details.runningAs;
}
