import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { thinSlots } from '../../src/schedules/thin-slots.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

it('A month of a schedule that ran each minute becomes one line, though that is more lines than a statement takes values', async () => {
  const db = await openTestDatabase();
  const { database_id } = await insertBackup(db, new Date(), { status: 'completed', outcome: 'completed' });
  await sql`insert into schedule_slots (id, database_id, due_at, last_due_at, slots, outcome, decided_at, tries, is_watched)
    with recursive minute(number) as (select 0 union all select number + 1 from minute where number < 32999),
    due as (select number, strftime('%Y-%m-%dT%H:%M:00.000Z', '2026-01-01', number || ' minutes') as at from minute)
    select 'slot' || number, ${database_id}, at, at, 1, 'ran', at, 1, 0 from due`.execute(db);
  await thinSlots({ db, now: () => new Date('2026-05-01T00:00:00.000Z') });
  const kept = await db.selectFrom('schedule_slots').select(['due_at', 'last_due_at', 'slots']).execute();
  expect(kept).toEqual([
    { due_at: '2026-01-01T00:00:00.000Z', last_due_at: '2026-01-23T21:59:00.000Z', slots: 33_000 },
  ]);
  await db.destroy();
});
