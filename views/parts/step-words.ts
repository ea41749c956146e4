import type { StepItem } from './stepper.tsx';

/** How far something is that waits or runs in steps, for people. */
export interface StepWords {
  readonly steps: readonly StepItem[];
  /** 0–1 within the current step; null where nobody can tell. */
  readonly share: number | null;
  /** `204 MiB of about 316 MiB · 18.0 MiB/s · 6 s left`. */
  readonly numbers: string;
  /** `dumping`: changes with the step alone. */
  readonly state: string;
  /** `64 %`, or the state, before the page's title. */
  readonly title: string;
}

/** The steps of that order, of which the one at `at` is done now: none while it waits. */
export function stepItems(
  labels: readonly string[],
  { at, isWaiting }: { readonly at: number; readonly isWaiting: boolean },
): readonly StepItem[] {
  return labels.map((label, index) => {
    if (isWaiting || index > at) return { label, state: 'waiting' };
    return { label, state: index < at ? 'done' : 'current' };
  });
}

export function stepTitle(state: string, share: number | null): string {
  return share === null ? state : `${Math.floor(share * 100)} %`;
}
