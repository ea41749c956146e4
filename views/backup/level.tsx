import { Badge } from '../parts/badge.tsx';
import type { Tone } from '../parts/notice.tsx';
import { NOT_READABLE } from '../parts/run-badge.tsx';

export interface LevelOf {
  readonly status: 'pending' | 'in_progress' | 'completed' | 'failed';
  readonly outcome: 'cancelled' | 'interrupted' | 'uncertain' | 'failed' | 'completed' | null;
  readonly verification: 'stored' | 'full' | 'drill' | 'failed' | null;
  /** Of a failed one. */
  readonly step: 'connect' | 'dump' | 'upload' | 'verify' | null;
}

export interface Level {
  readonly tone: Tone | 'neutral';
  readonly text: string;
}

const PROVEN: Readonly<Record<NonNullable<LevelOf['verification']>, Level>> = {
  stored: { tone: 'success', text: 'read back' },
  full: { tone: 'success', text: 'read in full' },
  drill: { tone: 'success', text: 'restored' },
  failed: NOT_READABLE,
};

/** What a full read that came to its end has proven; of a backup that is known to be damaged by now, that. */
export function levelOfRead(verification: LevelOf['verification']): Level {
  return verification === 'failed' ? PROVEN.failed : PROVEN.full;
}

/** What was proven of a backup, or what became of it, in a few words. */
export function levelOf({ status, outcome, verification, step }: LevelOf): Level {
  if (status === 'pending') return { tone: 'neutral', text: 'waiting' };
  if (status === 'in_progress') return { tone: 'info', text: 'running' };
  if (status === 'completed')
    return verification === null ? { tone: 'success', text: 'completed' } : PROVEN[verification];
  if (outcome === 'cancelled') return { tone: 'neutral', text: 'cancelled' };
  if (outcome === 'interrupted') return { tone: 'error', text: 'interrupted' };
  if (outcome === 'uncertain') return { tone: 'warning', text: 'uncertain' };
  return { tone: 'error', text: step === null ? 'failed' : `failed at ${step}` };
}

export function LevelBadge({ of }: { readonly of: LevelOf }) {
  return <Badge {...levelOf(of)} />;
}
