import { Badge } from './badge.tsx';
import type { Tone } from './notice.tsx';

export type ProtectionState = 'never' | 'late' | 'failing' | 'paused' | 'protected';

const LOOKS: Readonly<Record<ProtectionState, { readonly tone: Tone | 'neutral'; readonly text: string }>> = {
  never: { tone: 'error', text: 'never backed up' },
  late: { tone: 'error', text: 'late' },
  failing: { tone: 'warning', text: 'failing' },
  paused: { tone: 'warning', text: 'paused' },
  protected: { tone: 'success', text: 'protected' },
};

/** Whether a database is safe. */
export function ProtectionBadge({ state }: { readonly state: ProtectionState }) {
  return <Badge {...LOOKS[state]} />;
}
