import { sql } from 'kysely';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import { isPostgres } from '../../src/db/kind.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { recordEvent } from '../../src/events/events.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import { forgetOldNews } from '../../src/notifications/forget-old.ts';
import { countNotifications, listNotifications } from '../../src/notifications/inbox.ts';
import { changePreference } from '../../src/notifications/preferences.ts';
import { createStumbles } from '../../src/notifications/stumbles.ts';
import { createTeller, hasNews, type TellContext, tellEvents } from '../../src/notifications/tell.ts';
import { changeType } from '../../src/notifications/type-settings.ts';
import { insertBackup } from '../support/backup-row.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
const NOBODY = { userId: null, address: null };
const PEOPLE = [
  { id: 'ada', role: 'admin' },
  { id: 'olaf', role: 'operator' },
  { id: 'vera', role: 'viewer' },
] as const;

afterAll(dropStates);

describe.each(STATES)('what users are told, on %s', (state) => {
  let db: Db;
  let minutes: number;
  let log: string[];
  let context: TellContext;
  const now = () => new Date(BEGIN + minutes * 60_000);

  beforeEach(async () => {
    db = await openState(state);
    [minutes, log] = [0, []];
    context = { db, now, log: createLog('debug', (line) => log.push(line), now) };
    const at = now().toISOString();
    const people = PEOPLE.map(({ id, role }) => ({
      ...{ id, role, email: `${id}+"x"@example.com`, password_hash: '-', created_at: at, updated_at: at },
    }));
    await db.insertInto('users').values(people).execute();
  });
  afterEach(() => db.destroy());

  const running = (more: Partial<BackupRow> = {}) =>
    insertBackup(db, now(), { status: 'in_progress', outcome: null, claimed_by: 'me', ...more });
  const claim = ({ id }: BackupRow) => ({ runId: id, claimedBy: 'me' });
  const complete = (backup: BackupRow, bytes = 4711) =>
    settleCompleted(db, claim(backup), { bytes, seconds: 4, sha256: 'ab', versionId: null }, now());
  const fail = (backup: BackupRow, outcome: 'failed' | 'uncertain' | 'cancelled' = 'failed') =>
    settleFailed(
      db,
      claim(backup),
      { outcome, error: { step: 'dump', message: 'no <b> "way"', code: 'dump_failed' } },
      now(),
    );
  const tell = () => tellEvents(context);
  const told = async (userId: string) =>
    (await listNotifications(db, userId, {}, { limit: 100, offset: 0 }))
      .map(({ type_id: type }) => type)
      .sort();
  const all = () => db.selectFrom('notifications').selectAll().execute();

  it('is each event once for each of them, whoever tells it at the same time', async () => {
    const [bad, good] = [await running(), await running()];
    await fail(bad);
    await complete(good);
    expect(await hasNews(context)).toBe(true);
    await Promise.all([tell(), tell(), tell()]);
    await tell();
    expect(await hasNews(context)).toBe(false);
    for (const { id } of PEOPLE)
      expect(await told(id)).toEqual(['system.backup_failed', 'system.backup_success']);
    const [failed] = (await all()).filter(({ type_id: type }) => type === 'system.backup_failed');
    expect(failed).toMatchObject({
      message: 'Backup failed for database "app": no <b> "way"',
      severity: 'critical',
      database_id: bad.database_id,
      in_app_read_at: null,
    });
    expect(JSON.parse(failed?.data ?? '')).toMatchObject({ backupId: bad.id, step: 'dump' });
  });

  it('is of a size far from the usual, of a backup that ended so', async () => {
    const { database_id } = await running();
    await db.deleteFrom('runs').execute();
    await db.deleteFrom('backups').execute();
    for (let count = 0; count < 10; count += 1) {
      await complete(await running({ database_id }), 1000);
      minutes += 60;
    }
    await tell();
    expect(await told('ada')).not.toContain('backup.size_anomaly');
    await complete(await running({ database_id }), 400);
    await tell();
    for (const { id } of PEOPLE) {
      expect((await told(id)).filter((type) => type === 'backup.size_anomaly')).toHaveLength(1);
    }
    const [odd] = (await all()).filter(({ type_id: type }) => type === 'backup.size_anomaly');
    expect(odd?.message).toContain('60 % smaller than usual');
  });

  it('is nothing of one that somebody cancelled, and of an uncertain one nothing before it is known', async () => {
    await fail(await running(), 'cancelled');
    const backup = await running();
    await fail(backup, 'uncertain');
    expect(await hasNews(context)).toBe(false);
    await db.updateTable('runs').set({ claimed_by: 'me' }).where('id', '=', backup.id).execute();
    await fail(backup);
    await tell();
    expect(await told('vera')).toEqual(['system.backup_failed']);
  });

  it('is told whole after it was stopped in the middle of it, and once', async () => {
    await fail(await running());
    await refuseNotificationsOf(db, 'vera');
    await tell();
    expect(log.join('\n')).toContain('stopped here');
    expect([await hasNews(context), (await all()).length]).toEqual([true, 0]);
    await allowNotifications(db);
    await tell();
    await tell();
    expect((await all()).length).toBe(PEOPLE.length);
  });

  it('goes on with the next one after a stop between two', async () => {
    for (let count = 0; count < 3; count += 1) await fail(await running());
    const stopped = new AbortController();
    // The first that was told is the last.
    const stumbles = { ...createStumbles(), forget: () => stopped.abort() };
    await tellEvents(context, stopped.signal, stumbles);
    expect((await all()).length).toBe(PEOPLE.length);
    await tell();
    expect((await all()).length).toBe(3 * PEOPLE.length);
  });

  it('tells that a database has a good backup again, once, and not where it never failed', async () => {
    const backup = await running();
    await fail(backup);
    await tell();
    minutes = 5;
    const next = { ...backup, id: newId(), token: newId(), created_at: now().toISOString() };
    await db.insertInto('backups').values(next).execute();
    const run = { kind: 'backup', lane: `database:${backup.database_id}`, state: 'running' } as const;
    await db
      .insertInto('runs')
      .values({
        ...{ id: next.id, subject_id: next.id, ...run, created_at: next.created_at, claimed_by: 'me' },
        ...{ server_id: null, progress: 0, attempts: 1, in_repair: 0 },
      })
      .execute();
    await complete(next);
    await complete(await running());
    await tell();
    const types = (await told('vera')).filter((type) => type === 'backup.recovered');
    expect(types).toHaveLength(1);
    const [recovered] = (await all()).filter(({ type_id: type }) => type === 'backup.recovered');
    expect(recovered?.message).toContain('failed once since 2026-02-25 10:00 UTC');
  });

  it('is what each wants of it, where they want it, and nothing of a type that is off', async () => {
    const backup = await running();
    const { environment_id: environment } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', backup.database_id)
      .executeTakeFirstOrThrow();
    await changePreference(context, PEOPLE[1], 'system.backup_failed', { inAppEnabled: false });
    await changePreference(context, PEOPLE[2], 'system.backup_failed', { environmentIds: ['another'] });
    await changePreference(context, PEOPLE[0], 'system.backup_failed', { environmentIds: [environment] });
    await fail(backup);
    await tell();
    expect([await told('ada'), await told('olaf'), await told('vera')]).toEqual([
      ['system.backup_failed'],
      [],
      [],
    ]);
    await changeType(context, NOBODY, 'system.backup_success', { enabled: false });
    await complete(await running());
    await tell();
    expect(await told('ada')).toEqual(['system.backup_failed']);
    await expect(changePreference(context, PEOPLE[2], 'system.channel_failed', {})).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('goes past an event that nobody can read, and says so in the log', async () => {
    const row = {
      id: 'a',
      type: 'backup.failed',
      data: '{"databaseName":',
      created_at: '2026-01-01T00:00:00.000Z',
    };
    await db
      .insertInto('events')
      .values([row, { ...row, id: 'b', data: '{}' }, { ...row, id: 'c', type: 'of.tomorrow', data: '{}' }])
      .execute();
    await fail(await running());
    await tell();
    expect(await told('ada')).toEqual(['system.backup_failed']);
    expect(log.join('\n')).toContain('an event can’t be read');
  });

  it('is put aside after some tries where it can’t be told, and told of in the log; others are told meanwhile', async () => {
    await fail(await running());
    await refuseNotificationsOf(db, 'vera');
    const teller = createTeller(context);
    for (const minute of [0, 0, 1, 3, 6]) {
      minutes = minute;
      await teller();
    }
    expect([await hasNews(context), log.filter((line) => line.includes('can’t be told yet')).length]).toEqual(
      [true, 4],
    );
    await allowNotifications(db);
    await complete(await running());
    await teller();
    expect(await told('ada')).toEqual(['system.backup_success']);
    await refuseNotificationsOf(db, 'vera');
    for (const minute of [10, 20, 60]) {
      minutes = minute;
      await teller();
      expect(await hasNews(context)).toBe(true);
    }
    minutes = 200;
    await teller();
    expect([await hasNews(context), log.join('').includes('put aside untold')]).toEqual([false, true]);
  });

  it('is told though a setting of its type or of a user is damaged', async () => {
    await changeType(context, NOBODY, 'system.backup_failed', { bounceThreshold: 2 });
    await changePreference(context, PEOPLE[2], 'system.backup_failed', { environmentIds: ['another'] });
    await db.updateTable('notification_types').set({ default_channels: '["pigeon"]' }).execute();
    await db.updateTable('notification_preferences').set({ environment_ids: '{' }).execute();
    await fail(await running());
    await tell();
    for (const { id } of PEOPLE) expect(await told(id)).toEqual(['system.backup_failed']);
  });

  it('is kept of what went well no further back than a thousand, of trouble for its time', async () => {
    await fail(await running());
    await tell();
    const at = (index: number) => new Date(BEGIN + index * 1000).toISOString();
    const good = Array.from({ length: 1100 }, (_, index) => ({
      ...{ id: `good ${index}`, event_id: `e${index}`, type_id: 'system.backup_success', user_id: 'ada' },
      ...({ severity: 'info', title: 't', message: 'm', data: '{}', created_at: at(index) } as const),
    }));
    for (let from = 0; from < good.length; from += 500) {
      await db
        .insertInto('notifications')
        .values(good.slice(from, from + 500))
        .execute();
    }
    minutes = 60;
    await forgetOldNews(context);
    expect(await countNotifications(db, 'ada', {})).toBe(1001);
    const oldest = await db
      .selectFrom('notifications')
      .select('id')
      .where('type_id', '=', 'system.backup_success')
      .orderBy('created_at')
      .limit(1)
      .execute();
    expect(oldest).toEqual([{ id: 'good 100' }]);
  });

  it('lasts no longer than the way out, or the user, that it is about', async () => {
    const of = (id: string, databaseId: string | null = null) => ({
      ...{ id: `system.channel_failed:${id}`, type_id: 'system.channel_failed', database_id: databaseId },
      ...({ is_open: 1, since: now().toISOString(), count: 1, event_id: 'x' } as const),
    });
    await db
      .insertInto('notification_spells')
      .values([of('ada'), of('email'), of('a channel that is gone')])
      .execute();
    await forgetOldNews(context);
    const left = await db.selectFrom('notification_spells').select('id').orderBy('id').execute();
    expect(left.map(({ id }) => id)).toEqual(['system.channel_failed:ada', 'system.channel_failed:email']);
  });

  it('is forgotten after its time; an event only once it was told', async () => {
    await fail(await running());
    await tell();
    await write(db, (trx) =>
      recordEvent(
        trx,
        {
          ...{ type: 'drill.succeeded', databaseId: 'd', environmentId: 'e' },
          data: { databaseName: 'x', backupId: 'b', restoreMs: 1, bytes: 1 },
        },
        now(),
      ),
    );
    minutes = 31 * 24 * 60;
    await forgetOldNews(context);
    expect(await countNotifications(db, 'ada', {})).toBe(0);
    const left = () => db.selectFrom('events').select('type').orderBy('type').execute();
    // What lasts may have to be told again.
    expect(await left()).toEqual([{ type: 'backup.failed' }, { type: 'drill.succeeded' }]);
    await db.updateTable('notification_spells').set({ is_open: 0 }).execute();
    await forgetOldNews(context);
    expect(await left()).toEqual([{ type: 'drill.succeeded' }]);
  });
});

/** As if whoever writes them was killed at that user's. */
async function refuseNotificationsOf(db: Db, userId: string): Promise<void> {
  if (!isPostgres(db)) {
    await sql`create trigger stopped before insert on notifications when new.user_id = ${sql.lit(userId)}
      begin select raise(abort, 'stopped here'); end`.execute(db);
    return;
  }
  await sql`create or replace function stopped() returns trigger language plpgsql as $$
    begin if new.user_id = ${sql.lit(userId)} then raise exception 'stopped here'; end if; return new; end $$`.execute(
    db,
  );
  await sql`create trigger stopped before insert on notifications for each row execute function stopped()`.execute(
    db,
  );
}

async function allowNotifications(db: Db): Promise<void> {
  await (isPostgres(db) ? sql`drop trigger stopped on notifications` : sql`drop trigger stopped`).execute(db);
}
