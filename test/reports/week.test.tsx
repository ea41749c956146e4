import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Report } from '../../src/events/report.ts';
import { mailOfReport, parseReport } from '../../src/notifications/report-mail.ts';
import { growthText } from '../../src/reports/report-parts.ts';
import { stateWords, verdictTitle } from '../../src/reports/verdict-words.ts';
import { isReportDue, reportWeekAt } from '../../src/reports/week.ts';
import { oneLine } from '../../src/short-text.ts';
import { OverviewVerdict } from '../../views/overview-verdict.tsx';

const at = (instant: string) => new Date(`${instant}.000Z`);

describe('the week of a report', () => {
  it('begins on Mondays at eight by the clock of the installation', () => {
    for (const [instant, zone, week] of [
      ['2026-03-02T07:59:59', 'UTC', '2026-02-23'],
      ['2026-03-02T08:00:00', 'UTC', '2026-03-02'],
      ['2026-03-08T23:59:59', 'UTC', '2026-03-02'],
      // Summer time has begun the night before.
      ['2026-03-30T05:59:59', 'Europe/Berlin', '2026-03-23'],
      ['2026-03-30T06:00:00', 'Europe/Berlin', '2026-03-30'],
      ['2026-03-01T22:30:00', 'Pacific/Auckland', '2026-03-02'],
      ['2026-03-02T15:00:00', 'Pacific/Honolulu', '2026-02-23'],
      // A leap day, and the turn of a year.
      ['2028-02-29T12:00:00', 'UTC', '2028-02-28'],
      ['2027-01-01T00:00:00', 'UTC', '2026-12-28'],
    ] as const) {
      expect([instant, zone, reportWeekAt(at(instant), zone)]).toEqual([instant, zone, week]);
    }
  });

  it('is a Monday, the last that has come, and never an earlier one as time goes on', () => {
    const begin = Date.parse('2026-01-01T00:00:00.000Z');
    const hours = fc.integer({ min: 0, max: 3 * 366 * 24 });
    const zone = fc.constantFrom('UTC', 'Europe/London', 'America/St_Johns', 'Pacific/Kiritimati');
    fc.assert(
      fc.property(hours, hours, zone, (one, other, timeZone) => {
        const [early, late] = [Math.min(one, other), Math.max(one, other)].map((hour) =>
          reportWeekAt(new Date(begin + hour * 3_600_000), timeZone),
        );
        expect(new Date(`${early}T00:00:00.000Z`).getUTCDay()).toBe(1);
        expect((early ?? '') <= (late ?? '')).toBe(true);
      }),
    );
  });

  it('is told once; what a clock told that was ahead counts for nothing, but not a clock a little ahead', () => {
    const due = ['2026-02-23', '2026-03-02', '2026-03-09', '2026-03-16', '2027-06-07'].map((last) =>
      isReportDue('2026-03-02', last),
    );
    expect(due).toEqual([true, false, false, true, true]);
  });
});

describe('the words of a report', () => {
  it('are those of the overview', () => {
    const count = fc.integer({ min: 0, max: 3 });
    const counts = fc.record({ never: count, late: count, failing: count, paused: count, protected: count });
    fc.assert(
      fc.property(counts, count, (states, unscheduled) => {
        const total = Object.values(states).reduce((all, one) => all + one, 0);
        fc.pre(total > 0);
        const html = String(
          OverviewVerdict({ counts: states, total, oldest: null, unscheduled, environment: null }),
        );
        expect(html).toContain(verdictTitle(states, unscheduled));
      }),
    );
    const some = { never: 1, late: 0, failing: 0, paused: 2, protected: 9 };
    expect(stateWords(some)).toBe('1 never backed up, 2 paused, 9 protected');
  });

  it('tell how much something has grown, and of what a tool printed its first line', () => {
    expect([0, 1536, -5 * 2 ** 30].map(growthText)).toEqual(['as it was', '+1.5 KiB', '−5.0 GiB']);
    expect(oneLine('  no way \nat all')).toBe('no way');
    // No half letter at its end.
    expect(oneLine('😀'.repeat(200))).toBe(`${'😀'.repeat(99)}…`);
  });

  it('are escaped in its mail, which has a subject of one line and links where the app is known', () => {
    const odd = 'shop "ü" & <script>alert(1)</script> 🗝\r\nBcc: all@example.com';
    const report: Report = {
      ...{ title: odd, summary: odd },
      sections: [
        {
          ...{ title: odd, lines: [odd] },
          table: { columns: [odd], rows: [{ cells: [odd, '', odd], path: '/databases/a"b' }] },
        },
      ],
    };
    const mail = mailOfReport(parseReport(JSON.stringify(report)), 'https://bp.example');
    expect(mail.subject).not.toMatch(/[\r\n]/);
    expect(mail.html).not.toContain('<script>');
    expect(mail.html).toContain('href="https://bp.example/databases/a&quot;b"');
    expect(mail.text).toContain('https://bp.example/databases/a"b');
    const plain = mailOfReport(report, null);
    expect([plain.html.includes('href'), plain.text.includes('http')]).toEqual([false, false]);
    expect(() => parseReport('{"title":1}')).toThrow();
  });
});
