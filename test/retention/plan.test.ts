import { describe, expect, it } from 'vitest';
import { type PlannedBackup, plan, planInTurns, type RetentionRules } from '../../src/retention/plan.ts';

const NONE: RetentionRules = {
  ...{ keepLast: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0, minFloor: 1, maxTotalBytes: null },
};
const NOW = new Date('2026-06-30T12:00:00.000Z');

/** A scheduled good backup of that instant, which is its id too. */
function at(createdAt: string, more: Partial<PlannedBackup> = {}): PlannedBackup {
  const full = createdAt.length === 10 ? `${createdAt}T02:00:00.000Z` : createdAt;
  return {
    ...{ id: createdAt, createdAt: full, size: 100, type: 'scheduled', isPinned: false, isGood: true },
    ...{ retained: null, inUse: null },
    ...more,
  };
}

const nightly = (count: number, last = '2026-06-30') =>
  Array.from({ length: count }, (_, index) =>
    at(new Date(Date.parse(last) - index * 86_400_000).toISOString().slice(0, 10)),
  );

function planned(rules: Partial<RetentionRules>, backups: readonly PlannedBackup[], zone = 'UTC', now = NOW) {
  const { keep, prune, decisions, ...rest } = plan({ ...NONE, ...rules }, backups, now, zone);
  const rules_ = Object.fromEntries(decisions.map(({ backup, rule }) => [backup.id, rule]));
  const until = Object.fromEntries(decisions.map(({ backup, until }) => [backup.id, until]));
  return { keep: keep.map(({ id }) => id), prune: prune.map(({ id }) => id), rules: rules_, until, ...rest };
}

describe('the plan', () => {
  it('keeps the newest so many, whenever they are from', () => {
    const { keep, prune, rules, bytesFreed } = planned({ keepLast: 3 }, nightly(5));
    expect(keep).toEqual(['2026-06-30', '2026-06-29', '2026-06-28']);
    expect(prune).toEqual(['2026-06-27', '2026-06-26']);
    expect(bytesFreed).toBe(200);
    expect(rules).toEqual({
      '2026-06-30': 'One of the 3 newest. One of the 1 newest good backups, which nothing prunes',
      '2026-06-29': 'One of the 3 newest',
      '2026-06-28': 'One of the 3 newest',
      '2026-06-27': 'No rule keeps it',
      '2026-06-26': 'No rule keeps it',
    });
  });

  it('keeps the newest of each of the newest days that have one, with gaps between them', () => {
    const backups = [
      ...[at('2026-06-30T09:00:00.000Z'), at('2026-06-30T03:00:00.000Z'), at('2026-06-11T23:59:59.999Z')],
      ...[at('2026-06-11T00:00:00.000Z'), at('2026-01-02T00:00:00.000Z'), at('2025-12-31T00:00:00.000Z')],
    ];
    const { keep, until } = planned({ daily: 3 }, backups);
    expect(keep).toEqual([
      '2026-06-30T09:00:00.000Z',
      '2026-06-11T23:59:59.999Z',
      '2026-01-02T00:00:00.000Z',
    ]);
    // The day of the first is not over: one of this afternoon would take its place.
    expect(Object.values(until).slice(0, 3)).toEqual([null, null, '2026-06-14']);
  });

  it('keeps the newest of each ISO week, which begins on Monday and passes the end of the year', () => {
    // 2026-01-01 is a Thursday of week 1; the Monday before is 2025-12-29.
    const days = ['2026-01-05', '2026-01-04', '2026-01-01', '2025-12-29', '2025-12-28', '2025-12-22'];
    const backups = days.map((day) => at(day));
    const { keep, rules } = planned({ weekly: 3 }, backups, 'UTC', new Date('2026-01-05T12:00:00.000Z'));
    expect(keep).toEqual(['2026-01-05', '2026-01-04', '2025-12-28']);
    expect(rules['2026-01-04']).toBe('The newest of its week');
  });

  it('keeps the newest of each month and year, and says each rule that a backup stands under', () => {
    const { keep, rules, until } = planned({ daily: 2, weekly: 2, monthly: 3, yearly: 2 }, nightly(400));
    expect(keep).toEqual([
      '2026-06-30',
      '2026-06-29',
      '2026-06-28',
      '2026-05-31',
      '2026-04-30',
      '2025-12-31',
    ]);
    expect(rules['2026-06-29']).toBe('The newest of its day');
    expect(rules['2026-06-28']).toBe('The newest of its week');
    expect(rules['2026-06-30']).toBe(
      'The newest of its day, week, month and year. One of the 1 newest good backups, which nothing prunes',
    );
    expect(until).toMatchObject({
      ...{ '2026-06-29': '2026-07-01', '2026-06-28': '2026-07-06', '2026-05-31': '2026-08-01' },
      '2025-12-31': '2027-01-01',
    });
  });

  it('never prunes the newest good ones of any type, nor what is newer, whatever the tiers and the cap say', () => {
    const backups = [
      at('2026-06-30', { isGood: false }),
      at('2026-06-29', { type: 'manual' }),
      at('2026-06-28', { isGood: false }),
      at('2026-06-27'),
      at('2026-06-26', { isPinned: true }),
      at('2026-06-25'),
      at('2026-06-24', { isGood: false }),
    ];
    const { keep, prune, rules, cappedButUnreachable } = planned({ minFloor: 2, maxTotalBytes: 0 }, backups);
    expect(keep).toEqual(['2026-06-30', '2026-06-29', '2026-06-28', '2026-06-27', '2026-06-26']);
    expect(prune).toEqual(['2026-06-25', '2026-06-24']);
    expect(cappedButUnreachable).toBe(true);
    expect(rules).toMatchObject({
      '2026-06-30': 'Its verification failed: it stays until there are 2 newer good ones',
      '2026-06-29': 'Made by hand: nothing prunes it',
      '2026-06-27': 'One of the 2 newest good backups, which nothing prunes',
      '2026-06-26': 'Pinned',
      '2026-06-24': 'Its verification failed, and there are 2 newer good ones',
    });
  });

  it('prunes nothing while there are not more good ones than the floor', () => {
    expect(planned({ minFloor: 3 }, nightly(3)).prune).toEqual([]);
    expect(planned({ minFloor: 3 }, nightly(4)).prune).toEqual(['2026-06-27']);
    const bad = nightly(9).map((backup) => ({ ...backup, isGood: false }));
    expect(planned({}, bad).prune).toEqual([]);
    expect(planned({}, []).keep).toEqual([]);
  });

  it('lets a backup whose verification failed take no place of a good one', () => {
    const day = [at('2026-06-30'), at('2026-06-29T09:00:00.000Z', { isGood: false }), at('2026-06-29')];
    const { keep, prune } = planned({ daily: 2 }, day);
    expect(keep).toEqual(['2026-06-30', '2026-06-29']);
    expect(prune).toEqual(['2026-06-29T09:00:00.000Z']);
  });

  it('prunes the oldest that tiers keep while all is larger than the cap, not those made by hand', () => {
    const backups = [...nightly(5), at('2026-06-01', { type: 'manual', size: 250 })];
    const { keep, rules, cappedButUnreachable } = planned({ keepLast: 5, maxTotalBytes: 560 }, backups);
    expect(keep).toEqual(['2026-06-30', '2026-06-29', '2026-06-28', '2026-06-01']);
    expect(cappedButUnreachable).toBe(false);
    expect(rules['2026-06-26']).toContain('larger than the cap');
    const tooMuch = planned({ keepLast: 5, minFloor: 2, maxTotalBytes: 300 }, backups);
    expect(tooMuch.keep).toEqual(['2026-06-30', '2026-06-29', '2026-06-01']);
    expect(tooMuch.cappedButUnreachable).toBe(true);
  });

  it('keeps what is in use or retained by its storage, with until when, and no newer one goes in its place', () => {
    const backups = nightly(5);
    const held = backups.map((backup) => {
      if (backup.id === '2026-06-26')
        return { ...backup, retained: { until: '2026-07-01T00:00:00.000Z', why: 'object lock' } };
      return backup.id === '2026-06-27'
        ? { ...backup, inUse: { until: '2026-06-30T12:30:00.000Z' } }
        : backup;
    });
    const { keep, prune, rules } = planned({ keepLast: 4, maxTotalBytes: 300 }, held);
    expect(prune).toEqual([]);
    expect(keep).toHaveLength(5);
    expect(rules['2026-06-26']).toBe('Retained until 2026-07-01 00:00 UTC: object lock');
    expect(rules['2026-06-27']).toBe('In use until 2026-06-30 12:30 UTC: it may be read until then');
    const later = new Date('2026-07-01T00:00:00.000Z');
    expect(planned({ keepLast: 4, maxTotalBytes: 300 }, held, 'UTC', later).prune).toEqual([
      '2026-06-27',
      '2026-06-26',
    ]);
  });

  it.each([
    ['a day', '2026-06-29T12:00:00.000Z'],
    ['a year', '2025-06-30T12:00:00.000Z'],
  ])('prunes nothing while the clock is set back by %s', (_, now) => {
    const { prune, rules } = planned({}, nightly(30), 'UTC', new Date(now));
    expect(prune).toEqual([]);
    expect(rules['2026-06-01']).toContain('the clock was set back');
  });
});

describe('the buckets of a zone', () => {
  const daily = (zone: string, instants: readonly string[]) =>
    planned(
      { daily: 99 },
      instants.map((instant) => at(instant)),
      zone,
    ).keep;

  it('end at midnight there, not at midnight of UTC', () => {
    const [late, early] = ['2026-06-10T22:00:00.000Z', '2026-06-10T21:59:59.999Z'];
    expect(daily('Europe/Berlin', [late, early])).toEqual([late, early]);
    expect(daily('UTC', [late, early])).toEqual([late]);
    expect(daily('Asia/Kathmandu', ['2026-06-10T18:15:00.000Z', '2026-06-10T18:14:59.999Z'])).toHaveLength(2);
    expect(daily('America/St_Johns', ['2026-06-10T02:30:00.000Z', '2026-06-10T02:29:59.999Z'])).toHaveLength(
      2,
    );
  });

  it('have 23 hours on the day on which summer time begins, and 25 on the day on which it ends', () => {
    // Berlin: 29 March 2026 from 23:00Z to 22:00Z; 25 October 2025 22:00Z to 26 October 23:00Z.
    const spring = ['2026-03-29T22:00:00.000Z', '2026-03-29T21:59:59.999Z', '2026-03-28T23:00:00.000Z'];
    expect(daily('Europe/Berlin', spring)).toEqual(spring.slice(0, 2));
    const autumn = ['2025-10-26T23:00:00.000Z', '2025-10-26T22:59:59.999Z', '2025-10-25T22:00:00.000Z'];
    expect(daily('Europe/Berlin', autumn)).toEqual(autumn.slice(0, 2));
  });

  it('are told right where midnight is passed twice or never', () => {
    // Havana: at 01:00 on 2 November 2025 it is midnight again; Cairo skips midnight of 25 April 2025.
    expect(daily('America/Havana', ['2025-11-02T05:30:00.000Z', '2025-11-02T04:30:00.000Z'])).toHaveLength(1);
    expect(daily('Africa/Cairo', ['2025-04-24T22:00:00.000Z', '2025-04-24T21:59:59.999Z'])).toHaveLength(2);
    // Samoa had no 30 December 2011.
    expect(daily('Pacific/Apia', ['2011-12-30T10:00:00.000Z', '2011-12-30T09:59:59.999Z'])).toHaveLength(2);
  });

  it('end where the year of the zone ends', () => {
    const [after, before] = ['2025-12-31T10:00:00.000Z', '2025-12-31T09:59:59.999Z'];
    const { keep } = planned({ yearly: 5, monthly: 5 }, [at(after), at(before)], 'Pacific/Kiritimati');
    expect(keep).toEqual([after, before]);
  });
});

describe('a hundred thousand backups', () => {
  const minute = 60_000;
  const many = Array.from({ length: 100_000 }, (_, index) =>
    at(new Date(NOW.getTime() - index * 53 * minute).toISOString(), { size: index }),
  );
  const rules = { ...NONE, keepLast: 24, daily: 366, weekly: 520, monthly: 240, yearly: 50 };

  it('are planned in turns with others as at once', async () => {
    let turns = 0;
    const count = setInterval(() => {
      turns += 1;
    });
    const inTurns = await planInTurns(rules, many, NOW, 'Europe/Berlin');
    clearInterval(count);
    expect(turns).toBeGreaterThan(5);
    expect(inTurns).toEqual(plan(rules, many, NOW, 'Europe/Berlin'));
    expect(inTurns.keep.length).toBeGreaterThan(600);
  });

  it('cost a zone one question for some days each, not one for each backup', () => {
    let asked = 0;
    const { formatToParts } = Intl.DateTimeFormat.prototype;
    Intl.DateTimeFormat.prototype.formatToParts = function (...given) {
      asked += 1;
      return formatToParts.apply(this, given);
    };
    try {
      plan(rules, many, NOW, 'Europe/Berlin');
    } finally {
      Intl.DateTimeFormat.prototype.formatToParts = formatToParts;
    }
    expect(asked).toBeGreaterThan(500);
    expect(asked).toBeLessThan(2_000);
  });
});
