import { describe, expect, it } from 'vitest';
import { engines } from '../../src/engines/engines.ts';
import { keptWords } from '../../src/retention/kept.ts';
import { keptUntil } from '../../views/database/kept-until.ts';
import { DumpOptions } from '../../views/dump-options.tsx';
import { FindForm } from '../../views/find-databases.tsx';
import { OverviewVerdict } from '../../views/overview-verdict.tsx';
import { CopyBlock } from '../../views/parts/copy-block.tsx';
import { freshForm } from '../../views/parts/form-state.ts';
import { formatDuration, formatStored } from '../../views/parts/format.ts';
import { describeAgo } from '../../views/parts/format-time.ts';
import { Presets } from '../../views/schedules/schedule-fields.tsx';

const textOf = (view: unknown): string =>
  String(view)
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();

const NONE = { never: 0, late: 0, failing: 0, paused: 0, protected: 0 };

function verdict(
  counts: Partial<typeof NONE>,
  age: string | null = null,
  unscheduled = 0,
  environment: { readonly name: string } | null = null,
): string {
  const all = { ...NONE, ...counts };
  const total = Object.values(all).reduce((sum, count) => sum + count, 0);
  const oldest = age === null ? null : { age };
  return textOf(<OverviewVerdict {...{ counts: all, total, oldest, unscheduled, environment }} />);
}

describe('the verdict', () => {
  it('speaks of one database without counting it', () => {
    expect(verdict({ never: 1 })).toContain('Your database is not safe It was never backed up. Show it');
    expect(verdict({ late: 1 })).toContain('Its last good backup is older than it may be.');
    expect(verdict({ failing: 1 })).toContain('Your database is failing The last good backup is still');
    expect(verdict({ paused: 1 })).toContain('Your database is paused');
    expect(verdict({ protected: 1 }, '3 min')).toContain(
      'Your database is safe Its last good backup is 3 min old.',
    );
  });

  it('counts those of several, and its verb goes with the count', () => {
    expect(verdict({ never: 1, protected: 2 })).toContain('1 of 3 databases is not safe');
    expect(verdict({ never: 1, late: 1, protected: 1 })).toContain('2 of 3 databases are not safe');
    expect(verdict({ never: 1, late: 1 })).toContain('1 never backed up, 1 late. Show them');
    expect(verdict({ failing: 2 })).toContain('2 of 2 databases are failing The last good backup of each');
    expect(verdict({ paused: 1, protected: 1 })).toContain('1 of 2 databases is paused');
    expect(verdict({ protected: 2 }, '9 h')).toContain(
      'All 2 databases are safe The oldest of their last good backups is 9 h old.',
    );
  });

  it('names the environment where it speaks of one alone', () => {
    const of = (counts: Partial<typeof NONE>) => verdict(counts, '9 h', 0, { name: 'Größe + 🐘' });
    expect(of({ protected: 5 })).toContain('All 5 databases of Größe + 🐘 are safe');
    expect(of({ protected: 1 })).toContain('The database of Größe + 🐘 is safe');
    expect(of({ late: 2, protected: 1 })).toContain('2 of 3 databases of Größe + 🐘 are not safe');
    expect(of({ paused: 1 })).toContain('The database of Größe + 🐘 is paused');
    expect(of({ failing: 1, protected: 1 })).toContain('1 of 2 databases of Größe + 🐘 is failing');
  });

  it('calls nothing safe that no schedule backs up again, and says what is missing', () => {
    expect(verdict({ protected: 1 }, '3 min', 1)).toContain(
      'Your database is backed up Its last good backup is 3 min old. It has no schedule: nothing backs it up again by itself.',
    );
    expect(verdict({ protected: 3 }, '9 h', 1)).toContain('All 3 databases are backed up');
    expect(verdict({ protected: 3 }, '9 h', 1)).toContain('1 of them has no schedule: nothing backs it up');
    expect(verdict({ protected: 3 }, '9 h', 2)).toContain('2 of them have no schedule: nothing backs them');
    expect(verdict({ protected: 3 }, '9 h', 3)).toContain('None of them has a schedule: nothing backs them');
    // What is worse is said first.
    expect(verdict({ protected: 2, late: 1 }, '9 h', 3)).not.toContain('schedule');
  });
});

describe('a duration', () => {
  it('that is no whole second is no zero', () => {
    const words = [0, 0.4, 1, 59.6, 125, 3_780].map(formatDuration);
    expect(words).toEqual(['<1 s', '<1 s', '1 s', '1 min 0 s', '2 min 5 s', '1 h 3 min']);
  });
});

describe('the options of a dump', () => {
  it('are summed up by their names, whatever is chosen', () => {
    const summaryOf = (type: string, values: Record<string, string>) => {
      const engine = engines.find((one) => one.type === type);
      if (engine === undefined) throw new Error(`no ${type}`);
      const form = freshForm({ giveUpMinutes: '5', ...values });
      const html = String(<DumpOptions form={form} engine={{ ...engine, hasConnection: true }} />);
      return textOf(/<summary>(.*?)<\/summary>/s.exec(html)?.[1]);
    };
    expect(
      summaryOf('postgres', {
        ...{ backupFormat: 'custom', backupCompression: 'zstd', backupCompressionLevel: '6' },
        ...{ tlsMode: 'off', 'pgDumpOptions.noOwner': 'true' },
      }),
    ).toBe(
      'Options of the dump: TLS to the database if offered, Format custom (pg_restore), Compression zstd, ' +
        'Compression level 6, Leave out owners, gives up after 5 minutes without a byte',
    );
    expect(summaryOf('postgres', { tlsMode: 'verify' })).toContain('TLS to the database verify,');
    expect(summaryOf('mysql', { tlsMode: '<b>"ü' })).toContain('TLS to the database &lt;b&gt;&quot;ü,');
  });

  it('offer the same kinds of TLS where databases are found', () => {
    const server = { id: 's', name: 'ü', hostname: 'h', environment: { id: 'e', name: 'p' } };
    const html = String(<FindForm server={server} engines={engines} form={freshForm()} found={null} />);
    for (const { fields } of engines.filter(({ isFile }) => !isFile)) {
      const choices = fields.find(({ name }) => name === 'tlsMode')?.choices ?? [];
      expect(choices).toHaveLength(3);
      for (const { label } of choices) expect(html).toContain(label);
    }
  });
});

describe('a preset of a schedule', () => {
  it('is marked where the form shows its times, however they are spaced', () => {
    const marked = (cronExpression: string) => {
      const html = String(<Presets path="/x" form={freshForm({ cronExpression })} />);
      return [...html.matchAll(/aria-current="true"[^>]*>([^<]+)</g)].map(([, label]) => label);
    };
    expect(marked('0 2 * * *')).toEqual(['Nightly']);
    expect(marked('  0  3 * *  sun ')).toEqual(['Weekly']);
    expect(marked('1 2 * * *')).toEqual([]);
    expect(marked('')).toEqual([]);
  });
});

describe('small parts', () => {
  it('say how long a backup is kept in one way', () => {
    expect(keptWords({ because: 'tier', until: '2026-12-07' })).toBe('until 2026-12-07');
    expect(keptWords({ because: 'manual', until: null })).toBe('until it is deleted');
    expect(keptWords({ because: 'pinned', until: null })).toBe('for ever');
  });

  it('say in a column until when a backup is kept, and by which tier', () => {
    const of = (kept: Partial<Parameters<typeof keptUntil>[0]>) =>
      keptUntil({ because: 'tier', until: null, tier: null, words: 'goes next', ...kept });
    expect(of({ until: '2026-12-07', tier: 'day' })).toBe('7 Dec 2026 (daily)');
    expect(of({ until: '2028-01-01', tier: 'year', because: 'floor' })).toBe('1 Jan 2028 (yearly)');
    expect(of({ until: '2026-12-07', because: 'retained' })).toBe('7 Dec 2026 (locked)');
    expect(of({ because: 'pinned' })).toBe('for ever');
    expect(of({ because: 'manual' })).toBe('for good (made by hand)');
    expect(of({ because: 'no_tier' })).toBe('goes next');
  });

  it('say what is stored beside its dump, where that reads differently', () => {
    expect(formatStored(126_976, 2_306_867)).toBe('124 KiB (2.2 MiB before compression)');
    expect([formatStored(126_976, 126_980), formatStored(126_976, 0)]).toEqual(['124 KiB', '124 KiB']);
  });

  it('give a text to copy as it is, with its own lines alone', () => {
    const text = `ssh-ed25519 ${'AAAA'.repeat(30)} "ü" <b>\nset -o pipefail`;
    const html = String(<CopyBlock id="x" text={text} label="Line" />);
    const [, shown = ''] = /<code id="x">([\s\S]*?)<\/code>/.exec(html) ?? [];
    expect(shown).toBe(text.replaceAll('"', '&quot;').replace('<b>', '&lt;b&gt;'));
  });
});

it('what the request that shows it has just made was made just now, and what comes later is told as to come', () => {
  const now = new Date('2026-11-30T12:00:00.000Z');
  const ahead = (ms: number) => describeAgo(new Date(now.getTime() + ms).toISOString(), now, 'UTC');
  expect([ahead(-900), ahead(0), ahead(900)]).toEqual(['just now', 'just now', 'just now']);
  expect([ahead(5_000), ahead(120_000)]).toEqual(['in a moment', 'in 2 min']);
});
