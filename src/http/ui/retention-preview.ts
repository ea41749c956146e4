import type { Context } from 'hono';
import type { RetentionDay } from '../../../views/retention/calendar.tsx';
import type { PlannedItem, PreviewProps } from '../../../views/retention/preview.tsx';
import { calendarOf, firstDay } from '../../retention/calendar.ts';
import type { Candidate } from '../../retention/candidates.ts';
import type { Decided } from '../../retention/decide.ts';
import { keptWords } from '../../retention/kept.ts';
import type { Decision } from '../../retention/plan.ts';
import { pageOf } from './kit/paging.ts';

const PER_PAGE = 50;
/** Half a year at most, and no further back than there are backups. */
const MOST_WEEKS = 26;
const FEWEST_WEEKS = 6;
const DAYS_A_WEEK = 7;

/** What is decided, as the page shows it. */
export function previewOf(
  c: Context,
  { plan }: Decided,
  of: { readonly path: string; readonly hasAddress: boolean; readonly zone: string; readonly now: Date },
): PreviewProps {
  const { decisions } = plan;
  const { limit, offset } = of.hasAddress ? pageOf(c, PER_PAGE) : { limit: PER_PAGE, offset: 0 };
  return {
    path: of.path,
    hasAddress: of.hasAddress,
    items: decisions.slice(offset, offset + limit).map(toItem),
    page: { limit, offset, total: decisions.length },
    stay: { count: plan.keep.length, bytes: plan.keep.reduce((sum, { size }) => sum + size, 0) },
    go: { count: plan.prune.length, bytes: plan.bytesFreed },
    days: daysOf(decisions, of.zone, of.now),
    cappedButUnreachable: plan.cappedButUnreachable,
  };
}

function toItem(decision: Decision<Candidate>): PlannedItem {
  const { keep, rule } = decision;
  const { id, createdAt, size, rotationError } = decision.backup;
  const kept = keep ? keptWords(decision) : null;
  return { id, createdAt, size, stays: keep, rule, kept, error: rotationError };
}

/** Whole weeks up to the present one, oldest first. */
function daysOf(decisions: readonly Decision<Candidate>[], zone: string, now: Date): readonly RetentionDay[] {
  const calendar = calendarOf(zone);
  const counts = new Map<number, { stay: number; go: number }>();
  let oldest = Number.POSITIVE_INFINITY;
  for (const { backup, keep } of decisions) {
    const { day, week } = calendar.placeOf(Date.parse(backup.createdAt));
    const count = counts.get(day) ?? { stay: 0, go: 0 };
    if (keep) count.stay += 1;
    else count.go += 1;
    counts.set(day, count);
    oldest = Math.min(oldest, week);
  }
  const present = calendar.placeOf(now.getTime());
  const weeks = Math.min(MOST_WEEKS, Math.max(FEWEST_WEEKS, present.week - oldest + 1));
  const first = present.day - ((present.day + 3) % DAYS_A_WEEK) - (weeks - 1) * DAYS_A_WEEK;
  return Array.from({ length: present.day - first + 1 }, (_, index) => {
    const day = first + index;
    return { day: firstDay.ofDay(day), ...(counts.get(day) ?? { stay: 0, go: 0 }) };
  });
}
