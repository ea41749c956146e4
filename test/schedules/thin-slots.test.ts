import { expect, it } from 'vitest';
import { inParts } from '../../dev/fill/in-parts.ts';
import { newId } from '../../src/ids.ts';
import { thinSlots } from '../../src/schedules/thin-slots.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

it('A month of a schedule that ran each minute becomes one line, though that is more lines than a statement takes values', async () => {
  const db = await openTestDatabase();
  const { database_id } = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
  const first = Date.UTC(2026, 0, 1);
  const slots = Array.from({ length: 33_000 }, (_, minute) => {
    const due = new Date(first + minute * 60_000).toISOString();
    const line = { due_at: due, last_due_at: due, slots: 1, outcome: 'ran', decided_at: due } as const;
    return { id: newId(), database_id, ...line, tries: 1, is_watched: 0 } as const;
  });
  for (const part of inParts(slots)) await db.insertInto('schedule_slots').values(part).execute();
  await thinSlots({ db, now: () => new Date('2026-05-01T00:00:00.000Z') });
  const kept = await db.selectFrom('schedule_slots').select(['due_at', 'last_due_at', 'slots']).execute();
  expect(kept).toEqual([
    { due_at: '2026-01-01T00:00:00.000Z', last_due_at: '2026-01-23T21:59:00.000Z', slots: 33_000 },
  ]);
  await db.destroy();
});
