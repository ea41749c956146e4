import type { ServerBlackoutRow } from '../db/schema.ts';
import { offsetAt } from './zone-offsets.ts';

const DAY_MINUTES = 24 * 60;

export type Window = Pick<ServerBlackoutRow, 'weekdays' | 'from_minute' | 'until_minute'>;

/** The first of the windows that the instant lies in, by the clock of that zone. */
export function blackoutAt<T extends Window>(windows: readonly T[], zone: string, at: Date): T | undefined {
  if (windows.length === 0) return undefined;
  const wall = new Date(at.getTime() + offsetAt(zone, at.getTime()));
  const minute = wall.getUTCHours() * 60 + wall.getUTCMinutes();
  const day = wall.getUTCDay();
  return windows.find((window) => {
    const { from_minute: from, until_minute: until } = window;
    const beginsOn = (weekday: number) => window.weekdays.includes(String(weekday));
    if (until > from) return beginsOn(day) && minute >= from && minute < until;
    return (beginsOn(day) && minute >= from) || (beginsOn((day + 6) % 7) && minute < until);
  });
}

/** `22:30` of minutes since midnight. */
export function clockText(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor((minutes % DAY_MINUTES) / 60))}:${two(minutes % 60)}`;
}

/** Minutes since midnight of `22:30`. */
export function clockMinutes(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}
