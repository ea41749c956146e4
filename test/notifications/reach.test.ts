import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { type EventData, type EventType, recordEvent } from '../../src/events/events.ts';
import {
  channelInput,
  createChannelOf,
  removeChannel,
  tryChannel,
} from '../../src/notifications/channels.ts';
import { deliverDue } from '../../src/notifications/deliver-due.ts';
import { forgetOldNews } from '../../src/notifications/forget-old.ts';
import type { DeliverContext } from '../../src/notifications/send.ts';
import { tellEvents } from '../../src/notifications/tell.ts';
import { freeze, thaw } from '../../src/retention/freeze.ts';
import { insertBackup } from '../support/backup-row.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';
import { dropStates, openState, STATES } from '../support/states.ts';
import { openDeliverContext } from './deliver-context.ts';

const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
const NOBODY = { userId: null, address: null };
const never = new AbortController().signal;
const NAME = 'shop "ü" + 😀';
const FAILED = { databaseName: NAME, backupId: 'b', step: 'dump', error: 'no <b> way' };
const LOSS = { backupId: 'b', createdAt: '2026-02-25T09:00:00.000Z', bytes: 1, usualBytes: 1000 };
const MISSING = { databaseName: NAME, lastGoodAt: null, dueAt: '2026-02-25T09:00:00.000Z' };

afterAll(dropStates);

describe.each(STATES)('trouble that lasts, on %s', (state) => {
  let db: Db;
  let server: PingServer;
  let seconds: number;
  let status: number;
  let context: DeliverContext;
  const now = () => new Date(BEGIN + seconds * 1000);

  beforeEach(async () => {
    db = await openState(state);
    server = await startPingServer();
    [seconds, status] = [0, 200];
    server.answer((_, response) => void response.writeHead(status).end());
    context = await openDeliverContext(db, now);
  });
  afterEach(async () => {
    await server.close();
    await db.destroy();
  });

  async function add(name: string): Promise<string> {
    const url = `${server.url}/${name}`;
    const { id } = await createChannelOf(
      context,
      NOBODY,
      channelInput.parse({ kind: 'slack', name, url }),
      never,
    );
    server.pings.splice(0);
    return id;
  }
  const happens = <Type extends EventType>(type: Type, data: EventData[Type], databaseId = 'd') =>
    write(db, async (trx) => {
      seconds += 0.001;
      await recordEvent(trx, { type, databaseId, environmentId: 'e', data }, now());
    });
  const work = async (...pauses: readonly number[]) => {
    for (const pause of pauses) {
      await tellEvents(context);
      seconds += pause;
      await deliverDue(context, 'channel', never);
    }
  };
  /** What has arrived since it was asked last, by path. */
  const arrived = () =>
    status === 200 ? server.pings.splice(0).map(({ path, body }) => `${path} ${JSON.parse(body).text}`) : [];
  const failing = () => db.selectFrom('notification_channels').select('failing_since').executeTakeFirst();

  it('is told at its next event where what was sent of it has reached nobody', async () => {
    await add('only');
    status = 404;
    await happens('backup.failed', FAILED);
    await work(15, 30, 60, 120);
    const { status: became } = await db.selectFrom('deliveries').select('status').executeTakeFirstOrThrow();
    expect(became).toBe('failed');
    server.pings.splice(0);
    status = 200;
    await happens('backup.failed', FAILED);
    await work(15, 15);
    expect(arrived()).toEqual([expect.stringContaining(`/only *🔴 Backup failed: ${NAME}`)]);
    await happens('backup.failed', FAILED);
    await work(15, 15);
    expect(arrived()).toEqual([]);
  });

  it('is told again after an hour where it has one event alone, and not once it is over', async () => {
    await add('only');
    status = 503;
    await happens('backup.missing', MISSING);
    await work(15, ...Array.from({ length: 24 }, () => 30 * 60));
    const [{ attempts } = { attempts: 0 }] = await db.selectFrom('deliveries').select('attempts').execute();
    expect(attempts).toBe(24);
    server.pings.splice(0);
    status = 200;
    await work(3600, 15, 15);
    expect(arrived()).toEqual([expect.stringContaining('Backup missing')]);
    await work(3600, 3600, 15);
    expect(arrived()).toEqual([]);
  });

  it.each(['damaged', 'frozen'])(
    'is told again where a backup is damaged or pruning stands still, as long as it is so: %s',
    async (what) => {
      const backup = await insertBackup(db, now(), { status: 'completed', outcome: 'completed' });
      const { database_id: of } = backup;
      const mend = async (isBad: boolean) => {
        const values = { verification: isBad ? ('failed' as const) : ('full' as const) };
        await db.updateTable('backups').set(values).where('id', '=', backup.id).execute();
        if (isBad) await write(db, (trx) => freeze(trx, backup.database_id, LOSS, now()));
        else await write(db, (trx) => thaw(trx, backup.database_id, { through: null, userId: null }, now()));
      };
      const happened = () =>
        what === 'damaged'
          ? happens('backup.verification_failed', {
              databaseName: NAME,
              backupId: backup.id,
              says: 'cut off',
            })
          : happens('retention.frozen', { databaseName: NAME, reason: 'small', backupId: null }, of);
      await add('only');
      for (const lasts of [true, false]) {
        await mend(true);
        status = 404;
        await happened();
        await work(15, 30, 60, 120);
        status = 200;
        server.pings.splice(0);
        if (!lasts) await mend(false);
        await work(3600, 15, 15);
        expect(arrived()).toHaveLength(lasts ? 1 : 0);
        await work(3600, 15, 15);
        expect(arrived()).toEqual([]);
      }
      await forgetOldNews(context);
      const open = await db.selectFrom('notification_spells').select('id').where('is_open', '=', 1).execute();
      expect(open.filter(({ id }) => !id.startsWith('system.channel_failed'))).toEqual([]);
    },
  );

  it('is not told twice where another channel has heard of it', async () => {
    await add('dead');
    await add('good');
    server.answer((_, response, { path }) => void response.writeHead(path === '/dead' ? 404 : 200).end());
    for (let night = 0; night < 3; night += 1) {
      await happens('backup.failed', FAILED);
      await work(15, 30, 60, 120, 3600, 15, 15);
      seconds += 86_400;
    }
    const good = arrived().filter((line) => line.startsWith('/good') && line.includes('Backup failed'));
    expect(good).toHaveLength(1);
  });

  it('is told in one message to a channel that is added while it lasts, and counts as told from then on', async () => {
    await happens('backup.failed', FAILED);
    await happens('backup.missing', MISSING);
    await work(15);
    await add('new');
    await work(15, 15);
    const [summary = '', ...more] = arrived();
    expect([summary.includes('2 notifications'), summary.includes('Backup missing'), more]).toEqual([
      ...[true, true],
      [],
    ]);
    await happens('backup.failed', FAILED);
    await work(15, 15);
    expect(arrived()).toEqual([]);
    await add('second');
    await work(15, 15);
    expect(arrived()).toEqual([expect.stringMatching(/^\/second .*2 notifications/)]);
  });

  it('is told to a channel that was saved though its test failed, once it works', async () => {
    const missing = async (databaseId: string) => {
      await happens('backup.missing', MISSING, databaseId);
      await work(15);
    };
    const saved = async (name: string) => {
      status = 403;
      const url = `${server.url}/${name}`;
      const input = channelInput.parse({ kind: 'slack', name, url, saveAnyway: true });
      const { id } = await createChannelOf(context, NOBODY, input, never);
      status = 200;
      server.pings.splice(0);
      return id;
    };
    await missing('first');
    const tested = await saved('tested');
    expect((await tryChannel(context, tested, never)).isOk).toBe(true);
    server.pings.splice(0);
    await work(15, 15);
    expect(arrived()).toEqual([expect.stringMatching(/^\/tested .*Backup missing/)]);
    await removeChannel(context, NOBODY, tested);
    await saved('sent-to');
    await missing('second');
    await work(15, 15);
    expect(arrived().map((line) => /^\/sent-to .*Backup missing/.test(line))).toEqual([true, true]);
    await work(15, 15);
    expect(arrived()).toEqual([]);
  });

  it('of a channel that a test found mended is over, which is told, and so is its next outage', async () => {
    const id = await add('bad');
    await add('good');
    let isBad = true;
    server.answer(
      (_, response, { path }) => void response.writeHead(path === '/bad' && isBad ? 500 : 200).end(),
    );
    const outage = async () => {
      isBad = true;
      await happens('backup.failed', FAILED);
      await work(15, 30, 60, 15, 15);
      return arrived().filter((line) => line.startsWith('/good') && line.includes('don’t arrive')).length;
    };
    expect(await outage()).toBe(1);
    isBad = false;
    expect((await tryChannel(context, id, never)).isOk).toBe(true);
    expect((await failing())?.failing_since).toBeNull();
    const events = await db.selectFrom('events').select('type').where('type', 'like', 'channel.%').execute();
    expect(events.map(({ type }) => type).sort()).toEqual(['channel.failed', 'channel.recovered']);
    await happens('backup.completed', { databaseName: NAME, backupId: 'b', bytes: 1, sizeChange: null });
    await work(7200, 15);
    arrived();
    expect(await outage()).toBe(1);
    await removeChannel(context, NOBODY, id);
    const spells = await db
      .selectFrom('notification_spells')
      .select('id')
      .where('type_id', '=', 'system.channel_failed')
      .execute();
    expect(spells).toEqual([]);
  });
});
