import { Badge } from './badge.tsx';
import type { Tone } from './notice.tsx';

export type BackupStatus = 'pending' | 'in_progress' | 'completed' | 'failed';
export type BackupOutcome = 'cancelled' | 'interrupted' | 'uncertain' | 'failed' | 'completed';

const LOOKS: Readonly<Record<BackupStatus, { tone: Tone | 'neutral'; text: string }>> = {
  pending: { tone: 'neutral', text: 'waiting' },
  in_progress: { tone: 'info', text: 'running' },
  completed: { tone: 'success', text: 'completed' },
  failed: { tone: 'error', text: 'failed' },
};

/** The state of a backup; a failed one by its outcome, where that says more. */
export function BackupBadge(props: {
  readonly status: BackupStatus;
  readonly outcome: BackupOutcome | null;
}) {
  const look = LOOKS[props.status];
  if (props.status !== 'failed' || props.outcome === null || props.outcome === 'completed') {
    return <Badge tone={look.tone} text={look.text} />;
  }
  return <Badge tone={props.outcome === 'cancelled' ? 'neutral' : look.tone} text={props.outcome} />;
}
