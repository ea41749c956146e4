import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { wordsFor } from '../../src/notifications/announce.ts';
import { afterEnd, afterEvent, type Spell } from '../../src/notifications/spell.ts';
import { TYPE_IDS, typeOf } from '../../src/notifications/types.ts';
import { recoveredWords, sizeWords, wordsOf } from '../../src/notifications/words.ts';

const NAME = 'shop "ü" <b> 😀 + 1';

describe('what is said of an event', () => {
  it('is the contract’s of a backup', () => {
    const failed = { databaseName: NAME, backupId: 'b', step: 'dump', error: 'no way' };
    expect(wordsOf({ type: 'backup.failed', data: failed })).toEqual({
      typeId: 'system.backup_failed',
      title: `Backup failed: ${NAME}`,
      message: `Backup failed for database "${NAME}": no way`,
    });
    const completed = { databaseName: NAME, backupId: 'b', bytes: 1, sizeChange: null };
    expect(wordsOf({ type: 'backup.completed', data: completed }).message).toBe(
      `Backup completed for database "${NAME}".`,
    );
  });

  it('is when a good backup was due, or that the last one is from the future', () => {
    const at = { lastGoodAt: '2026-03-04T05:06:07.890Z', dueAt: '2026-03-05T07:06:07.890Z' };
    const wordsAt = (data: Partial<typeof at>) =>
      wordsOf({ type: 'backup.missing', data: { databaseName: NAME, ...at, ...data } }).message;
    expect(wordsAt({})).toMatch(
      / The last one is of 2026-03-04 05:06 UTC; one was due by 2026-03-05 07:06 UTC\.$/,
    );
    expect(wordsAt({ dueAt: '2026-02-25T10:00:00.000Z' })).toMatch(
      / The last one is of 2026-03-04 05:06 UTC, which is in the future: the clock was set back since, .* counts\.$/,
    );
  });

  it('weighs what the contract says of its types', () => {
    const weights = [
      'system.backup_failed',
      'system.backup_success',
      'backup.rotation_error',
      'backup.policy_first_prune',
    ].map((id) => typeOf(id as (typeof TYPE_IDS)[number]).severity);
    expect(weights).toEqual(['critical', 'info', 'warning', 'info']);
  });

  it('has a title of one line and an end, whatever a tool printed and somebody called a database', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.string({ unit: 'binary', maxLength: 5000 }),
        (name, error) => {
          const data = {
            databaseName: name,
            backupId: 'b',
            step: 'dump',
            error: `${error}\r\nBcc: x`.repeat(3),
          };
          const { title, message } = wordsOf({ type: 'backup.failed', data });
          expect(title).not.toMatch(/[\r\n\t]/);
          expect(title.length).toBeLessThanOrEqual(200);
          expect(message.length).toBeLessThanOrEqual(1000);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('tells how far a size is from the usual, and how often a database had failed', () => {
    expect(sizeWords({ databaseName: NAME, sizeChange: null })).toBeNull();
    expect(sizeWords({ databaseName: NAME, sizeChange: -0.625 })?.message).toContain(
      '63 % smaller than usual',
    );
    expect(sizeWords({ databaseName: NAME, sizeChange: 1.5 })?.message).toContain('150 % larger than usual');
    expect(recoveredWords(NAME, 3, '2026-02-25T10:00:00.000Z').message).toBe(
      `Database "${NAME}" is backed up again. Its backup failed 3 times in a row since 2026-02-25 10:00 UTC.`,
    );
  });

  it('is of its size where that is what was held back, and nothing where that was as usual', () => {
    const data = { databaseName: NAME, backupId: 'b', bytes: 1, sizeChange: -0.625 };
    const odd = { type: 'backup.completed', data } as const;
    expect(wordsFor('backup.size_anomaly', odd)?.title).toBe(`Unusual size: ${NAME}`);
    const usual = { type: 'backup.completed', data: { ...data, sizeChange: null } } as const;
    expect(wordsFor('backup.size_anomaly', usual)).toBeNull();
    expect(wordsFor('system.backup_failed', usual)).toBeNull();
  });

  it('has a type for each, with words that name what is filled in', () => {
    expect(TYPE_IDS.length).toBeGreaterThan(10);
    for (const id of TYPE_IDS)
      expect(typeOf(id)).toMatchObject({ id, template: expect.stringContaining('{{') });
  });
});

describe('a spell of trouble', () => {
  const bounce = { bounceEnabled: true, bounceThreshold: 1, bounceCooldown: 3600 };
  const at = (minute: number) => new Date(Date.UTC(2026, 1, 25, 10, minute));

  it('is told once while it lasts, and its end once', () => {
    const first = afterEvent(null, bounce, at(0));
    expect(first.isTold).toBe(true);
    const second = afterEvent(first.spell, bounce, at(1));
    expect([second.isTold, second.spell.count]).toEqual([false, 2]);
    const end = afterEnd(second.spell);
    expect(end.isTold).toBe(true);
    expect(afterEnd(end.spell).isTold).toBe(false);
  });

  it('that comes soon after another is held back until it has lasted', () => {
    const ended = afterEnd(afterEvent(null, bounce, at(0)).spell).spell;
    const next = afterEvent(ended, bounce, at(10));
    expect([next.isTold, next.spell.tellAt]).toEqual([false, at(60).toISOString()]);
    // Nobody was told of it: nobody is told of its end.
    expect(afterEnd(next.spell)).toMatchObject({ isTold: false, spell: { tellAt: null } });
    expect(afterEvent(next.spell, bounce, at(60)).isTold).toBe(true);
  });

  it('is told from as many events on as an admin wants, each time without bounce control, and after the clock was set back', () => {
    const third = { ...bounce, bounceThreshold: 3 };
    let spell: Spell | null = null;
    const told = [1, 2, 3, 4].map((minute) => {
      const next = afterEvent(spell, third, at(minute));
      spell = next.spell;
      return next.isTold;
    });
    expect(told).toEqual([false, false, true, false]);
    const without = { ...bounce, bounceEnabled: false };
    expect(afterEvent(afterEvent(null, without, at(0)).spell, without, at(1)).isTold).toBe(true);
    const ended = afterEnd(afterEvent(null, bounce, new Date('2030-01-01T00:00:00.000Z')).spell).spell;
    expect(afterEvent(ended, bounce, at(0)).isTold).toBe(true);
  });

  it('never lasts untold for longer than the cooldown after its threshold, whatever comes and goes', () => {
    const step = fc.record({ minutes: fc.integer({ min: 1, max: 120 }), isBad: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let spell: Spell | null = null;
        let minute = 0;
        for (const { minutes, isBad } of steps) {
          minute += minutes;
          if (isBad) spell = afterEvent(spell, bounce, at(minute)).spell;
          else if (spell !== null) spell = afterEnd(spell).spell;
          if (spell === null || !spell.isOpen || spell.toldAt !== null) continue;
          const waits = Date.parse(spell.tellAt ?? '') - Date.parse(spell.lastToldAt ?? '');
          expect(waits).toBe(3_600_000);
        }
      }),
      { numRuns: 200 },
    );
  });
});
