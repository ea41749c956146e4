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

const LOOKS: Readonly<Record<RunState, { readonly tone: Tone | 'neutral'; readonly text: string }>> = {
  pending: { tone: 'neutral', text: 'waiting' },
  running: { tone: 'info', text: 'running' },
  uncertain: { tone: 'warning', text: 'uncertain' },
  completed: { tone: 'success', text: 'completed' },
  failed: { tone: 'error', text: 'failed' },
  cancelled: { tone: 'neutral', text: 'cancelled' },
  interrupted: { tone: 'error', text: 'interrupted' },
};

/** What became of a run, or how far it is. */
export function RunBadge({ state }: { readonly state: RunState }) {
  return <Badge {...LOOKS[state]} />;
}
