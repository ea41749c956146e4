import { Badge } from './badge.tsx';
import type { Tone } from './notice.tsx';

export type RunState =
  | 'pending'
  | 'running'
  | 'uncertain'
  | 'completed'
  | 'failed'
  | 'cancelled'
  | 'interrupted';

export interface Look {
  readonly tone: Tone | 'neutral';
  readonly text: string;
}

const LOOKS: Readonly<Record<RunState, Look>> = {
  pending: { tone: 'neutral', text: 'waiting' },
  running: { tone: 'info', text: 'running' },
  uncertain: { tone: 'warning', text: 'uncertain' },
  completed: { tone: 'success', text: 'completed' },
  failed: { tone: 'error', text: 'failed' },
  cancelled: { tone: 'neutral', text: 'cancelled' },
  interrupted: { tone: 'error', text: 'interrupted' },
};

/** A backup that was completed, and found to be damaged when it was read later. */
export const NOT_READABLE: Look = { tone: 'error', text: 'not readable' };

/** What became of a run, or how far it is; of a backup, what is proven of it (`level`), which says more. */
export function RunBadge({
  state,
  level = null,
}: {
  readonly state: RunState;
  readonly level?: Look | null;
}) {
  return <Badge {...(level ?? LOOKS[state])} />;
}
