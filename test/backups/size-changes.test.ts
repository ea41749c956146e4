import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDatabases } from '../../src/backups/known-databases.ts';
import { sizeChangesOf } from '../../src/backups/size-changes.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const START = Date.UTC(2026, 1, 28, 23, 30);
const GOOD = { status: 'completed', outcome: 'completed' } as const;

afterAll(dropStates);

describe.each(STATES)('how sizes differ from what is usual, on %s', (state) => {
  let db: Db;
  let rows: BackupRow[];
  beforeAll(async () => {
    db = await openState(state);
    rows = [];
    // Ten usual ones, one that is half of them, three failures, one that is double, and two as usual.
    const sizes = [...Array<number>(10).fill(1000), 500, null, null, null, 2000, 1010, 990];
    for (const [index, size] of sizes.entries()) {
      const how = size === null ? ({ status: 'failed', outcome: 'failed' } as const) : { ...GOOD, size };
      const of = rows[0] === undefined ? {} : { database_id: rows[0].database_id };
      rows.push(await insertBackup(db, new Date(START + index * 3_600_000), { ...how, ...of }));
    }
    // Deleted ones and those of others tell nothing.
    const deleted = { deleted_at: new Date(START).toISOString(), database_id: rows[0]?.database_id ?? '' };
    await insertBackup(db, new Date(START + 9.5 * 3_600_000), { ...GOOD, size: 9, ...deleted });
    await insertBackup(db, new Date(START + 9.5 * 3_600_000), { ...GOOD, size: 9 });
  });
  afterAll(() => db.destroy());

  const changesOf = async (indexes: readonly number[]) => {
    const asked = indexes.flatMap((index) => rows[index] ?? []);
    const changes = await sizeChangesOf(db, rows[0]?.database_id ?? '', asked);
    return asked.map(({ id }) => changes.get(id) ?? null);
  };

  it('is told of each that a page shows, by the ten before it, whether they are shown or not', async () => {
    expect(await changesOf([16, 15, 14, 10])).toEqual([null, null, 1, -0.5]);
    // A filter shows two that lie far apart.
    expect(await changesOf([14, 0])).toEqual([1, null]);
    expect(await changesOf([10])).toEqual([-0.5]);
  });

  it('is told of none where fewer than three came before, or nothing is shown', async () => {
    expect(await changesOf([0, 1, 2])).toEqual([null, null, null]);
    expect(await changesOf([])).toEqual([]);
  });

  it('are told of the newest in the list of all databases, by what was kept when it ended', async () => {
    const id = rows[0]?.database_id ?? '';
    const at = new Date(START + 20 * 3_600_000);
    const listed = async () => (await knownDatabases({ db, now: () => at }, [{ id }]))[0];
    expect(await listed()).toMatchObject({ size: 990, sizeChange: null });
    await insertBackup(db, at, { ...GOOD, size: 300, database_id: id });
    expect(await listed()).toMatchObject({ size: 300, sizeChange: -0.7 });
    // One alone has nothing that it could differ from.
    const { database_id: other } = await insertBackup(db, at, { ...GOOD, size: 7 });
    expect((await knownDatabases({ db, now: () => at }, [{ id: other }]))[0]?.sizeChange).toBeNull();
  });
});
