/** Where an instant lies in the calendar of a zone: numbers that only grow with time, to be compared, not shown. */
export interface CalendarPlace {
  /** Days since 1970-01-01. */
  readonly day: number;
  /** Weeks of ISO 8601, which begin on Monday. */
  readonly week: number;
  /** Months since January of the year 0. */
  readonly month: number;
  readonly year: number;
}

export interface Calendar {
  placeOf(ms: number): CalendarPlace;
}

const DAY_MS = 86_400_000;
/** No zone changed its offset and back within that time. */
const WINDOW_MS = 4 * DAY_MS;
/** 1970-01-01 was a Thursday. */
const DAYS_BEFORE_FIRST_THURSDAY = 3;

/**
 * The calendar of an IANA zone. A zone is asked for its offset once for each window of four days that instants lie in (and some
 * more times where it changes within), never once for each instant: that is what would cost. Throws `RangeError` for no zone.
 */
export function calendarOf(zone: string): Calendar {
  const offsetAt = offsetsOf(zone);
  let last: CalendarPlace = { day: Number.NaN, week: 0, month: 0, year: 0 };
  return {
    placeOf(ms) {
      const day = Math.floor((ms + offsetAt(ms)) / DAY_MS);
      // Instants come in their order, many of one day.
      if (day !== last.day) last = placeOfDay(day);
      return last;
    },
  };
}

function placeOfDay(day: number): CalendarPlace {
  const date = new Date(day * DAY_MS);
  const year = date.getUTCFullYear();
  return {
    day,
    week: Math.floor((day + DAYS_BEFORE_FIRST_THURSDAY) / 7),
    month: year * 12 + date.getUTCMonth(),
    year,
  };
}

/** The first days of what the calendar's numbers name, as `YYYY-MM-DD`. */
export const firstDay = {
  ofDay: (day: number) => dateText(day * DAY_MS),
  ofWeek: (week: number) => dateText((week * 7 - DAYS_BEFORE_FIRST_THURSDAY) * DAY_MS),
  ofMonth: (month: number) => dateText(Date.UTC(Math.floor(month / 12), month % 12, 1)),
  ofYear: (year: number) => dateText(Date.UTC(year, 0, 1)),
};

const dateText = (ms: number) => new Date(ms).toISOString().slice(0, 10);

interface Window {
  readonly before: number;
  readonly after: number;
  /** From when on `after` counts; where it does not change, any instant. */
  readonly changesAt: number;
}

function offsetsOf(zone: string): (ms: number) => number {
  // What an installation has by itself; the tables of zones would be read for nothing.
  if (zone === 'UTC') return () => 0;
  const ask = askZone(zone);
  const edges = new Map<number, number>();
  const windows = new Map<number, Window>();
  const edge = (index: number): number => {
    const known = edges.get(index);
    if (known !== undefined) return known;
    const offset = ask(index * WINDOW_MS);
    edges.set(index, offset);
    return offset;
  };
  return (ms) => {
    const index = Math.floor(ms / WINDOW_MS);
    let window = windows.get(index);
    if (window === undefined) {
      const [before, after] = [edge(index), edge(index + 1)];
      const changesAt = before === after ? 0 : changeWithin(ask, index * WINDOW_MS, before);
      window = { before, after, changesAt };
      windows.set(index, window);
    }
    return ms < window.changesAt ? window.before : window.after;
  };
}

/** The first second of a window at which the zone's offset is not `before` any more. */
function changeWithin(ask: (ms: number) => number, startMs: number, before: number): number {
  let [low, high] = [0, WINDOW_MS / 1000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (ask(startMs + middle * 1000) === before) low = middle;
    else high = middle;
  }
  return startMs + high * 1000;
}

/** The zone's offset from UTC in milliseconds, by what its clocks show. */
function askZone(zone: string): (ms: number) => number {
  const clock = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit' } as const),
  });
  return (ms) => {
    const shown = new Map(clock.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes) => shown.get(type) ?? 0;
    const local = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return local - Math.floor(ms / 1000) * 1000;
  };
}
