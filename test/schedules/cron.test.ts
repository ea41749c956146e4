import { Cron as Croner } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextOnWall } from '../../src/schedules/calendar.ts';
import { parseCron } from '../../src/schedules/cron.ts';
import { inWords } from '../../src/schedules/words.ts';

const reasonOf = (text: string) => {
  try {
    parseCron(text);
    return null;
  } catch (error) {
    return (error as { details: { issues: { message: string }[] } }).details.issues[0]?.message;
  }
};

describe('an expression', () => {
  it.each([
    ['0 2 * * *', [0], [2], '* * *'],
    [' \t5/15  1-3\t* * * ', [5, 20, 35, 50], [1, 2, 3], '* * *'],
    ['*/30 */8 1,15 */6 *', [0, 30], [0, 8, 16], '1,15 1,7 *'],
    ['0 0 * jan-Mar,DEC mon-FRI', [0], [0], '* 1,2,3,12 1,2,3,4,5'],
    ['0 0 * * 7', [0], [0], '* * 0'],
    ['0 0 * * 0,7', [0], [0], '* * 0'],
    ['0 0 * * 5-7', [0], [0], '* * 0,5,6'],
    ['0 0 * * FRI-SUN', [0], [0], '* * 0,5,6'],
    ['0 0 * * SUN-TUE', [0], [0], '* * 0,1,2'],
    ['10-40/15,00,05 0 13 * 5', [0, 5, 10, 25, 40], [0], '13 * 5'],
    ['0 0 1-31 * 1', [0], [0], '* * *'],
    ['0 0 */1 * 1', [0], [0], '* * 1'],
    ['0 0 1-31 * *', [0], [0], '* * *'],
    ['0 0 1 * 0-6', [0], [0], '* * *'],
    ['0 0 31 2/3 *', [0], [0], '31 2,5,8,11 *'],
  ])('%j is read', (text, minutes, hours, days) => {
    expect(parseCron(text)).toMatchObject({ minutes, hours, days });
  });

  it.each([
    ['@daily', /Names such as "@daily"/],
    ['', /five fields/],
    ['* * * *', /five fields/],
    ['0 0 * * * *', /five fields/],
    ['0 0 L * *', /day of month "L" must be 1 to 31$/],
    ['0 0 * * 5#2', /day of week "5#2" is not/],
    ['0 0 * * 5L', /day of week "5L"/],
    ['0 0 ? * *', /day of month "\?"/],
    ['0 0 15W * *', /day of month "15W"/],
    ['*/0 * * * *', /minute "\*\/0" has a step of 0/],
    ['*/90 * * * *', /minute "\*\/90" has a step that is longer/],
    ['60 * * * *', /minute "60" must be 0 to 59$/],
    ['* 24 * * *', /hour "24"/],
    ['* * 0 * *', /day of month "0"/],
    ['* * * 13 *', /month "13" must be 1 to 12, or JAN to DEC/],
    ['* * * * 8', /day of week "8" must be 0 to 7, or SUN to SAT/],
    ['* * * * 6-0', /ends before it begins/],
    ['30-10 * * * *', /ends before it begins/],
    ['-1 * * * *', /is not a number/],
    ['1.5 * * * *', /is not a number/],
    ['1,,2 * * * *', /is not a number/],
    ['1, * * * *', /is not a number/],
    ['*/15/2 * * * *', /is not a number/],
    ['*-5 * * * *', /is not a number/],
    ['1-2-3 * * * *', /is not a number/],
    ['١ * * * *', /is not a number/],
    ['<script> 0 * * *', /is not a number/],
    ['JAN 0 * * *', /minute "JAN" must be 0 to 59/],
    ['0 0 * MONDAY *', /month "MONDAY"/],
    ['0 0 * * MON\n', null],
    ['0\u00a00 * * * *', /is not a number|five/],
    [`0 0 * * ${'1,'.repeat(400)}1`, /at most 300/],
  ])('%j is refused with the reason, or read', (text, reason) => {
    if (reason === null) expect(reasonOf(text)).toBeNull();
    else expect(reasonOf(text)).toMatch(reason);
  });

  it('is refused or read, and never breaks', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 40 }),
          fc
            .array(fc.constantFrom(...'0123456789*,-/ @L#JANSUN?'), { maxLength: 40 })
            .map((signs) => signs.join('')),
        ),
        (text) => {
          const reason = reasonOf(text);
          if (reason === null) expect(parseCron(text).minutes.length).toBeGreaterThan(0);
          else expect(reason).not.toBe('');
        },
      ),
    );
  });

  it('names the instants that croner finds for the whole of it', () => {
    const field = (least: number, most: number) => {
      const value = fc.integer({ min: least, max: most });
      const item = fc.oneof(
        value.map(String),
        fc.tuple(value, value).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
        fc.integer({ min: 1, max: most }).map((step) => `*/${step}`),
      );
      return fc.oneof(
        fc.constant('*'),
        fc.array(item, { minLength: 1, maxLength: 3 }).map((items) => items.join()),
      );
    };
    fc.assert(
      fc.property(
        fc.tuple(field(0, 59), field(0, 23), field(1, 28), field(1, 12), field(0, 7)),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        (fields, from) => {
          // With `*/2` as a day croner and cron read "both", the contract "either": see the table above.
          fc.pre(!(fields[2].startsWith('*/') || fields[4].startsWith('*/')));
          const text = fields.join(' ');
          const expected = new Croner(text, { timezone: 'UTC' }).nextRun(from);
          expect(nextOnWall(parseCron(text), from.getTime() + 1)).toBe(expected?.getTime() ?? null);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('in words', () => {
  it.each([
    ['0 2 * * *', 'At 02:00, every day'],
    ['0 2 * 3 */1', 'At 02:00, only in March'],
    ['15 1,13 * * *', 'At 01:15 and 13:15, every day'],
    ['30 * * * *', 'At 30 minutes past the hour'],
    ['5/15 * * * *', 'Every 15 minutes, starting at 5 minutes past the hour'],
    ['0 3 * * SUN', 'At 03:00, only on Sunday'],
    ['30 1 1,15 * 7', 'At 01:30, on day 1 and 15 of the month, or at 01:30, only on Sunday'],
    ['0 0 * * FRI-SUN', 'At 00:00, Friday through Sunday'],
  ])('%s is %s', (text, words) => {
    expect(inWords(parseCron(text))).toBe(words);
  });
});
