import * as z from 'zod';

/** Whether it is the name of a zone, such as `Europe/Berlin`: with the dates of its daylight saving time, which `+02:00` lacks. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+/-]*$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const timeZoneField = z
  .string()
  .max(64)
  .refine(isTimeZone, { error: 'Must be a time zone of the IANA list, such as UTC or Europe/Berlin' });
