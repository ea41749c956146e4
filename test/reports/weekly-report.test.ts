import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { deliverDue } from '../../src/notifications/deliver-due.ts';
import { listNotifications } from '../../src/notifications/inbox.ts';
import { mailReportTo } from '../../src/notifications/mail-report.ts';
import { changePreference } from '../../src/notifications/preferences.ts';
import type { DeliverContext } from '../../src/notifications/send.ts';
import { saveSmtp } from '../../src/notifications/smtp-settings.ts';
import { tellEvents } from '../../src/notifications/tell.ts';
import { proofsSince } from '../../src/reports/proofs.ts';
import { hasWeeklyReport, lastReport, tellWeeklyReport } from '../../src/reports/send-weekly.ts';
import { makeWeeklyReport } from '../../src/reports/weekly-report.ts';
import { newRule } from '../../src/schedules/fields.ts';
import { createRule } from '../../src/schedules/rules.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import { openDeliverContext } from '../notifications/deliver-context.ts';
import { insertBackup } from '../support/backup-row.ts';
import { headerOf, type MailTestServer, startMailServer, textIn } from '../support/mail-server.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const NOBODY = { userId: null, address: null };
const never = new AbortController().signal;
const ODD = 'shop "ü" + 😀 <script>';
const MIB = 2 ** 20;

afterAll(dropStates);

describe.each(STATES)('the weekly report, on %s', (state) => {
  let db: Db;
  let at: string;
  let context: DeliverContext;
  const now = () => new Date(at);

  beforeEach(async () => {
    db = await openState(state);
    at = '2026-02-25T10:00:00.000Z';
    context = await openDeliverContext(db, now);
    await write(db, (trx) => saveSettings(trx, { timezone: 'Europe/Berlin' }, now()));
    const people = (['admin', 'viewer'] as const).map((role) => ({
      ...{ id: role, role, email: `${role}@example.com`, password_hash: '-', created_at: at, updated_at: at },
    }));
    await db.insertInto('users').values(people).execute();
  });
  afterEach(() => db.destroy());

  const reports = async () => {
    const rows = await db.selectFrom('events').select(['data']).orderBy('created_at').execute();
    return rows.map(({ data }) => JSON.parse(data));
  };

  it('is told from the next Monday at eight on, once, whoever does it and whatever was down', async () => {
    expect(await hasWeeklyReport(context)).toBe(true);
    await Promise.all([tellWeeklyReport(context), tellWeeklyReport(context)]);
    expect([await hasWeeklyReport(context), await reports()]).toEqual([false, []]);
    at = '2026-03-02T06:59:59.999Z';
    expect(await hasWeeklyReport(context)).toBe(false);
    at = '2026-03-02T07:00:00.000Z';
    expect(await hasWeeklyReport(context)).toBe(true);
    await Promise.all([1, 2, 3].map(() => tellWeeklyReport(context)));
    expect((await reports()).map(({ week }) => week)).toEqual(['2026-03-02']);
    // Two weeks without the app: one report, of the last Monday.
    at = '2026-03-18T23:00:00.000Z';
    await tellWeeklyReport(context);
    await tellWeeklyReport(context);
    expect((await reports()).map(({ week }) => week)).toEqual(['2026-03-02', '2026-03-16']);
  });

  it('goes on after a clock that was a year ahead, and tells no week twice', async () => {
    await tellWeeklyReport(context);
    for (const instant of ['2026-03-02T12:00:00.000Z', '2027-06-08T12:00:00.000Z']) {
      at = instant;
      await tellWeeklyReport(context);
    }
    at = '2026-03-03T12:00:00.000Z';
    expect(await hasWeeklyReport(context)).toBe(true);
    await tellWeeklyReport(context);
    expect([await hasWeeklyReport(context), (await lastReport(db))?.week]).toEqual([false, '2026-03-02']);
    at = '2026-03-10T12:00:00.000Z';
    await tellWeeklyReport(context);
    expect((await reports()).map(({ week }) => week).sort()).toEqual([
      '2026-03-02',
      '2026-03-09',
      '2027-06-07',
    ]);
  });

  it('counts a drill that ended since, however long before that it had begun, and none that ended before or goes on', async () => {
    const { id: backup, database_id: database } = await insertBackup(db, now(), {
      ...{ status: 'completed', outcome: 'completed' },
    });
    const since = Date.parse(at);
    const hoursAgo = (hours: number) => new Date(since - hours * 3_600_000).toISOString();
    const drill = (
      id: string,
      outcome: 'proven' | 'failed' | null,
      created_at: string,
      ended_at: string | null,
    ) => ({
      ...{ id, database_id: database, backup_id: backup, outcome, created_at, ended_at },
    });
    await db
      .insertInto('drills')
      .values([
        drill('long', 'proven', hoursAgo(31), hoursAgo(-1)),
        drill('at once', 'failed', hoursAgo(2), at),
        drill('earlier', 'proven', hoursAgo(31), hoursAgo(0.001)),
        drill('goes on', null, hoursAgo(31), null),
      ])
      .execute();
    expect(await proofsSince(db, now())).toEqual({ verified: 0, damaged: 0, proven: 1, failed: 1 });
  });

  it('says what is protected, what is not and why, and what has grown', async () => {
    await tellWeeklyReport(context);
    const error = JSON.stringify({ message: 'no way <b>\nin', step: 'dump' });
    const failed = await insertBackup(db, now(), { status: 'failed', outcome: 'failed', error });
    const names = { name: ODD };
    await db.updateTable('databases').set(names).where('id', '=', failed.database_id).execute();
    const good = await insertBackup(db, now(), {
      ...({ status: 'completed', outcome: 'completed', verification: 'stored', started_at: at } as const),
      completed_at: at,
    });
    const of = { database_id: good.database_id, bucket: 'back-ups' };
    await db
      .insertInto('stored_totals')
      .values([
        { ...of, endpoint: 'https://fra1.example.com', backups: 3, bytes: 5 * MIB },
        { ...of, endpoint: 'host:local', bucket: '', backups: 1, bytes: MIB },
      ])
      .execute();
    const { environment_id: environment } = await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', good.database_id)
      .executeTakeFirstOrThrow();
    const day = { environment_id: environment, good: 2, failed: 1, added: 4 * MIB, freed: MIB };
    await db
      .insertInto('environment_days')
      .values([
        { ...day, day: '2026-02-24' },
        { ...day, day: '2026-02-17' },
      ])
      .execute();
    const before = { at, places: { 'back-ups at fra1.example.com': 2 * MIB } };
    const { report, places } = await makeWeeklyReport(context, before);
    expect(places).toEqual({ 'back-ups at fra1.example.com': 5 * MIB, 'files on this machine': MIB });
    expect(report.title).toBe('Weekly report: 1 of 2 databases is not safe');
    expect(report.summary).toBe('Since 2026-02-18 2 backups ended well and 1 failed; 6.0 MiB are stored.');
    const section = (title: string) => report.sections.find((one) => one.title === title);
    expect(section('Databases')?.lines).toEqual(['1 never backed up, 1 protected.']);
    const [row] = section('Not protected')?.table?.rows ?? [];
    expect(row?.cells.slice(1)).toEqual(['never backed up', 'never', 'no way <b>']);
    expect([row?.cells[0]?.startsWith(ODD), row?.path]).toEqual([true, `/databases/${failed.database_id}`]);
    const grown = section('Stored, by environment')?.table?.rows.map(({ cells }) => cells.slice(1));
    expect(grown).toContainEqual(['6.0 MiB', '+3.0 MiB']);
    expect(section('Stored, by place')?.table?.rows.map(({ cells }) => cells)).toEqual([
      ['back-ups at fra1.example.com', '5.0 MiB', '+3.0 MiB'],
      ['files on this machine', '1.0 MiB', '+1.0 MiB'],
    ]);
    expect(section('The next seven days')?.lines[0]).toContain('0 backups are to begin');
  });

  it('leaves out no hour between it and the one before', async () => {
    await tellWeeklyReport(context);
    await insertBackup(db, now(), { status: 'completed', outcome: 'completed' });
    const { id: of } = await db.selectFrom('environments').select('id').executeTakeFirstOrThrow();
    const evening = { environment_id: of, day: '2026-03-02', good: 0, failed: 1, added: 0, freed: 0 };
    at = '2026-03-02T08:00:00.000Z';
    await tellWeeklyReport(context);
    // What fails later on that Monday.
    await db.insertInto('environment_days').values(evening).execute();
    at = '2026-03-09T08:00:00.000Z';
    await tellWeeklyReport(context);
    // What failed before the app was down for longer than a week.
    await db
      .insertInto('environment_days')
      .values({ ...evening, day: '2026-03-10', failed: 2 })
      .execute();
    at = '2026-03-25T08:00:00.000Z';
    await tellWeeklyReport(context);
    const said = (await reports()).map(({ report }) => report.summary);
    expect(said).toEqual([
      'Since 2026-02-23 0 backups ended well and 0 failed; 0 B are stored.',
      'Since 2026-03-02 0 backups ended well and 1 failed; 0 B are stored.',
      'Since 2026-03-09 0 backups ended well and 2 failed; 0 B are stored.',
    ]);
  });

  it('counts all that begins in the next seven days, those of the next Monday too', async () => {
    await insertBackup(db, now(), { status: 'completed', outcome: 'completed' });
    at = '2026-03-02T08:00:00.000Z';
    const weekly = newRule.parse({ name: 'mondays', cronExpression: '0 2 * * MON' });
    await createRule(context, NOBODY, weekly);
    const { report } = await makeWeeklyReport(context, null);
    expect(report.sections.find(({ title }) => title === 'The next seven days')?.lines).toEqual([
      '1 backup is to begin by itself, of 1 database that has a schedule.',
    ]);
  });

  describe('by mail', () => {
    let server: MailTestServer;
    beforeEach(async () => {
      server = await startMailServer();
      const input = {
        host: '127.0.0.1',
        port: server.port,
        security: 'none',
        sender: 'app@example.com',
      } as const;
      await saveSmtp(context, NOBODY, input, 'admin@example.com', never);
      server.mails.splice(0);
    });
    afterEach(() => server.close());

    const work = async () => {
      await tellEvents(context);
      at = new Date(Date.parse(at) + 15_000).toISOString();
      await deliverDue(context, 'email', never);
      return server.mails.splice(0);
    };

    it('goes to admins and to whom asks for it, a mail of its own, and stands in the app', async () => {
      await tellWeeklyReport(context);
      at = '2026-03-02T08:00:00.000Z';
      const backup = await insertBackup(db, now(), { status: 'failed', outcome: 'failed' });
      await db.updateTable('databases').set({ name: ODD }).where('id', '=', backup.database_id).execute();
      await tellWeeklyReport(context);
      const mails = await work();
      expect(mails.map(({ to }) => to)).toEqual([['admin@example.com']]);
      expect(mails.map((mail) => headerOf(mail, 'subject'))).toEqual([
        'Weekly report: Your database is not safe',
      ]);
      const [, html = ''] = mails.map(textIn).join('').split('<!doctype html>');
      expect(html).toContain('shop &quot;ü&quot; + 😀 &lt;script&gt;');
      expect(html).not.toContain('<script>');
      const page = { limit: 9, offset: 0 };
      const [told] = await listNotifications(db, 'admin', {}, page);
      expect([told?.data, told?.email_sent_at !== null]).toEqual(['{"week":"2026-03-02"}', true]);
      expect(await listNotifications(db, 'viewer', {}, page)).toEqual([]);
      const viewer = { id: 'viewer', role: 'viewer' } as const;
      await changePreference(context, viewer, 'system.weekly_report', { emailEnabled: true });
      at = '2026-03-09T08:00:00.000Z';
      await tellWeeklyReport(context);
      expect((await work()).flatMap(({ to }) => to).sort()).toEqual([
        'admin@example.com',
        'viewer@example.com',
      ]);
      expect(await listNotifications(db, 'viewer', {}, page)).toEqual([]);
    });

    it('is sent to who asks for it now, once at a time', async () => {
      const { report } = await makeWeeklyReport(context, null);
      const viewer = { id: 'viewer', email: 'viewer@example.com' };
      expect(await mailReportTo(context, viewer, report)).toBe('queued');
      expect(await mailReportTo(context, viewer, report)).toBe('on-its-way');
      expect((await work()).map(({ to }) => to)).toEqual([['viewer@example.com']]);
      expect(await mailReportTo(context, viewer, report)).toBe('queued');
      await db.deleteFrom('smtp_settings').execute();
      expect(await mailReportTo(context, viewer, report)).toBe('no-server');
    });
  });
});
