import { formatBytes, formatDuration } from '../parts/format.ts';
import { type StepWords, stepItems, stepTitle } from '../parts/step-words.ts';

export type RestoreState = 'none' | 'making' | 'loading' | 'finishing' | 'done' | 'removed' | 'left';

/** How far a restore is that waits or runs. */
export interface LiveRestore {
  readonly isWaiting: boolean;
  readonly isCancelling: boolean;
  /** It takes the place of what is there, behind a backup of that. */
  readonly isInPlace: boolean;
  /** As `isInPlace`, of what another restore has made: nothing is loaded. */
  readonly isRename: boolean;
  /** It goes into the database itself. */
  readonly isLive: boolean;
  /** Of its run: look, create, load, compare, finish, removing; null where it has begun none. */
  readonly step: string | null;
  /** Of what is stored, while it is read. */
  readonly bytes: { readonly read: number; readonly total: number } | null;
  /** Since the loading began; null where that is not known. */
  readonly loadingSeconds: number | null;
}

const STEPS = [
  ['look', 'Look', 'looking at the target'],
  ['create', 'Make', 'making the target'],
  ['load', 'Load', 'loading'],
  ['compare', 'Compare', 'counting the rows'],
  ['finish', 'Finish', 'finishing'],
] as const;

const SWAP = ['finish', 'Swap', 'swapping'] as const;
const RENAME = [STEPS[0], ['create', 'Take', 'taking what was restored'], SWAP] as const;

/** How far a restore is, for people. */
export function describeRestore(live: LiveRestore): StepWords {
  const all = stepsOf(live);
  const found = all.findIndex(([step]) => step === live.step);
  const at = found < 0 ? (live.step === 'removing' ? all.length - 1 : 0) : found;
  const labels = all.map(([, label]) => label);
  const steps = stepItems(labels, { at, isWaiting: live.isWaiting });
  const { bytes } = live;
  const share =
    live.step === 'load' && bytes !== null && bytes.total > 0 ? Math.min(1, bytes.read / bytes.total) : null;
  const state = stateOf(live, all[at]?.[2] ?? 'running');
  return {
    steps,
    share,
    numbers: numbersOf(live, share),
    state,
    title: stepTitle(state, share),
  };
}

function stepsOf({ isInPlace, isLive, isRename }: LiveRestore) {
  if (isRename) return RENAME;
  return isInPlace && !isLive ? [...STEPS.slice(0, -1), SWAP] : STEPS;
}

function stateOf({ isWaiting, isCancelling, isRename, step }: LiveRestore, words: string): string {
  if (isCancelling) return 'cancelling';
  if (isWaiting) return 'waiting';
  if (step === 'proving') return 'reading the backup in full';
  if (step !== 'removing') return words;
  return isRename ? 'giving back what was taken' : 'removing what was made';
}

/** The time that is left, once enough has been read to tell. */
function numbersOf({ bytes, loadingSeconds }: LiveRestore, share: number | null): string {
  if (share === null || bytes === null) return '';
  const left =
    loadingSeconds === null || share < LEAST_SHARE || share === 1
      ? null
      : (loadingSeconds / share) * (1 - share);
  return [
    `${formatBytes(bytes.read)} of ${formatBytes(bytes.total)}`,
    ...(left === null ? [] : [`${formatDuration(Math.max(1, left))} left`]),
  ].join(' · ');
}

const LEAST_SHARE = 0.02;
