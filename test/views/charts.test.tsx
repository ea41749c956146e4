import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { daysUntil } from '../../src/backups/days.ts';
import { sizeChanges } from '../../src/backups/size-changes.ts';
import { AreaChart } from '../../views/parts/charts/area.tsx';
import { Calendar } from '../../views/parts/charts/calendar.tsx';
import type { ChartDay } from '../../views/parts/charts/day-cells.ts';
import { STRIP_DAYS, Strip } from '../../views/parts/charts/strip.tsx';

const text = (view: unknown): string => String(view);
const count = (html: string, pattern: RegExp): number => [...html.matchAll(pattern)].length;
const states = ['good', 'partly', 'failed', 'late', 'none'] as const;

const days = fc.array(
  fc.record({ state: fc.constantFrom(...states), good: fc.nat(9_000_000), failed: fc.nat(9_000_000) }),
  { maxLength: 190 },
);
const toDays = (given: readonly Omit<ChartDay, 'day'>[]): readonly ChartDay[] => {
  const names = daysUntil('2026-03-01', Math.max(1, given.length));
  return given.map((one, index) => ({ ...one, day: names[index] ?? '' }));
};

/** Nothing that a strict policy forbids, no number that is none. */
function expectSound(html: string): void {
  expect(html).not.toMatch(/NaN|Infinity|undefined|style=|<script/);
}

describe('a calendar', () => {
  it('draws whatever it is given: one square each, a cross on each failed day, a link where there is something to see', () => {
    fc.assert(
      fc.property(days, (given) => {
        const shown = toDays(given);
        const html = text(<Calendar days={shown} hrefOf={(day) => `/databases/x?day=${day}`} />);
        expectSound(html);
        const linked = shown.filter(({ good, failed }) => good + failed > 0);
        expect(count(html, /<a href="[^"]*" tabindex="-1"/g)).toBe(linked.length);
        const failed = shown.filter(({ state }) => state === 'failed').length;
        const [main = ''] = html.split('<figcaption');
        const crosses = /class="day-cross" d="([^"]*)"/.exec(main)?.[1] ?? '';
        expect(count(crosses, /M/g)).toBe(failed);
      }),
    );
  });

  it('says in words what it shows, day by day and in all', () => {
    const html = text(
      <Calendar
        days={[
          { day: '2026-02-28', good: 2, failed: 0, state: 'good' },
          { day: '2026-03-01', good: 0, failed: 1, state: 'failed' },
          { day: '2026-03-02', good: 0, failed: 0, state: 'late' },
        ]}
        hrefOf={(day) => `/x?day=${day}&result=ü"<script>`}
      />,
    );
    expect(html).toContain(
      'aria-label="Backups from 28 Feb 2026 to 2 Mar 2026 (UTC): days 1 good, 1 failed, 1 without one that was due."',
    );
    expect(html).toContain('aria-label="28 Feb: 2 good"><rect x="');
    expect(html).toContain('aria-label="1 Mar: 1 failed"');
    expect(html).toContain('<th scope="row">Mar 2026</th><td>0</td><td>1</td><td><a ');
    expect(html).toContain('<th scope="row">Feb 2026</th><td>2</td><td>0</td><td></td>');
    expect(html).not.toContain('<script');
  });

  it('names no month where the name before would run into it', () => {
    // Six days of January before February.
    const shown = toDays(Array.from({ length: 34 }, () => ({ state: 'good', good: 1, failed: 0 })));
    expect(text(<Calendar days={shown} />)).toMatch(/<text[^>]*>Feb<\/text>/);
    expect(text(<Calendar days={shown} />)).not.toMatch(/<text[^>]*>Jan<\/text>/);
  });
});

describe('a strip', () => {
  it('strokes the days of each state together, and leaves out those without anything', () => {
    const days = (['good', 'good', 'failed', 'none', 'partly', 'late', 'good'] as const).map(
      (state, index) => ({
        ...{ day: `2026-03-0${index + 1}`, state, good: 0, failed: 0 },
      }),
    );
    const html = text(<Strip days={days} />);
    expect(html.match(/<path [^>]*>/g)).toEqual([
      '<path d="M0 0h2M6 0h1"/>',
      '<path class="failed" d="M2 0h1"/>',
      '<path class="half" d="M4 0h2"/>',
    ]);
    expect(html).toContain('viewBox="0 -1.5 7 3"');
  });

  it('is one path per state with a sentence, however many days it has', () => {
    fc.assert(
      fc.property(days, (given) => {
        const html = text(<Strip days={toDays(given)} />);
        expectSound(html);
        expect(count(html, /<path /g)).toBeLessThanOrEqual(3);
        const isEmpty = toDays(given).every(({ state }) => state === 'none');
        expect([isEmpty, html.includes(': no backup."'), html.includes('<path')]).toEqual([
          ...[isEmpty, isEmpty, !isEmpty],
        ]);
        expect(count(html, /role="img"/g)).toBe(1);
        // Of a list with fifty of them.
        if (given.length <= STRIP_DAYS) expect(html.length).toBeLessThan(470);
      }),
    );
  });
});

describe('an area', () => {
  const sizes = fc.oneof(
    fc.double(),
    fc.constantFrom(0, 1, 5e11, Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, -1, Number.NaN),
    fc.nat(),
  );
  const instants = fc.oneof(
    fc
      .date({ min: new Date('1970-01-01'), max: new Date('2400-01-01'), noInvalidDate: true })
      .map((at) => at.toISOString()),
    fc.constantFrom('', 'yesterday', '2026-02-25T00:00:00.000Z'),
  );

  it('is drawn of any numbers, leaving out what is none', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ at: instants, bytes: sizes, mark: fc.option(fc.string(), { nil: undefined }) }),
          { maxLength: 60 },
        ),
        (points) => {
          const html = text(<AreaChart points={points} noun="Size" />);
          expect(html).not.toMatch(/="[^"]*(NaN|Infinity)/);
          const usable = points.filter(
            ({ at, bytes }) =>
              Number.isFinite(Date.parse(at)) && bytes >= 0 && bytes <= Number.MAX_SAFE_INTEGER,
          );
          expect(html.includes('<svg')).toBe(usable.length > 0);
          for (const [, x] of html.matchAll(/ cx="([\d.]+)"/g)) expect(Number(x)).toBeLessThanOrEqual(400);
        },
      ),
    );
  });

  it('names each line by another size, however little there is', () => {
    const labelsOf = (...bytes: readonly number[]) => {
      const points = bytes.map((size, day) => ({ at: `2026-02-0${day + 1}T00:00:00.000Z`, bytes: size }));
      const html = text(<AreaChart points={points} noun="Stored" />);
      return [...html.matchAll(/text-anchor="end">([^<]+)</g)].map(([, label]) => label);
    };
    expect(labelsOf(0, 0, 0)).toEqual(['0 B']);
    expect(labelsOf(0, 1)).toEqual(['0 B', '1 B']);
    for (const most of [2, 3, 5, 1023, 1024, 1500, 5e6]) {
      const labels = labelsOf(0, most);
      expect([most, new Set(labels).size]).toEqual([most, labels.length]);
    }
  });

  it('tells its range and its last value in a sentence, and each number in a table', () => {
    const points = [
      { at: '2026-02-25T01:00:00.000Z', bytes: 1024 },
      { at: '2026-02-28T01:00:00.000Z', bytes: 3 * 1024 ** 3, mark: 'much larger', href: '/backups/x' },
    ];
    const html = text(<AreaChart points={points} noun="Size of completed backups" />);
    expect(html).toContain(
      'aria-label="Size of completed backups from 25 Feb 2026 to 28 Feb 2026: between 1.0 KiB and 3.0 GiB, at last 3.0 GiB; 1 stand out."',
    );
    expect(html).toContain('<a href="/backups/x">28 Feb 2026</a></td><td>3.0 GiB, much larger</td>');
    expect(html).toMatch(
      /<a href="\/backups\/x" tabindex="-1" aria-label="28 Feb 2026: 3\.0 GiB, much larger"><circle class="mark"/,
    );
    expect(text(<AreaChart points={[]} noun="Size" empty="No good backup yet." />)).toContain(
      'No good backup yet.',
    );
    expect(text(<AreaChart points={points.slice(0, 1)} noun="Size" />)).toContain('class="dot"');
  });
});

describe('a size that stands out', () => {
  it('differs by more than a fifth from the median of those before it', () => {
    expect(sizeChanges([100, 100, 100, 119, 130, 50])).toEqual([null, null, null, null, 0.3, -0.5]);
    expect(sizeChanges([100, 900])).toEqual([null, null]);
    expect(sizeChanges([0, 0, 0, 5, Number.NaN])).toEqual([null, null, null, null, null]);
  });
});
