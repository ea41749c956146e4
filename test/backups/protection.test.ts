import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOverdue, isSafe, type ProtectionFacts, protection } from '../../src/backups/protection.ts';

const NOW = new Date('2026-03-04T05:06:07.890Z');
const HOUR = 3_600_000;
const ago = (hours: number) => new Date(NOW.getTime() - hours * HOUR).toISOString();
const good = (hours: number) => ({ id: 'good', at: ago(hours) });
const ended = (hours: number, isGood: boolean) => ({ id: isGood ? 'good' : 'bad', at: ago(hours), isGood });
const stateOf = (facts: Pick<ProtectionFacts, 'lastGood' | 'lastEnded'>, maxAgeHours = 26) =>
  protection({ ...facts, maxAgeHours, schedule: null, underWay: null }, NOW).state;

describe('a database', () => {
  it.each([
    ['never', null, null],
    ['never', null, ended(1, false)],
    ['protected', good(1), ended(1, true)],
    ['protected', good(26), ended(26, true)],
    ['late', good(26.001), ended(26.001, true)],
    ['failing', good(25), ended(1, false)],
    // Late says more than failing.
    ['late', good(27), ended(1, false)],
    // A good one after the failed one.
    ['protected', good(1), ended(2, false)],
    ['protected', good(1), null],
    // A clock that was set back by an hour, and by so much that nobody can tell how old it is.
    ['protected', good(-1), ended(-1, true)],
    ['late', good(-48), ended(-48, true)],
    // Of one from the future nobody can tell that it came after the one that failed.
    ['failing', good(-20), ended(1, false)],
    ['failing', good(-20), ended(-19, false)],
    ['protected', good(-20), null],
    ['protected', good(-0.05), ended(1, false)],
    ['late', good(-48), ended(1, false)],
  ] as const)('is %s with its last good backup %j and its last run %j', (state, lastGood, lastEnded) => {
    expect(stateOf({ lastGood, lastEnded })).toBe(state);
  });

  it('is due when its last good backup becomes too old', () => {
    const facts = { lastGood: good(2), lastEnded: null, maxAgeHours: 3, schedule: null, underWay: null };
    expect(protection(facts, NOW)).toEqual({
      ...{ state: 'protected', lastGood: good(2), dueAt: ago(-1), underWay: null },
      maxAgeHours: 3,
    });
    expect(protection({ ...facts, lastGood: null }, NOW).dueAt).toBeNull();
  });

  it('is due now where its last good backup is from so far ahead that it is late', () => {
    const facts = { lastGood: good(-48), lastEnded: null, maxAgeHours: 26, schedule: null, underWay: null };
    expect(protection(facts, NOW)).toMatchObject({ state: 'late', dueAt: NOW.toISOString() });
  });

  it.each([
    ['protected', 24, 26, false],
    ['late', 24, 26.01, false],
    ['protected', 1, 3, false],
    ['late', 1, 3.01, false],
    ['protected', 168, 169.9, false],
    ['paused', 24, 400, true],
  ] as const)(
    'is %s with slots every %d hours, its last good backup %d hours old',
    (state, every, age, isPaused) => {
      const schedule = { intervalMinutes: every * 60, isPaused };
      const rest = { lastEnded: null, maxAgeHours: 999, underWay: null };
      const found = protection({ lastGood: good(age), schedule, ...rest }, NOW);
      expect([found.state, found.maxAgeHours]).toEqual([state, every + 2]);
    },
  );

  it('whose schedule is paused is neither called never nor not safe', () => {
    const schedule = { intervalMinutes: 60, isPaused: true };
    const facts = { lastGood: null, lastEnded: null, maxAgeHours: 26, schedule, underWay: null };
    const found = protection(facts, NOW);
    expect([found.state, isSafe(found)]).toEqual(['paused', true]);
  });

  // The last good one began 29 hours ago, and was to be followed within 26.
  it.each([
    ['protected', 'takes as long as ever', 4, [3 * 3600, 3 * 3600]],
    ['protected', 'takes up to twice as long', 5.99, [3 * 3600, 1800]],
    ['late', 'has gone on for more than twice the longest', 6.01, [3 * 3600, 3 * 3600]],
    ['protected', 'is of one whose backups take no time, within the grace', 3.001, [7200, 5]],
    ['late', 'began when it was late already', 2.99, [3 * 3600, 3 * 3600]],
    ['late', 'has gone on for longer than the grace, and nobody knows how long one takes', 4, [null, null]],
  ] as const)('is %s while a backup %s', (state, _, hours, [longestSeconds, lastSeconds]) => {
    const underWay = { id: 'new', at: ago(hours), longestSeconds, lastSeconds };
    const facts = { lastGood: good(29), lastEnded: ended(29, true), maxAgeHours: 26, schedule: null };
    const found = protection({ ...facts, underWay }, NOW);
    expect([found.state, isSafe(found)]).toEqual([state, state === 'protected']);
    expect(found.underWay === null).toBe(state === 'late');
  });

  it('keeps the level that it had while a backup is under way, and is due when that has taken too long', () => {
    const underWay = { id: 'new', at: ago(4), longestSeconds: 10_800, lastSeconds: 9000 };
    const facts = { lastGood: good(29), lastEnded: ended(20, false), maxAgeHours: 26, schedule: null };
    expect(protection({ ...facts, underWay }, NOW)).toMatchObject({
      ...{ state: 'failing', dueAt: ago(-2) },
      underWay: { backupId: 'new', since: ago(4), until: ago(-2), lastSeconds: 9000 },
    });
    // Before it is too old it is due no earlier either: an alert must not go off in the second in between.
    const young = protection({ ...facts, lastGood: good(25), underWay }, NOW);
    expect([young.dueAt, isOverdue(young, NOW)]).toEqual([ago(-2), false]);
    const ahead = protection({ ...facts, lastGood: good(-48), underWay }, NOW);
    expect(ahead).toMatchObject({ state: 'late', dueAt: NOW.toISOString() });
    const paused = { ...facts, schedule: { intervalMinutes: 60, isPaused: true }, underWay };
    expect(protection(paused, NOW).state).toBe('paused');
    expect(protection({ ...facts, lastGood: null, underWay }, NOW)).toMatchObject({
      ...{ state: 'never', dueAt: null },
      underWay: { backupId: 'new' },
    });
  });

  it('is safe exactly while a good backup is no older than it may be', () => {
    const hours = fc.integer({ min: -1000, max: 1000 });
    const lastGood = fc.option(hours.map(good));
    const lastEnded = fc.option(fc.tuple(hours, fc.boolean()).map(([at, isGood]) => ended(at, isGood)));
    fc.assert(
      fc.property(lastGood, lastEnded, fc.integer({ min: 1, max: 500 }), (known, last, maxAgeHours) => {
        const facts = { lastGood: known, lastEnded: last, maxAgeHours, schedule: null, underWay: null };
        const found = protection(facts, NOW);
        const isYoung =
          known !== null && Math.abs(NOW.getTime() - Date.parse(known.at)) <= maxAgeHours * HOUR;
        expect(isSafe(found)).toBe(isYoung);
      }),
    );
  });
});
