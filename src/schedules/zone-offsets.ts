/** A stretch of time in which a zone has one offset. */
export interface Stretch {
  /** Inclusive; -Infinity where it began long before. */
  readonly from: number;
  /** Exclusive. */
  readonly until: number;
  /** What the clock on the wall is ahead of UTC, in milliseconds. */
  readonly offset: number;
  /** Of the stretch before; its own where that is long ago. */
  readonly offsetBefore: number;
}

const DAY_MS = 86_400_000;

/** The stretches of a zone from the one that `from` lies in to the one that `until` lies in. */
export function* stretches(zone: string, from: number, until: number): Generator<Stretch> {
  let start = Number.NEGATIVE_INFINITY;
  const begin = from - 2 * DAY_MS;
  let offset = offsetAt(zone, begin);
  let offsetBefore = offset;
  for (let year = yearOf(begin); start <= until && year <= yearOf(until); year += 1) {
    for (const at of changesIn(zone, year)) {
      if (at <= begin) continue;
      if (at > from) yield { from: start, until: at, offset, offsetBefore };
      start = at;
      offsetBefore = offset;
      offset = offsetAt(zone, at);
    }
  }
  yield { from: start, until: Number.POSITIVE_INFINITY, offset, offsetBefore };
}

/** When the offset changes within a year of UTC. None are closer together than a day. */
function changesIn(zone: string, year: number): readonly number[] {
  const known = changes.get(zone) ?? new Map<number, readonly number[]>();
  const found = known.get(year);
  if (found !== undefined) return found;
  const listed: number[] = [];
  const end = Date.UTC(year + 1, 0);
  for (let at = Date.UTC(year, 0); at < end; at += DAY_MS) {
    const next = Math.min(at + DAY_MS, end);
    if (offsetAt(zone, at) !== offsetAt(zone, next)) listed.push(changeBetween(zone, at, next));
  }
  changes.set(zone, known.set(year, listed));
  return listed;
}

const changes = new Map<string, Map<number, readonly number[]>>();

/** The first instant of the new offset, to the second. */
function changeBetween(zone: string, before: number, after: number): number {
  const offset = offsetAt(zone, before);
  let [low, high] = [before / 1000, after / 1000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle * 1000) === offset) low = middle;
    else high = middle;
  }
  return high * 1000;
}

/** Milliseconds that the clock on the wall is ahead of UTC. */
export function offsetAt(zone: string, at: number): number {
  const format =
    formats.get(zone) ?? new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  formats.set(zone, format);
  const match = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(format.format(at));
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match ?? [];
  const ahead = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
  return sign === '-' ? -ahead : ahead;
}

const formats = new Map<string, Intl.DateTimeFormat>();

const yearOf = (at: number) => new Date(at).getUTCFullYear();
