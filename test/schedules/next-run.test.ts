import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCron } from '../../src/schedules/cron.ts';
import { lastRun, nextRun, runsBetween } from '../../src/schedules/next-run.ts';
import { offsetAt } from '../../src/schedules/zone-offsets.ts';

const runs = (text: string, zone: string, after: string, until: string) =>
  runsBetween(parseCron(text), zone, { after: new Date(after), until: new Date(until), most: 100 }).map(
    (at) => at.toISOString().slice(5, 16),
  );

describe('the day on which clocks go forward', () => {
  it.each([
    [
      'a time in the gap runs once, right after it',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['03-29T01:00', '03-30T00:30'],
    ],
    [
      'two times in the gap run once',
      '0,30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['03-29T01:00', '03-30T00:00', '03-30T00:30'],
    ],
    [
      'a time right after the gap runs once beside one in it',
      '15 2,3 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00Z',
      ['03-29T01:00', '03-29T01:15', '03-30T00:15', '03-30T01:15'],
    ],
    [
      'each half hour runs each half hour',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00Z',
      ['03-29T00:30', '03-29T01:00', '03-29T01:30', '03-29T02:00'],
    ],
    [
      'Lord Howe skips half an hour',
      '15 2 * * *',
      'Australia/Lord_Howe',
      '2026-10-03T00:00Z',
      ['10-03T15:30', '10-04T15:15'],
    ],
    [
      'Chatham skips from 2:45',
      '0 3 * * *',
      'Pacific/Chatham',
      '2026-09-26T00:00Z',
      ['09-26T14:00', '09-27T13:15'],
    ],
    [
      'Casablanca comes back after Ramadan',
      '30 2 * * *',
      'Africa/Casablanca',
      '2026-03-21T12:00Z',
      ['03-22T02:00', '03-23T01:30'],
    ],
    [
      'Havana skips midnight',
      '0 0 * * *',
      'America/Havana',
      '2026-03-07T12:00Z',
      ['03-08T05:00', '03-09T04:00'],
    ],
    [
      'Troll skips two hours',
      '30 1 * * *',
      'Antarctica/Troll',
      '2026-03-28T12:00Z',
      ['03-29T01:00', '03-29T23:30'],
    ],
    [
      'Apia skipped a whole day',
      '0 9 * * *',
      'Pacific/Apia',
      '2011-12-29T12:00Z',
      ['12-29T19:00', '12-30T10:00', '12-30T19:00'],
    ],
  ])('%s', (_, text, zone, after, expected) => {
    expect(
      runs(text, zone, after, new Date(Date.parse(after) + 60 * 3_600_000).toISOString()).slice(
        0,
        expected.length,
      ),
    ).toEqual(expected);
  });
});

describe('the day on which clocks go back', () => {
  it.each([
    [
      'a fixed time runs in the first of the two hours',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['10-25T00:30', '10-26T01:30'],
    ],
    [
      'each half hour runs in both',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-24T23:45Z',
      ['10-25T00:00', '10-25T00:30', '10-25T01:00', '10-25T01:30', '10-25T02:00'],
    ],
    [
      'each half hour of one hour runs in the first',
      '*/30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00Z',
      ['10-25T00:00', '10-25T00:30', '10-26T01:00'],
    ],
    [
      'the second of the two hours is past too',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-25T01:10Z',
      ['10-26T01:30'],
    ],
    [
      'Lord Howe has half an hour twice',
      '45 1 * * *',
      'Australia/Lord_Howe',
      '2026-04-04T00:00Z',
      ['04-04T14:45', '04-05T15:15'],
    ],
    [
      'Lord Howe each half hour',
      '*/30 * * * *',
      'Australia/Lord_Howe',
      '2026-04-04T14:15Z',
      ['04-04T14:30', '04-04T15:00', '04-04T15:30'],
    ],
    [
      'Chatham has 2:45 to 3:45 twice',
      '0 3 * * *',
      'Pacific/Chatham',
      '2026-04-04T00:00Z',
      ['04-04T13:15', '04-05T14:15'],
    ],
    [
      'Casablanca goes back for Ramadan',
      '30 2 * * *',
      'Africa/Casablanca',
      '2026-02-14T12:00Z',
      ['02-15T01:30', '02-16T02:30'],
    ],
    [
      'Dublin, whose summer is its standard',
      '30 1 * * *',
      'Europe/Dublin',
      '2026-10-24T12:00Z',
      ['10-25T00:30', '10-26T01:30'],
    ],
    [
      'Saint John’s goes back at two',
      '30 1 * * *',
      'America/St_Johns',
      '2026-10-31T12:00Z',
      ['11-01T04:00', '11-02T05:00'],
    ],
  ])('%s', (_, text, zone, after, expected) => {
    expect(
      runs(text, zone, after, new Date(Date.parse(after) + 60 * 3_600_000).toISOString()).slice(
        0,
        expected.length,
      ),
    ).toEqual(expected);
  });
});

describe('the next run', () => {
  it('is never the instant itself, and none within five years is none', () => {
    const nightly = parseCron('0 2 * * *');
    expect(nextRun(nightly, 'UTC', new Date('2026-02-25T02:00Z'))).toEqual(new Date('2026-02-26T02:00Z'));
    expect(nextRun(nightly, 'UTC', new Date('2026-02-25T01:59:59.999Z'))).toEqual(
      new Date('2026-02-25T02:00Z'),
    );
    expect(nextRun(parseCron('0 0 30 2 *'), 'UTC', new Date('2026-02-25T02:00Z'))).toBeNull();
    expect(nextRun(parseCron('0 0 31 4,6 *'), 'Asia/Tokyo', new Date('2026-02-25T02:00Z'))).toBeNull();
    expect(nextRun(parseCron('0 0 29 2 *'), 'UTC', new Date('2026-02-25T02:00Z'))).toEqual(
      new Date('2028-02-29T00:00Z'),
    );
    // 2100 is no leap year.
    expect(nextRun(parseCron('0 0 29 2 *'), 'UTC', new Date('2096-03-01T00:00Z'))).toBeNull();
  });

  const ZONES = [
    'UTC',
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Pacific/Chatham',
    'Africa/Casablanca',
    'America/New_York',
    'America/Havana',
    'Asia/Kathmandu',
    'Antarctica/Troll',
    'America/Asuncion',
    'Asia/Gaza',
    'Pacific/Apia',
  ];
  const texts = fc.constantFrom(
    '30 2 * * *',
    '*/30 * * * *',
    '0,15,45 0-3 * * *',
    '15 * * * *',
    '*/7 */2 * * *',
    '0 0 * * 0',
    '59 23 28-31 * *',
  );

  /** Each minute asked: what was due by the rules, in their own words. */
  function plainly(text: string, zone: string, from: number, until: number): readonly number[] {
    const { minutes, hours, days } = parseCron(text);
    const isNamed = (wall: number) => {
      const at = new Date(wall);
      const [dayOfMonth = '', , weekday = ''] = days.split(' ');
      const fits = (list: string, value: number) => list === '*' || list.split(',').includes(String(value));
      return (
        minutes.includes(at.getUTCMinutes()) &&
        hours.includes(at.getUTCHours()) &&
        fits(dayOfMonth, at.getUTCDate()) &&
        fits(weekday, at.getUTCDay())
      );
    };
    const due: number[] = [];
    const seen = new Set<number>();
    let before = from - 86_400_000 + offsetAt(zone, from - 86_400_000) - 60_000;
    for (let at = from - 86_400_000; at <= until; at += 60_000) {
      const wall = at + offsetAt(zone, at);
      const isSkipped = Array.from(
        { length: Math.max(0, (wall - before) / 60_000 - 1) },
        (_, k) => before + (k + 1) * 60_000,
      ).some(isNamed);
      const isAgain = seen.has(wall) && hours.length < 24;
      if (at > from && (isSkipped || (isNamed(wall) && !isAgain))) due.push(at);
      seen.add(wall);
      before = wall;
    }
    return due;
  }

  it('is what the rules say, minute by minute, around every change of a year', () => {
    const around = ZONES.flatMap((zone) => {
      const days = Array.from({ length: 365 }, (_, day) => Date.UTC(2026, 0, 1 + day));
      return days
        .filter((at) => offsetAt(zone, at) !== offsetAt(zone, at + 86_400_000))
        .map((at) => ({ zone, at }));
    });
    expect(around.length).toBeGreaterThan(14);
    fc.assert(
      fc.property(
        fc.constantFrom(...around),
        texts,
        fc.integer({ min: -720, max: 900 }),
        ({ zone, at }, text, shift) => {
          const from = at + shift * 60_000;
          const until = from + 30 * 3_600_000;
          const found = runsBetween(parseCron(text), zone, {
            after: new Date(from),
            until: new Date(until),
            most: 1000,
          });
          expect(found.map(Number)).toEqual(plainly(text, zone, from, until));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has the last of them as its last', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ZONES),
        texts,
        fc.integer({ min: 0, max: 400 * 24 }),
        (zone, text, hours) => {
          const cron = parseCron(text);
          const from = nextRun(cron, zone, new Date('2026-01-01T00:00Z')) ?? new Date(0);
          const at = new Date(from.getTime() + hours * 3_600_000);
          const last = lastRun(cron, zone, { from, at });
          expect(last <= at && last >= from).toBe(true);
          expect((nextRun(cron, zone, last) ?? at) > at).toBe(true);
        },
      ),
    );
  });
});
