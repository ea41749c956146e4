const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;

/** `2026-02-05` as `5 Feb 2026`; text that names no day comes back as it is. */
export function dayText(day: string): string {
  const year = day.slice(0, -6);
  const text = shortDayText(day);
  return text === day ? day : `${text} ${year}`;
}

/** `2026-02-05` as `5 Feb`. */
export function shortDayText(day: string): string {
  const [, month, date] = /^-?\d{4,}-(\d\d)-(\d\d)$/.exec(day) ?? [];
  const name = MONTHS[Number(month) - 1];
  return name === undefined ? day : `${Number(date)} ${name}`;
}

/** `2026-02-05` as `Feb`. */
export function monthText(day: string): string {
  return MONTHS[Number(day.slice(-5, -3)) - 1] ?? '';
}

/** A count with its noun: `1 backup`, `2 backups`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `Mon 30 Nov`, of `2026-11-30`. */
export function weekdayText(day: string): string {
  return `${WEEKDAYS[new Date(`${day}T00:00:00Z`).getUTCDay()] ?? ''} ${shortDayText(day)}`;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
