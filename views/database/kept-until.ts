import type { Kept } from '../../src/retention/kept.ts';
import { dayText } from '../parts/charts/day-text.ts';

const BY_TIER = { day: 'daily', week: 'weekly', month: 'monthly', year: 'yearly' } as const;

/** After "Kept until": `7 Dec 2026 (daily)`; where no day is known, what has to come first. */
export function keptUntil({ until, tier, because, words }: Omit<Kept, 'rule'>): string {
  if (until !== null) {
    const why = because === 'retained' ? 'locked' : tier === null ? null : BY_TIER[tier];
    return why === null ? dayText(until) : `${dayText(until)} (${why})`;
  }
  return SHORT[because] ?? words;
}

/** What goes has words of its own: whether it goes next, or pruning stands still. */
const SHORT: Partial<Readonly<Record<Kept['because'], string>>> = {
  pinned: 'for ever',
  manual: 'for good (made by hand)',
  floor: 'newer ones come',
  tier: 'newer ones come',
  unproven: 'newer good ones come',
  in_use: 'it has been read',
  retained: 'its storage lets it go',
  clock: 'the clock is right',
};
