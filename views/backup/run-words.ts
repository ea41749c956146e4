import { formatBytes, formatDuration } from '../parts/format.ts';
import { type StepWords, stepItems, stepTitle } from '../parts/step-words.ts';

export type Step = 'connect' | 'dump' | 'upload' | 'verify';

export interface LiveRun {
  readonly id: string;
  readonly status: 'pending' | 'in_progress';
  /** Null where it has begun none yet. */
  readonly step: Step | null;
  readonly bytesRead: number;
  readonly bytesStored: number;
  /** How many bytes the dump probably has: those of the last good one, else what the database told; null where nobody knows. */
  readonly expectedBytes: number | null;
  readonly bytesPerSecond: number | null;
  readonly cancelRequested: boolean;
  /** What it waits for without a byte, and since when. */
  readonly waitingFor: 'storage' | 'host' | null;
  readonly waitingSince: string | null;
}

const STEPS = [
  ['connect', 'Connect', 'connecting'],
  ['dump', 'Dump', 'dumping'],
  ['upload', 'Store', 'storing'],
  ['verify', 'Read back', 'reading back'],
] as const;

/** How far a run is, for people: the bar is that of the current step, and never says more than is known. */
export function describeRun(run: LiveRun): StepWords {
  const at = STEPS.findIndex(([step]) => step === (run.step ?? 'connect'));
  const labels = STEPS.map(([, label]) => label);
  const steps = stepItems(labels, { at, isWaiting: run.status === 'pending' });
  const share = run.step === 'dump' ? shareOf(run) : null;
  const state = stateOf(run, STEPS[at]?.[2]);
  return {
    steps,
    share,
    numbers: numbersOf(run, share),
    state,
    title: stepTitle(state, share),
  };
}

/** Below it nothing is said: a short wait is usual. */
const SHORT_WAIT_MS = 5_000;

/** `waiting for the storage for 8 s`; null while it does not wait, or has not for long. */
export function waitWords({ waitingFor, waitingSince }: LiveRun, now: Date): string | null {
  const ms = now.getTime() - Date.parse(waitingSince ?? '');
  if (waitingFor === null || !(ms >= SHORT_WAIT_MS)) return null;
  const whom = waitingFor === 'storage' ? 'the storage' : "the database's host";
  return `waiting for ${whom} for ${formatDuration(ms / 1000)}`;
}

function stateOf(run: LiveRun, step: string | undefined): string {
  if (run.cancelRequested) return 'cancelling';
  if (run.status === 'pending') return 'waiting';
  return run.step === null ? 'starting' : (step ?? 'running');
}

/** Above the expected size nobody knows how much is to come. */
function shareOf({ bytesRead, expectedBytes }: LiveRun): number | null {
  if (expectedBytes === null || expectedBytes <= 0 || bytesRead > expectedBytes) return null;
  return bytesRead / expectedBytes;
}

function numbersOf(run: LiveRun, share: number | null): string {
  if (run.status === 'pending' || run.bytesRead <= 0) return '';
  const { bytesRead, bytesStored, bytesPerSecond: rate, expectedBytes, step } = run;
  if (step === 'upload' || step === 'verify') {
    return `${formatBytes(bytesRead)} dumped · ${formatBytes(bytesStored)} stored`;
  }
  const leftSeconds =
    share === null || expectedBytes === null || rate === null || rate <= 0
      ? null
      : (expectedBytes - bytesRead) / rate;
  return [
    share === null || expectedBytes === null
      ? formatBytes(bytesRead)
      : `${formatBytes(bytesRead)} of about ${formatBytes(expectedBytes)}`,
    ...(rate === null || rate <= 0 ? [] : [`${formatBytes(rate)}/s`]),
    ...(leftSeconds === null ? [] : [`${formatDuration(Math.max(1, leftSeconds))} left`]),
  ].join(' · ');
}
