const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** A size for people: `0 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : 1;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** A backup's size as it is stored, beside its dump's where that is known (0: it is not) and reads differently. */
export function formatStored(storedBytes: number, dumpBytes: number): string {
  const [stored, dump] = [formatBytes(storedBytes), formatBytes(dumpBytes)];
  return dumpBytes === 0 || dump === stored ? stored : `${stored} (${dump} before compression)`;
}

/** Seconds for people: `<1 s`, `8 s`, `2 min 5 s`, `1 h 3 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 1) return '<1 s';
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `26 hours`, `2 h 30 min`; up to two days in hours, beyond that in days: `7 days 2 h`. */
export function formatHours(hours: number): string {
  const minutes = Math.round(hours * 60);
  if (minutes < 60) return `${minutes} min`;
  const whole = Math.floor(minutes / 60);
  if (minutes % 60 !== 0 && whole < 48) return `${whole} h ${minutes % 60} min`;
  if (whole <= 48) return whole === 1 ? '1 hour' : `${whole} hours`;
  const days = Math.floor(whole / 24);
  return whole % 24 === 0 ? `${days} days` : `${days} days ${whole % 24} h`;
}

/** A share by which something differs: `38 % smaller`. */
export function changeText(change: number): string {
  return `${Math.round(Math.abs(change) * 100)} % ${change < 0 ? 'smaller' : 'larger'}`;
}
