import * as z from 'zod';

/** Whether it is the name of a zone, such as `Europe/Berlin`: with the dates of its daylight saving time, which `+02:00` lacks. */
export function isTimeZone(name: string): boolean {
  // Asked whenever the settings are read, mostly of this one: the platform's tables of zones are megabytes.
  if (name === 'UTC') return true;
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

/** The zone of that name as the platform spells it; null where there is none. No two spellings of one are told apart. */
export function zoneNamed(name: string): string | null {
  if (name.length > LONGEST || !isTimeZone(name)) return null;
  return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
}

const LONGEST = 64;

export const timeZoneField = z
  .string()
  .max(LONGEST)
  .refine(isTimeZone, { error: 'Must be a time zone of the IANA list, such as UTC or Europe/Berlin' });

/** `2026-02-25` and the hour, as the clock in that zone shows them. */
export function clockOf(at: Date, timeZone: string): { readonly day: string; readonly hour: number } {
  if (timeZone === 'UTC') return { day: at.toISOString().slice(0, 10), hour: at.getUTCHours() };
  const parts = new Intl.DateTimeFormat('en-CA', {
    ...{ timeZone, hourCycle: 'h23', hour: '2-digit' },
    ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
  }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return { day: `${of('year')}-${of('month')}-${of('day')}`, hour: Number(of('hour')) };
}
