import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownDatabases } from '../../src/backups/known-databases.ts';
import { latestRuns } from '../../src/backups/latest-runs.ts';
import { countUncertain, listRuns, listRunsOf, liveRuns } from '../../src/backups/list-runs.ts';
import { lastGoodBytes } from '../../src/backups/newest-backups.ts';
import { countStates, unsafeElsewhere, unsafeOf } from '../../src/backups/protection-states.ts';
import { storedOf } from '../../src/backups/stored-totals.ts';
import { targetsIn } from '../../src/backups/targets.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { contentsOf, databasesOn } from '../../src/environments/contents.ts';
import { newId } from '../../src/ids.ts';
import { type AskedBy, type Asker, noteAskers, noteToken } from '../../src/runs/askers.ts';
import { retentionLane, STORAGE_LANE } from '../../src/runs/lanes.ts';
import { scheduleStands } from '../../src/schedules/why-not.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOW = new Date('2026-03-04T05:06:07.890Z');
const ago = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000);
const PAGE = { limit: 50, offset: 0 };

afterAll(dropStates);

describe.each(STATES)('lists over all environments, on %s', (state) => {
  let db: Db;
  let good: BackupRow;
  let failed: BackupRow;
  let waiting: BackupRow;
  let pruning: string;
  let environment: string;
  beforeAll(async () => {
    db = await openState(state);
    good = await insertBackup(db, ago(5), {
      ...{ status: 'completed', outcome: 'completed', started_at: ago(5).toISOString() },
      completed_at: ago(4).toISOString(),
      size: 5_000_000_000,
    });
    failed = await insertBackup(db, ago(3), { status: 'failed', outcome: 'failed' });
    waiting = await insertBackup(db, ago(1), { status: 'pending', outcome: null });
    const deleted = { status: 'completed', outcome: 'completed', deleted_at: NOW.toISOString() } as const;
    await insertBackup(db, ago(2), deleted);
    pruning = await addRun(retentionLane(good.database_id), 'prune');
    await addRun(STORAGE_LANE, 'deep_test');
    ({ environment_id: environment } = await db
      .updateTable('databases')
      .set({ name: 'größe "ü" 🐘', type: 'sqlite', options: JSON.stringify({ filePath: '/srv/a b+ü.db' }) })
      .where('id', '=', good.database_id)
      .returning('environment_id')
      .executeTakeFirstOrThrow());
  });
  afterAll(() => db.destroy());
  const context = () => ({ db, now: () => NOW });
  const ids = ({ runs }: { readonly runs: readonly { readonly id: string }[] }) => runs.map(({ id }) => id);

  async function addRun(lane: string, kind: 'prune' | 'deep_test') {
    const id = newId();
    const run = { state: 'completed', progress: 100, attempts: 1, in_repair: 0 } as const;
    const at = { created_at: ago(2).toISOString(), ended_at: ago(2).toISOString() };
    await db
      .insertInto('runs')
      .values({ id, kind, lane, subject_id: null, server_id: null, ...run, ...at })
      .execute();
    return id;
  }

  it('know of a database what is known of its safety, and leave out one that is gone', async () => {
    const [one, ...others] = await knownDatabases(context(), [{ id: 'gone' }, { id: good.database_id }]);
    expect(others).toEqual([]);
    expect(await knownDatabases(context(), [])).toEqual([]);
    expect(one).toEqual({
      id: good.database_id,
      name: 'größe "ü" 🐘',
      type: 'sqlite',
      environmentName: environment,
      protection: {
        state: 'protected',
        lastGood: { id: good.id, at: ago(5).toISOString() },
        dueAt: ago(5 - 26).toISOString(),
        underWay: null,
        maxAgeHours: 26,
      },
      heldBack: null,
      lastEnded: { id: good.id, at: ago(5).toISOString(), isGood: true },
      nextRunAt: null,
      size: 5_000_000_000,
      sizeChange: null,
    });
    expect(unsafeOf(await countStates(context(), null))).toBe(3);
    expect(unsafeOf(await countStates(context(), environment))).toBe(0);
    expect(await storedOf(db, environment)).toEqual({ bytes: 0, places: 0 });
  });

  it('have the runs of one environment among those of all, also what is about no backup', async () => {
    const all = await listRuns(db, {}, PAGE);
    expect(ids(all)).toHaveLength(5);
    const found = await listRunsOf(db, environment, {}, PAGE);
    expect(ids(found).sort()).toEqual([good.id, pruning].sort());
    expect(found.runs.map(({ database_name: name }) => name)).toEqual(['größe "ü" 🐘', 'größe "ü" 🐘']);
    expect(found.more).toBe(false);
    expect(await listRunsOf(db, environment, {}, { limit: 1, offset: 0 })).toMatchObject({ more: true });
    expect(ids(await listRunsOf(db, environment, {}, { limit: 1, offset: 1 }))).toEqual([good.id]);
    expect(ids(await listRunsOf(db, environment, { kind: 'prune' }, PAGE))).toEqual([pruning]);
    expect(ids(await listRunsOf(db, 'unknown', {}, PAGE))).toEqual([]);
  });

  it('have what a person, a token or a schedule asked for, and not what these backups are of', async () => {
    const person = newId();
    const user = { email: 'a@example.com', name: 'Ada "ß"', role: 'operator', password_hash: 'x' };
    const made = { created_at: NOW.toISOString(), updated_at: NOW.toISOString() };
    await db
      .insertInto('users')
      .values({ id: person, ...user, ...made } as never)
      .execute();
    const token = await addToken(person);
    await db
      .insertInto('token_backups')
      .values({ backup_id: failed.id, token_id: token, holds_pin: 0 })
      .execute();
    const asked = async ({ id, created_at }: BackupRow, change: object, askedBy: AskedBy) => {
      await db.updateTable('backups').set(change).where('id', '=', id).execute();
      await note(id, askedBy, created_at);
    };
    await asked(failed, { triggered_by_id: person }, { isScheduled: false, personId: person });
    await write(db, (trx) => noteToken(trx, failed.id, token));
    await asked(waiting, { triggered_by_id: person }, { isScheduled: false, personId: person });
    await asked(good, { type: 'scheduled' }, { isScheduled: true, personId: null });
    // Of the scheduled backup, asked for by that person; and one that began by itself, of that person's.
    const byHand = await addDrill(good, { asked_by_id: person }, null);
    await note(byHand, { isScheduled: false, personId: person }, ago(2).toISOString());
    const byItself = await addDrill(waiting, {}, ago(2).toISOString());
    await note(byItself, { isScheduled: true, personId: null }, ago(2).toISOString());
    const [read, dueRead] = [await addRead(good), await addRead(waiting)];
    await note(read, { isScheduled: false, personId: person }, ago(2).toISOString());
    await note(dueRead, { isScheduled: true, personId: null }, ago(2).toISOString());
    const by = async (asker: Asker, environmentId: string | null = null) => {
      const found =
        environmentId === null
          ? await listRuns(db, { by: asker }, PAGE)
          : await listRunsOf(db, environmentId, { by: asker }, PAGE);
      return ids(found).sort();
    };
    expect(await by({ kind: 'schedule', id: null })).toEqual([good.id, byItself, dueRead].sort());
    expect(await by({ kind: 'schedule', id: null }, environment)).toEqual([good.id]);
    expect(await by({ kind: 'token', id: null })).toEqual([failed.id]);
    expect(await by({ kind: 'token', id: token })).toEqual([failed.id]);
    expect(await by({ kind: 'token', id: 'another' })).toEqual([]);
    expect(await by({ kind: 'person', id: null })).toEqual([waiting.id, byHand, read].sort());
    expect(await by({ kind: 'person', id: person })).toEqual([failed.id, waiting.id, byHand, read].sort());
    expect(await by({ kind: 'person', id: 'another' })).toEqual([]);
    const dueThen = [byItself, dueRead].sort().reverse();
    const scheduled = { kind: 'schedule', id: null } as const;
    const between = { from: ago(2).toISOString(), before: ago(1).toISOString() };
    for (const [filter, found] of [
      [{ kind: 'drill' }, [byItself]],
      [{ kind: 'verification' }, [dueRead]],
      [{ kind: 'backup' }, [good.id]],
      [{ kind: 'prune' }, []],
      [{ state: 'completed' }, [...dueThen, good.id]],
      [{ state: 'failed' }, []],
      [{ kind: 'backup', state: 'completed' }, [good.id]],
      [{ between }, dueThen],
      [{ kind: 'drill', between }, [byItself]],
      [{ kind: 'backup', between }, []],
    ] as const) {
      expect([filter, ids(await listRuns(db, { ...filter, by: scheduled }, PAGE))]).toEqual([filter, found]);
    }
    const { runs } = await listRuns(db, {}, PAGE);
    const askers = runs.map((run) => [run.id, run.person_name, run.token_name, Number(run.is_scheduled)]);
    expect(askers).toEqual(
      expect.arrayContaining([
        [good.id, null, null, 1],
        [failed.id, 'Ada "ß"', 'deploy', 0],
        [byHand, 'Ada "ß"', null, 0],
        [byItself, null, null, 1],
        [read, 'Ada "ß"', null, 0],
        [dueRead, null, null, 1],
        [pruning, null, null, 0],
      ]),
    );
    expect(new Set(ids({ runs })).size).toBe(runs.length);
    await db.deleteFrom('runs').where('kind', 'in', ['drill', 'verification']).execute();
  });

  const note = (id: string, askedBy: AskedBy, at: string) =>
    write(db, (trx) => noteAskers(trx, id, askedBy, new Date(at)));

  async function addToken(userId: string): Promise<string> {
    const id = newId();
    const at = NOW.toISOString();
    const row = { id, name: 'deploy', token_hash: 'h', token_prefix: 'p', role: 'operator' } as const;
    const scope = { access: 'backups', all_environments: 1, user_id: userId } as const;
    await db
      .insertInto('api_tokens')
      .values({ ...row, ...scope, expires_at: at, created_at: at })
      .execute();
    return id;
  }

  async function addRead({ id: backupId }: BackupRow) {
    const [id, at] = [newId(), ago(2).toISOString()];
    const run = { state: 'completed', progress: 100, attempts: 1, in_repair: 0, created_at: at } as const;
    await db
      .insertInto('runs')
      .values({ id, kind: 'verification', lane: `read:${id}`, subject_id: backupId, server_id: null, ...run })
      .execute();
    return id;
  }

  async function addDrill({ id: backupId, database_id }: BackupRow, change: object, dueAt: string | null) {
    const [id, at] = [newId(), ago(2).toISOString()];
    const run = { state: 'completed', progress: 100, attempts: 1, in_repair: 0, created_at: at } as const;
    await db
      .insertInto('runs')
      .values({ id, kind: 'drill', lane: `drill:${id}`, subject_id: backupId, server_id: null, ...run })
      .execute();
    await db
      .insertInto('restores')
      .values(restoreRow({ id, backup_id: backupId, database_id, is_drill: 1, ...change }))
      .execute();
    await db
      .insertInto('drills')
      .values({ id, database_id, backup_id: backupId, due_at: dueAt, created_at: at })
      .execute();
    return id;
  }

  it('have those that were asked for between two instants, the first of them included', async () => {
    const between = { from: ago(3).toISOString(), before: ago(1).toISOString() };
    const found = await listRuns(db, { between }, PAGE);
    expect(ids(found)).toContain(failed.id);
    expect(ids(found)).not.toContain(waiting.id);
    expect(ids(found)).not.toContain(good.id);
  });

  it('have what goes on, the running before the waiting, and nothing that is over', async () => {
    expect((await liveRuns(db, null, 10)).map(({ id }) => id)).toEqual([waiting.id]);
    expect(await liveRuns(db, environment, 10)).toEqual([]);
    const runningOne = await insertBackup(db, ago(0.5), { status: 'in_progress', outcome: null });
    expect((await liveRuns(db, null, 10)).map(({ id }) => id)).toEqual([runningOne.id, waiting.id]);
    expect((await liveRuns(db, null, 1)).map(({ id }) => id)).toEqual([runningOne.id]);
  });

  it('have what ended last and what nobody knows the end of, of all or of one environment', async () => {
    const latest = await latestRuns(db, null, 50);
    const found = ids({ runs: latest });
    expect(found).toEqual(expect.arrayContaining([good.id, failed.id]));
    expect(latest.map(({ kind }) => kind)).toContain('deep_test');
    expect(found).not.toContain(pruning);
    expect(found).not.toContain(waiting.id);
    const ends = latest.map((run) => run.ended_at ?? run.created_at);
    expect(ends).toEqual(ends.toSorted().toReversed());
    expect(ids({ runs: await latestRuns(db, null, 1) })).toEqual(found.slice(0, 1));
    const own = await latestRuns(db, environment, 50);
    expect(ids({ runs: own })).toContain(good.id);
    expect(own.every((run) => run.environment_id === environment)).toBe(true);
    expect(await latestRuns(db, 'unknown', 50)).toEqual([]);

    const { environment_id: other } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', failed.database_id)
      .executeTakeFirstOrThrow();
    const run = db.updateTable('runs').where('id', '=', failed.id);
    await run.set({ state: 'uncertain' }).execute();
    const counts = [await countUncertain(db, null), await countUncertain(db, other)];
    expect([...counts, await countUncertain(db, environment)]).toEqual([1, 1, 0]);
    // As the list of them: without those of deleted backups, with what is about no backup and named by its lane.
    const backup = db.updateTable('backups').where('id', '=', failed.id);
    await backup.set({ deleted_at: NOW.toISOString() }).execute();
    const prune = db.updateTable('runs').where('id', '=', pruning);
    await prune.set({ state: 'uncertain' }).execute();
    for (const id of [null, environment, other]) {
      const filter = { state: 'uncertain' } as const;
      const list = id === null ? await listRuns(db, filter, PAGE) : await listRunsOf(db, id, filter, PAGE);
      expect([id, await countUncertain(db, id)]).toEqual([id, list.runs.length]);
      expect(list.runs.length).toBe(id === other ? 0 : 1);
    }
    await backup.set({ deleted_at: null }).execute();
    await prune.set({ state: 'completed' }).execute();
    const live = ids({ runs: await liveRuns(db, null, 50) });
    expect(live.slice(-2)).toEqual([waiting.id, failed.id]);
    expect(ids({ runs: await liveRuns(db, null, live.length - 1) })).toEqual(live.slice(0, -1));
    expect(ids({ runs: await liveRuns(db, other, 50) })).toEqual([failed.id]);
    await run.set({ state: 'failed' }).execute();
    expect(await unsafeElsewhere(context(), null)).toBe(0);
    const all = unsafeOf(await countStates(context(), null));
    expect(await unsafeElsewhere(context(), environment)).toBe(all);
    expect(await unsafeElsewhere(context(), other)).toBe(all - 1);
  });

  it('have what is wanted of the databases, and why nothing began', async () => {
    const id = good.database_id;
    const targets = await targetsIn(db, environment);
    expect([targets.unscheduled, targets.leastOn('2026-03-04'), targets.leastOn('2026-03-03')]).toEqual([
      1,
      26,
      null,
    ]);
    expect((await targetsIn(db, null)).unscheduled).toBeGreaterThan(3);
    expect(await scheduleStands(db, [id])).toEqual(new Map());
    const at = NOW.toISOString();
    await db
      .insertInto('database_schedules')
      .values({
        ...{ database_id: id, schedule_id: 's', settled_as: 's', time_zone: 'UTC', is_paused: 0 },
        ...{ interval_minutes: 60, due_at: at, run_at: at, anchored_at: at },
      })
      .execute();
    expect([...(await scheduleStands(db, [id, 'gone'])).values()]).toEqual([
      { pausedReason: null, lastTime: null },
    ]);
    for (const [hours, reason] of [
      [2, 'blackout'],
      [3, 'running'],
    ] as const) {
      const due = ago(hours).toISOString();
      const line = {
        due_at: due,
        last_due_at: due,
        slots: 1,
        decided_at: due,
        tries: 1,
        is_watched: 0,
      } as const;
      await db
        .insertInto('schedule_slots')
        .values({
          id: newId(),
          database_id: id,
          ...line,
          outcome: 'skipped',
          reason,
          detail: 'ü',
          backup_id: null,
        })
        .execute();
    }
    expect((await scheduleStands(db, [id])).get(id)?.lastTime).toEqual({
      ...{ at: ago(2).toISOString(), reason: 'blackout', detail: 'ü' },
    });
    const scheduled = await targetsIn(db, environment);
    expect([scheduled.unscheduled, scheduled.leastOn('2026-03-04')]).toEqual([0, 3]);
    await db.updateTable('database_schedules').set({ is_paused: 1 }).execute();
    expect((await targetsIn(db, environment)).leastOn('2026-03-04')).toBeNull();

    expect(await lastGoodBytes(db, [id])).toEqual(new Map());
    await db.updateTable('backups').set({ bytes_read: 5e12 }).where('id', '=', good.id).execute();
    expect(await lastGoodBytes(db, [id, id, 'gone'])).toEqual(new Map([[id, 5e12]]));
    const own = { first: [{ id, name: 'größe "ü" 🐘' }], count: 1 };
    const nothing = { first: [], count: 0 };
    expect(await contentsOf(db, environment)).toEqual({
      databases: own,
      servers: nothing,
      backups: 0,
      bytes: 0,
    });
    expect(await databasesOn(db, 'unknown')).toEqual(nothing);
  });
});
