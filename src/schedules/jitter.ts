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
  const share = hash(`${databaseId} ${due.toISOString()}`) / 2 ** 32;
  return new Date(due.getTime() + Math.floor((share * most) / 1000) * 1000);
}

/** FNV-1a: spreads, and need not be secret. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
