import { expect, it } from 'vitest';
import { databaseMetrics } from '../../src/metrics/database-metrics.ts';
import { joinedBytes } from '../../src/metrics/exposition.ts';
import { openTestDatabase } from '../support/database.ts';
import { readExposition } from '../support/exposition.ts';

const NOW = new Date('2026-03-01T00:00:00.000Z');
const FIRST = 'db 000';

it('a database that takes the name of another in the middle of a scrape is not given twice', async () => {
  const db = await openTestDatabase();
  const at = { created_at: NOW.toISOString(), updated_at: NOW.toISOString() };
  await db
    .insertInto('environments')
    .values({ id: 'e', name: 'Prod "ü"', ...at } as never)
    .execute();
  // On two pages.
  const names = Array.from({ length: 250 }, (_, index) => `db ${String(index).padStart(3, '0')}`);
  await db
    .insertInto('databases')
    .values(names.map((name) => ({ id: name, environment_id: 'e', name, type: 'sqlite', ...at }) as never))
    .execute();
  const rename = (id: string, name: string) =>
    db.updateTable('databases').set({ name }).where('id', '=', id).execute();
  let renamed: Promise<unknown> | undefined;
  let asked = 0;
  const now = () => {
    asked += 1;
    // When the first page was read, before which it was asked for once.
    if (asked === 2) renamed = rename(FIRST, 'another').then(() => rename('db 249', FIRST));
    return NOW;
  };

  const samples = await databaseMetrics({ db, now });
  const exposed = readExposition(new TextDecoder().decode(joinedBytes(samples.parts())));
  const info = exposed.get('bridgeport_database_info')?.samples ?? [];
  expect(info.map(({ labels }) => labels['database']).sort()).toEqual(names.slice(0, 249));
  expect(
    (await db.selectFrom('databases').select('name').where('id', '=', 'db 249').execute())[0]?.name,
  ).toBe(FIRST);
  await renamed;
  await db.destroy();
});
