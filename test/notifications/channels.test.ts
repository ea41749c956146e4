import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { recordEvent } from '../../src/events/events.ts';
import {
  channelInput,
  createChannelOf,
  listChannels,
  removeChannel,
} from '../../src/notifications/channels.ts';
import { deliverDue } from '../../src/notifications/deliver-due.ts';
import { listDeliveries } from '../../src/notifications/delivery-log.ts';
import type { DeliverContext } from '../../src/notifications/send.ts';
import { tellEvents } from '../../src/notifications/tell.ts';
import { type PingServer, startPingServer } from '../support/ping-server.ts';
import { dropStates, openState, STATES } from '../support/states.ts';
import { openDeliverContext } from './deliver-context.ts';

const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
const NOBODY = { userId: null, address: null };
const never = new AbortController().signal;
const allowed = async () => ['127.0.0.1'];

afterAll(dropStates);

describe.each(STATES)('channels, on %s', (state) => {
  let db: Db;
  let server: PingServer;
  let seconds: number;
  let context: DeliverContext;
  /** What a path answers instead of 200. */
  let answers: Map<string, (response: ServerResponse) => void>;
  const now = () => new Date(BEGIN + seconds * 1000);

  beforeEach(async () => {
    db = await openState(state);
    server = await startPingServer();
    [seconds, answers] = [0, new Map()];
    server.answer((_, response, { path }) => {
      const answer = answers.get(path);
      if (answer === undefined) response.end('ok');
      else answer(response);
    });
    context = await openDeliverContext(db, now);
  });
  afterEach(async () => {
    await server.close();
    await db.destroy();
  });

  async function channel(name: string, more: object = {}) {
    const input = channelInput.parse({ kind: 'slack', name, url: `${server.url}/${name}`, ...more });
    const made = await createChannelOf(context, NOBODY, input, never);
    server.pings.splice(0);
    return made;
  }
  const happens = (type: 'backup.failed' | 'backup.completed', environmentId = 'e', databaseName = 'shop') =>
    write(db, async (trx) => {
      seconds += 0.001;
      const of = { databaseId: databaseName, environmentId };
      const id = { databaseName, backupId: 'b' };
      if (type === 'backup.failed') {
        await recordEvent(trx, { type, ...of, data: { ...id, step: 'dump', error: 'no' } }, now());
      } else await recordEvent(trx, { type, ...of, data: { ...id, bytes: 1, sizeChange: null } }, now());
    });
  const work = async (after = 15) => {
    await tellEvents(context);
    seconds += after;
    await deliverDue(context, 'channel', never);
  };
  const told = () => server.pings.map(({ path, body }) => `${path} ${JSON.parse(body).text.split('\n')[0]}`);

  it('are told what is as bad as they want, of the environment that they want, and always that it is over', async () => {
    const at = now().toISOString();
    await db
      .insertInto('environments')
      .values({ id: 'prod', name: 'prod', created_at: at, updated_at: at } as never)
      .execute();
    await channel('all');
    await channel('prod', { environmentId: 'prod', leastSeverity: 'critical' });
    await happens('backup.failed', 'other', 'a');
    await work();
    expect(told()).toEqual(['/all *🔴 Backup failed: a*']);
    await happens('backup.failed', 'prod', 'b');
    await work();
    await happens('backup.completed', 'prod', 'b');
    await work();
    expect(told().slice(1).sort()).toEqual([
      ...['/all *ℹ️ Backups are back: b*', '/all *🔴 Backup failed: b*'],
      ...['/prod *ℹ️ Backups are back: b*', '/prod *🔴 Backup failed: b*'],
    ]);
  });

  it('that fail are told by another one, once, and not by themselves', async () => {
    await channel('bad');
    await channel('good');
    const refusing = (response: ServerResponse) => void response.writeHead(404).end('<html>');
    answers.set('/bad', refusing);
    await happens('backup.failed');
    // As often as it takes, since a proxy says so too while the service is away.
    for (const pause of [15, 30, 60]) await work(pause);
    await work();
    await happens('backup.failed', 'e', 'second');
    await work();
    await work();
    const ofChannel = told().filter((line) => line.includes('don’t arrive'));
    expect(ofChannel).toEqual(['/good *⚠️ Notifications don’t arrive: the channel “bad”*']);
    const [bad, good] = await listChannels(db);
    expect([bad?.failingSince === null, bad?.lastError, good?.failingSince]).toEqual([
      ...[false, expect.stringContaining('answered 404'), null],
    ]);
    answers.clear();
    await happens('backup.failed', 'e', 'third');
    await work();
    expect((await listChannels(db)).map(({ failingSince }) => failingSince)).toEqual([null, null]);
  });

  it('that are slow, reset, answer garbage or lead elsewhere keep no other waiting, and end delivered or listed', async () => {
    const ways: Readonly<Record<string, (response: ServerResponse) => void>> = {
      slow: () => undefined,
      reset: (response) => void response.socket?.resetAndDestroy(),
      garbage: (response) => void response.socket?.end('nonsense\r\n\r\n'),
      elsewhere: (response) => void response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    };
    for (const name of [...Object.keys(ways), 'well']) await channel(name);
    // Who never answers is given little time; all others as much as they are in production.
    const [usual, brief] = [context.channel, createChannel({ allowed, timeoutMs: 200 })];
    const send: typeof usual.send = (message, signal) =>
      (message.url.endsWith('/slow') && answers.has('/slow') ? brief : usual).send(message, signal);
    context = { ...context, channel: { send } };
    for (const [name, answer] of Object.entries(ways)) answers.set(`/${name}`, answer);
    await happens('backup.failed');
    await work();
    const log = await listDeliveries(db, null, { limit: 10, offset: 0 });
    const by = Object.fromEntries(log.map(({ recipient, status }) => [recipient, status]));
    expect(by).toEqual({
      well: 'delivered',
      elsewhere: 'failed',
      slow: 'pending',
      reset: 'pending',
      garbage: 'pending',
    });
    answers.clear();
    seconds += 60;
    await deliverDue(context, 'channel', never);
    const after = await listDeliveries(db, null, { limit: 20, offset: 0 });
    const ofBackup = after.filter(({ event }) => event === 'system.backup_failed');
    expect(ofBackup.filter(({ status }) => status === 'delivered')).toHaveLength(4);
  });

  it('are kept once they took a test message, and take nothing with them when they go', async () => {
    answers.set('/bad', (response) => void response.writeHead(403).end('secret words'));
    const refused = channel('bad');
    await expect(refused).rejects.toMatchObject({ code: 'invalid' });
    expect(await listChannels(db)).toEqual([]);
    const kept = await channel('bad', { saveAnyway: true });
    expect(kept).toMatchObject({
      host: `127.0.0.1:${server.port}`,
      lastError: expect.stringContaining('403'),
    });
    expect(JSON.stringify(await listChannels(db))).not.toContain('/bad');
    await expect(channel('x', { url: 'http://10.0.0.1/x' })).rejects.toMatchObject({ code: 'invalid' });
    await expect(channel('x', { environmentId: 'none' })).rejects.toMatchObject({ code: 'not_found' });
    await happens('backup.failed');
    await tellEvents(context);
    await removeChannel(context, NOBODY, kept.id);
    expect(await listDeliveries(db, null, { limit: 10, offset: 0 })).toEqual([]);
    await expect(removeChannel(context, NOBODY, kept.id)).rejects.toMatchObject({ code: 'not_found' });
  });
});
