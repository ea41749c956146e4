import type { RunContext, RunNote } from '../../runs/kind.ts';

type Step = 'look' | 'create' | 'load' | 'compare' | 'finish';
/** Progress at the beginning of each; the loading goes by bytes. */
const PROGRESS: Readonly<Record<Step, number>> = { look: 5, create: 10, load: 15, compare: 90, finish: 95 };

/** How far a restore is, as its run tells. */
export interface Progress {
  enter(step: Step, word?: string): void;
  follow(bytes: () => { readonly bytes: number; readonly total: number }): void;
  step(): string;
}

/** Of the run of that context, from its look on. */
export function newProgress({ follow }: RunContext): Progress {
  let step: Step = 'look';
  let word: string = step;
  let bytes: (() => { readonly bytes: number; readonly total: number }) | null = null;
  const note = (): RunNote => {
    if (step !== 'load' || bytes === null) return { step: word, progress: PROGRESS[step] };
    const detail = bytes();
    const part = detail.total === 0 ? 0 : detail.bytes / detail.total;
    const span = PROGRESS.compare - PROGRESS.load;
    return { step: word, progress: Math.floor(PROGRESS.load + span * Math.min(1, part)), detail };
  };
  follow(note);
  return {
    enter(next, as = next) {
      step = next;
      word = as;
    },
    follow(counted) {
      bytes = counted;
    },
    step: () => step,
  };
}
