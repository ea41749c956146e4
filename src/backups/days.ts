const DAY_MS = 86_400_000;

/** The day of an instant by UTC, `2026-02-25`. */
export function dayOf(at: Date): string {
  return at.toISOString().slice(0, 10);
}

/** So many days after that one; negative for before. */
export function dayAfter(day: string, days: number): string {
  return dayOf(new Date(Date.parse(`${day}T00:00:00.000Z`) + days * DAY_MS));
}

/** So many days, the last of them `last`, oldest first. */
export function daysUntil(last: string, count: number): readonly string[] {
  const lastMs = Date.parse(`${last}T00:00:00.000Z`);
  return Array.from({ length: count }, (_, index) => dayOf(new Date(lastMs + (index - count + 1) * DAY_MS)));
}

/** 0 for Monday to 6 for Sunday. */
export function weekdayOf(day: string): number {
  return (new Date(`${day}T00:00:00.000Z`).getUTCDay() + 6) % 7;
}

/** The day where the text names one that there is, such as from an address; undefined for any other. */
export function parseDay(text: string | undefined): string | undefined {
  if (text === undefined || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00.000Z`);
  return Number.isNaN(at) || dayOf(new Date(at)) !== text ? undefined : text;
}

/** The first instant of the day and that of the next one, ISO-8601. */
export function boundsOf(day: string): { readonly from: string; readonly before: string } {
  return { from: `${day}T00:00:00.000Z`, before: `${dayAfter(day, 1)}T00:00:00.000Z` };
}
