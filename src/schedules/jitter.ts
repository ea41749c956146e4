import { shareOf } from '../spread.ts';
import type { Cron } from './cron.ts';
import { nextRun } from './next-run.ts';

const MINUTE_MS = 60_000;

/**
 * When the run of a slot begins: up to so many minutes later, always the same for a slot of a database, and never later than
 * half way to the next one.
 */
export function runAt(
  due: Date,
  {
    cron,
    zone,
    databaseId,
    jitterMinutes,
    next = jitterMinutes === 0 ? null : nextRun(cron, zone, due),
  }: {
    readonly cron: Cron;
    readonly zone: string;
    readonly databaseId: string;
    readonly jitterMinutes: number;
    /** The slot after it, where it is known. */
    readonly next?: Date | null;
  },
): Date {
  if (jitterMinutes === 0) return due;
  const halfWay = next === null ? Number.POSITIVE_INFINITY : (next.getTime() - due.getTime()) / 2;
  const most = Math.min(jitterMinutes * MINUTE_MS, halfWay);
  const share = shareOf(`${databaseId} ${due.toISOString()}`);
  return new Date(due.getTime() + Math.floor((share * most) / 1000) * 1000);
}

/**
 * When a run begins whose jitter has changed since it was said to begin at `before`. Never in the past, where it was not to begin by
 * then: who looks would take it for missed.
 */
export function beginsAt(computed: Date, before: string | null, now: Date): string {
  const [begins, present] = [computed.toISOString(), now.toISOString()];
  if (before !== null && before <= present) return before;
  return begins < present ? present : begins;
}
