import type { Tone } from './notice.tsx';

export type DrillOutcome = 'proven' | 'failed' | 'cancelled' | 'interrupted' | 'skipped' | 'missed';

interface Look {
  readonly tone: Tone | 'neutral';
  readonly text: string;
}

/** What became of a drill. */
export const DRILL_LOOKS: Readonly<Record<DrillOutcome, Look>> = {
  proven: { tone: 'success', text: 'proven' },
  failed: { tone: 'warning', text: 'failed' },
  cancelled: { tone: 'neutral', text: 'cancelled' },
  interrupted: { tone: 'warning', text: 'interrupted' },
  skipped: { tone: 'neutral', text: 'skipped' },
  missed: { tone: 'warning', text: 'missed' },
};

/** Of one that waits or runs. */
export const UNDER_WAY: Look = { tone: 'info', text: 'under way' };
