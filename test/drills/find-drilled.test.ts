import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db, DrillStateRow } from '../../src/db/schema.ts';
import { type DrillFilter, findDrilled } from '../../src/drills/find-drilled.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';
import { restoreRow } from '../support/restore-row.ts';

const NOW = new Date('2026-11-29T12:00:00.000Z');
const now = () => NOW;
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString();
const ODD = `Größe + "x" <b>100 %_</b> 🐘`;

let db: Db;
/** By name. */
const ids = new Map<string, string>();
const environments = new Map<string, string>();
const backups = new Map<string, string>();

beforeAll(async () => {
  db = await openTestDatabase();
  // Worst first, by what each is called.
  await add('1 damaged', { ...failed('damaged', 3), ...proven('1 damaged', 900) });
  await add('2 failed, never proven', failed('role', 2));
  await add('3 failed', { ...failed('other', 4), ...proven('3 failed', 50), run_at: ago(1) });
  await add('4 due, never proven', { run_at: ago(0) });
  await add('5 due', { ...proven('5 due', 800), run_at: ago(9) });
  await add(`6 ${ODD}`, null);
  await add('7 planned', { run_at: ago(-1) });
  await add('8 long ago', { ...proven('8 long ago', 700), run_at: ago(-24) });
  await add('9 just now', proven('9 just now', 1));
});
afterAll(() => db.destroy());

async function add(name: string, state: Partial<DrillStateRow> | null): Promise<void> {
  const backup = await insertBackup(db, NOW, { status: 'completed', outcome: 'completed' });
  const { database_id: id } = backup;
  const { environment_id: environment } = await db
    .updateTable('databases')
    .set({ name })
    .where('id', '=', id)
    .returning('environment_id')
    .executeTakeFirstOrThrow();
  ids.set(name, id);
  environments.set(name, environment);
  backups.set(name, backup.id);
  if (state === null) return;
  const of = state.proven_at == null ? {} : { proven_backup_id: backup.id };
  await db
    .insertInto('drill_states')
    .values({ database_id: id, ...state, ...of })
    .execute();
}

const proven = (name: string, hours: number) => ({
  ...{ proven_at: ago(hours), restore_ms: 1000 * hours, bytes: name.length },
});
const failed = (failure: 'damaged' | 'role' | 'other', hours: number) => ({
  ...{ failed_at: ago(hours), failed_drill_id: `f${hours}`, failure, says: `it’s ${failure}` },
});

const find = (
  filter: Partial<DrillFilter> = {},
  page = { limit: 50, offset: 0 },
  environmentId: string | null = null,
) => findDrilled({ db, now }, environmentId, { search: '', stand: null, ...filter }, page);

const names = ({ databases }: Awaited<ReturnType<typeof find>>) =>
  databases.map(({ name }) => name[0]).join('');

describe('databases by what drills said of them', () => {
  it('begin with what failed, damaged ones above all, then what is due, never proven, proven the longest ago', async () => {
    const found = await find();
    expect(names(found)).toBe('123456789');
    expect(found.counts).toEqual({ failed: 3, due: 2, unproven: 2, proven: 2 });
    expect([found.total, found.planned]).toEqual([9, 5]);
    const [damaged] = found.databases;
    expect(damaged?.proven).toMatchObject({ at: ago(900), restoreMs: 900_000, bytes: 9, run: null });
  });

  it('have no next drill while their schedule is paused', async () => {
    const [id = ''] = [ids.get('7 planned')];
    const at = ago(-1);
    await db
      .insertInto('database_schedules')
      .values({
        ...{ database_id: id, schedule_id: 's', settled_as: 's', time_zone: 'UTC', interval_minutes: 1440 },
        ...{ is_paused: 1, due_at: at, run_at: at, anchored_at: at },
      })
      .execute();
    const nextOf = async () => {
      const { databases, planned } = await find();
      return [databases.find((one) => one.id === id)?.nextAt, planned];
    };
    expect(await nextOf()).toEqual([null, 4]);
    await db.updateTable('database_schedules').set({ is_paused: 0 }).execute();
    expect(await nextOf()).toEqual([at, 5]);
    await db.deleteFrom('database_schedules').execute();
  });

  it('are filtered by state, text and environment, and come in pages that do not overlap', async () => {
    expect(names(await find({ stand: 'due' }))).toBe('45');
    expect((await find({ stand: 'due' })).total).toBe(2);
    const odd = await find({ search: ' größe + "X" <b>100 %_ ' });
    expect([names(odd), odd.total, odd.counts.unproven]).toEqual(['6', 1, 1]);
    // What LIKE means by them is not what was typed.
    expect(names(await find({ search: '_%' }))).toBe('');
    expect(names(await find({ search: 'nobody' }))).toBe('');
    const pages = [0, 4, 8, 12].map((offset) => find({}, { limit: 4, offset }));
    expect((await Promise.all(pages)).map(names)).toEqual(['1234', '5678', '9', '']);
    const one = await find({}, undefined, environments.get('5 due') ?? '');
    expect([names(one), one.total]).toEqual(['5', 1]);
  });
});

async function addDrill(
  name: string,
  id: string,
  values: object,
  restore: object | null = {},
): Promise<void> {
  const of = { database_id: ids.get(name) ?? '', backup_id: backups.get(name) ?? '' };
  await db
    .insertInto('drills')
    .values({ id, ...of, created_at: ago(5), ...values })
    .execute();
  if (restore === null) return;
  await db
    .insertInto('restores')
    .values(restoreRow({ id, ...of, is_drill: 1, state: 'removed', ...restore }))
    .execute();
}

const one = async (name: string) => (await find()).databases.find((database) => database.name === name);

describe('a database', () => {
  it('names the drill or the restore that proved it', async () => {
    await addDrill('5 due', 'd5', { outcome: 'proven', ended_at: ago(800) }, { ended_at: ago(799) });
    expect((await one('5 due'))?.proven?.run).toEqual({ id: 'd5', isDrill: true });
    const backup = { backup_id: backups.get('8 long ago') ?? '' };
    const rows = [
      restoreRow({ id: 'another', ...backup, state: 'done', ended_at: ago(710) }),
      restoreRow({ id: 'r8', ...backup, state: 'done', ended_at: ago(700) }),
    ];
    await db.insertInto('restores').values(rows).execute();
    expect((await one('8 long ago'))?.proven?.run).toEqual({ id: 'r8', isDrill: false });
  });

  it('tells its newest drill; one that failed is not forgotten because the next was skipped', async () => {
    await addDrill('3 failed', 'f4', { outcome: 'failed', failure: 'other', created_at: ago(4) });
    await addDrill('3 failed', 's3', { outcome: 'skipped', created_at: ago(3), due_at: ago(3) }, null);
    const told = {
      id: 'f4',
      at: ago(4),
      outcome: 'failed',
      failure: 'other',
      says: 'it’s other',
      hasRun: true,
    };
    expect((await one('3 failed'))?.last).toEqual(told);
    await addDrill('3 failed', 'u2', { created_at: ago(2) });
    expect((await one('3 failed'))?.last).toMatchObject({ id: 'u2', outcome: null, hasRun: true });
    await addDrill('7 planned', 's7', { outcome: 'skipped', due_at: ago(6), says: 'paused' }, null);
    expect((await one('7 planned'))?.last).toMatchObject({ at: ago(6), says: 'paused', hasRun: false });
    expect((await one(`6 ${ODD}`))?.last).toBeNull();
  });
});
