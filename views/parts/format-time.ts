const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Hours are told up to two days: "45 h ago" says more about a backup than "1 d ago". */
const HOURS_UP_TO_MS = 48 * HOUR_MS;
const RELATIVE_UP_TO_MS = 7 * DAY_MS;
/** The page's clock is read as its request comes in: what that request itself has made is later by as much. */
const REQUEST_MS = 2000;

/** `just now`, `5 min ago`, `45 h ago`, `3 d ago`, `in 3 h`; from seven days on the date in that zone. */
export function describeAgo(iso: string, now: Date, zone: string): string {
  const ms = now.getTime() - Date.parse(iso);
  const far = Math.abs(ms);
  if (Number.isNaN(ms) || far >= RELATIVE_UP_TO_MS) return formatDate(iso, zone);
  if (far < MINUTE_MS) return ms < -REQUEST_MS ? 'in a moment' : 'just now';
  const span = describeSpan(far);
  return ms < 0 ? `in ${span}` : `${span} ago`;
}

/** The age of something, of any length: `5 min`, `45 h`, `11 d`. */
export function describeSpan(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / 1000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < HOURS_UP_TO_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

/** `28 Nov 2026`, in that zone. What is no instant is given back. */
export function formatDate(iso: string, zone: string): string {
  return format(iso, zone, { day: 'numeric', month: 'short', year: 'numeric' });
}

/** `28 Nov 2026, 23:10`, in that zone. */
export function formatMinute(iso: string, zone: string): string {
  return format(iso, zone, {
    ...{ day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit' },
    hourCycle: 'h23',
  });
}

/** To the second, with the zone's name: `2026-11-28 23:10:34 Europe/Berlin`. */
export function formatExact(iso: string, zone: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  // Sweden writes it so; to put it together from its parts would take ten times as long.
  const text = formatterOf(zone, EXACT, 'sv-SE').format(at);
  return `${text} ${zone}`;
}

/** The hour and the minute of what `formatExact` gives. */
export const clockOf = (exact: string): string => exact.slice(11, 16);

const EXACT: Intl.DateTimeFormatOptions = {
  ...{ year: 'numeric', month: '2-digit', day: '2-digit' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
};

function format(iso: string, zone: string, options: Intl.DateTimeFormatOptions): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : formatterOf(zone, options).format(at);
}

/** To make one costs more than to use it a hundred times. */
const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(
  zone: string,
  options: Intl.DateTimeFormatOptions,
  language = 'en-GB',
): Intl.DateTimeFormat {
  const key = `${language} ${zone} ${Object.keys(options).join()}`;
  const known = formatters.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(language, { ...options, timeZone: zone });
  formatters.set(key, made);
  return made;
}
