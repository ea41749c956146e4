import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { optimise } from '../src/db/node/statistics.ts';
import { write } from '../src/db/write.ts';
import { periodicTasks } from '../src/periodic-tasks.ts';
import { openTestApp, type TestApp } from './support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app.close());

/** The tasks of a process; `done` is told when the planner's statistics are made anew. */
function tasks(done: () => void) {
  const { services } = app;
  const { db, now } = services;
  return periodicTasks({
    ...{ ...services, calendar: now, storageCa: null, publicUrl: null },
    certificates: { ofPem: () => null, ofServer: async () => null },
    optimise: async () => {
      done();
      await optimise(db);
    },
  });
}

/** What the planner was told of a table: rows, and rows for each value of the index's columns. */
async function told(table: string): Promise<readonly string[]> {
  const rows = await sql<{ stat: string }>`select stat from sqlite_stat1 where tbl = ${table}`.execute(
    app.services.db,
  );
  return rows.rows.map(({ stat }) => stat);
}

it('chains the audit within five seconds, also the first time', () => {
  const chain = tasks(() => undefined).find(({ name }) => name === 'audit-chain');
  expect(chain?.everyMs).toBeLessThanOrEqual(5_000);
  expect(chain?.firstAfterMs).toBeLessThanOrEqual(5_000);
});

describe("the planner's statistics", () => {
  it('are made with the tables, and anew by the daily upkeep of a table that has grown', async () => {
    const { db, now } = app.services;
    const before = await told('events');
    await write(db, async (trx) => {
      const row = {
        ...{ type: 'backup.completed', database_id: null, environment_id: null, data: '{}', told_at: null },
        created_at: now().toISOString(),
      };
      for (let batch = 0; batch < 20; batch += 1) {
        const rows = Array.from({ length: 100 }, (_, n) => ({ ...row, id: `e-${batch}-${n}` }));
        await trx.insertInto('events').values(rows).execute();
      }
    });
    let times = 0;
    const upkeep = tasks(() => {
      times += 1;
    }).find(({ name }) => name === 'upkeep');
    await upkeep?.run(new AbortController().signal);
    expect([times, upkeep?.everyMs]).toEqual([1, 86_400_000]);
    expect(await told('events')).not.toEqual(before);
    expect((await told('events'))[0]).toMatch(/^2000 /);
  });

  it('are left when the app is told to stop', async () => {
    const upkeep = tasks(() => expect.unreachable()).find(({ name }) => name === 'upkeep');
    await upkeep?.run(AbortSignal.abort());
  });
});
