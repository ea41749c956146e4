import { expect, it } from 'vitest';
import { slotsAhead } from '../../src/schedules/slots-ahead.ts';

const FROM = new Date('2026-02-25T10:00:00.000Z');
const HOUR = 3_600_000;
const after = (hours: number) => new Date(FROM.getTime() + hours * HOUR);

/** So many databases that are backed up each minute. */
const scheduled = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    ...{
      id: `d${index}`,
      name: `größe "${index}" 🐘`,
      environment_id: 'e',
      server_id: null,
      held_back: null,
    },
    ...{ schedule_id: 's', rule_name: null, cron_expression: '* * * * *', jitter_minutes: 0 },
    ...{ time_zone: 'UTC', is_paused: 0 },
  }));
const ahead = (count: number, hours: number) =>
  slotsAhead(scheduled(count), new Map(), { from: FROM, until: after(hours) });

it('What begins next is looked at in full, or it is told up to when', async () => {
  const few = await ahead(2, 2);
  expect([few.slots.length, few.total, few.lookedAtUntil]).toEqual([240, 240, null]);
  expect(await ahead(0, 24)).toEqual({ slots: [], total: 0, lookedAtUntil: null });
  const { slots, total, lookedAtUntil } = await ahead(400, 2);
  expect(total).toBe(400 * 120);
  expect(lookedAtUntil).toEqual(after(1));
  // All up to then, and nothing after it.
  expect(slots.length).toBe(400 * 60);
  expect(slots.at(-1)?.due).toEqual(lookedAtUntil);
});
