import type { StepBegun } from './progress.ts';

/** What rows tell of the end of a run; `duration`: whole seconds, by a clock that only goes forward. */
export interface EndedBackup {
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly duration: number | null;
}

/** Less than that apart, two clocks tell the same. */
const SAME_MS = 1000;

/**
 * Milliseconds between the beginning and the end of a run, and no less than when its last step began; null where its duration is not
 * known. The instants tell tenths of a second where they agree with the duration: one that has been rounded may be before the last step.
 */
export function endedAfterMs(
  { started_at: startedAt, completed_at: completedAt, duration }: EndedBackup,
  steps: readonly StepBegun[],
): number | null {
  if (duration === null) return null;
  const rounded = Number(duration) * 1000;
  const exact = Date.parse(completedAt ?? '') - Date.parse(startedAt ?? '');
  const ended = Math.abs(exact - rounded) < SAME_MS ? exact : rounded;
  return Math.max(ended, ...steps.map(({ afterMs }) => afterMs));
}
