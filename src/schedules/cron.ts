import { AppError } from '../errors.ts';

/** When something is due, by the clock on the wall: an expression that was read. */
export interface Cron {
  /** As it was typed, with single spaces. */
  readonly text: string;
  /** Sorted. */
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** Day of month, month and day of week, in one spelling: numbers and lists, or `*`. */
  readonly days: string;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const MAX_CHARACTERS = 300;

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** Names of its values from `least` on. */
  readonly names: readonly string[];
}

const MINUTE: Field = { name: 'minute', least: 0, most: 59, names: [] };
const HOUR: Field = { name: 'hour', least: 0, most: 23, names: [] };
const DAY: Field = { name: 'day of month', least: 1, most: 31, names: [] };
const MONTH: Field = { name: 'month', least: 1, most: 12, names: MONTHS };
const WEEKDAY: Field = { name: 'day of week', least: 0, most: 6, names: WEEKDAYS };

/**
 * Reads five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday). Each is `*`, a number, a name, a
 * range, a step (`0-59/15`, `10-40/5`, and `5/15`: from 5 on) or a list of these. Where both kinds of day are restricted, either will do.
 * Throws `invalid`, saying which field is wrong and how.
 */
export function parseCron(typed: string): Cron {
  const text = typed.trim().replaceAll(/[ \t]+/g, ' ');
  if (text.length > MAX_CHARACTERS) throw refusal(`Must be at most ${MAX_CHARACTERS} characters`);
  if (text.startsWith('@')) {
    throw refusal(`Names such as ${quoted(text)} are not read here: write five fields, such as 0 0 * * *`);
  }
  const [minute = '', hour = '', day = '', month = '', weekday = '', ...rest] = text.split(' ');
  if (weekday === '' || rest.length > 0) {
    throw refusal('Must have five fields: minute, hour, day of month, month, day of week');
  }
  const minutes = valuesOf(MINUTE, minute);
  const hours = valuesOf(HOUR, hour);
  const [days, months, weekdays] = [valuesOf(DAY, day), valuesOf(MONTH, month), valuesOf(WEEKDAY, weekday)];
  const isDayFree = isFree(day);
  const isWeekdayFree = isFree(weekday);
  // Either will do, so that a list of all days makes it every day.
  const isEveryDay = !isDayFree && !isWeekdayFree && (isWhole(DAY, days) || isWhole(WEEKDAY, weekdays));
  const written = [
    isEveryDay || isDayFree || isWhole(DAY, days) ? '*' : days.join(),
    isWhole(MONTH, months) ? '*' : months.join(),
    isEveryDay || isWeekdayFree || isWhole(WEEKDAY, weekdays) ? '*' : weekdays.join(),
  ];
  return { text, minutes, hours, days: written.join(' ') };
}

const isFree = (text: string) => text === '*' || text === '*/1';
const isWhole = ({ least, most }: Field, values: readonly number[]) => values.length === most - least + 1;

function valuesOf(field: Field, text: string): readonly number[] {
  const values = new Set(text.split(',').flatMap((item) => itemValues(field, item)));
  return [...values].sort((a, b) => a - b);
}

function itemValues(field: Field, item: string): readonly number[] {
  const match = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d{1,3}))?$/.exec(item);
  if (match === null) throw wrong(field, item, 'is not a number, a range, a step or a list of these');
  const [, star, first, last, step] = match;
  const from = star === undefined ? numberOf(field, first ?? '') : field.least;
  const to = lastOf(field, { star, from, last, step });
  const by = stepOf(field, item, step);
  if (to < from) throw wrong(field, item, 'ends before it begins');
  const values = Array.from({ length: Math.floor((to - from) / by) + 1 }, (_, index) => from + index * by);
  // 7 is Sunday too.
  return field === WEEKDAY ? values.map((value) => value % 7) : values;
}

function lastOf(
  field: Field,
  item: {
    readonly star: string | undefined;
    readonly from: number;
    readonly last: string | undefined;
    readonly step: string | undefined;
  },
): number {
  if (item.last !== undefined) {
    const last = numberOf(field, item.last);
    // FRI-SUN: a week may be thought to end with it.
    return field === WEEKDAY && last === 0 && item.from > 0 && !/^\d/.test(item.last) ? 7 : last;
  }
  return item.star !== undefined || item.step !== undefined ? field.most : item.from;
}

function stepOf(field: Field, item: string, step: string | undefined): number {
  if (step === undefined) return 1;
  const by = Number(step);
  if (by === 0) throw wrong(field, item, 'has a step of 0');
  if (by > field.most - field.least + 1) {
    throw wrong(field, item, `has a step that is longer than the field, whose last value is ${field.most}`);
  }
  return by;
}

function numberOf(field: Field, text: string): number {
  const named = field.names.indexOf(text.toUpperCase());
  if (named >= 0) return field.least + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  const most = field === WEEKDAY ? 7 : field.most;
  if (value >= field.least && value <= most) return value;
  const names = field.names.length === 0 ? '' : `, or ${field.names[0]} to ${field.names.at(-1)}`;
  throw wrong(field, text, `must be ${field.least} to ${most}${names}`);
}

function wrong({ name }: Field, item: string, what: string): AppError {
  return refusal(`The ${name} ${quoted(item)} ${what}`);
}

const quoted = (text: string) => JSON.stringify(text.slice(0, 40));

function refusal(message: string): AppError {
  const issues = [{ path: ['cronExpression'], message, code: 'custom' }];
  return new AppError('invalid', 'Invalid input', { details: { issues } });
}
