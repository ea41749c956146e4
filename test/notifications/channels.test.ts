import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createChannel } from '../../src/channels/node/guarded-channel.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { recordEvent } from '../../src/events/events.ts';
import { changeChannelOf, channelChange } from '../../src/notifications/change-channel.ts';
import {
  channelInput,
  createChannelOf,
  listChannels,
  removeChannel,
  tryChannel,
} from '../../src/notifications/channels.ts';
import { deliverDue } from '../../src/notifications/deliver-due.ts';
import { listDeliveries } from '../../src/notifications/delivery-log.ts';
import type { DeliverContext } from '../../src/notifications/send.ts';
import { tellEvents } from '../../src/notifications/tell.ts';
import { resealAll } from '../../src/secrets/reseal.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import { createVault } from '../../src/secrets/vault.ts';
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
  /** Paths of what arrived with a signature. */
  let signed: string[];
  const now = () => new Date(BEGIN + seconds * 1000);

  beforeEach(async () => {
    db = await openState(state);
    server = await startPingServer();
    [seconds, answers] = [0, new Map()];
    signed = [];
    server.answer((request, response, { path }) => {
      if (request.headers['x-bridgeport-signature'] !== undefined) signed.push(path);
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

  it('of one environment are told nothing that is of the whole installation', async () => {
    const at = now().toISOString();
    await db
      .insertInto('environments')
      .values({ id: 'prod', name: 'prod', created_at: at, updated_at: at } as never)
      .execute();
    await channel('prod', { environmentId: 'prod', leastSeverity: 'info' });
    await channel('all');
    const ofNone = { databaseId: null, environmentId: null };
    const expiresAt = '2026-02-28T23:59:59.000Z';
    await write(db, async (trx) => {
      const certificate = { what: 'the authority of database "staging \u{1f600}"', advice: 'Renew it.' };
      const data = { ...certificate, expiresAt, isOver: false };
      await recordEvent(trx, { type: 'certificate.ending', ...ofNone, data }, now());
    });
    await work();
    expect(told()).toEqual([expect.stringMatching(/^\/all .*Certificate about to end/)]);
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

  it('are changed: renamed without a message, and with one where they lead elsewhere, whose refusal keeps what was', async () => {
    const made = await channel('old', { kind: 'webhook', secret: 'hush +ü' });
    const change = (input: object) =>
      changeChannelOf(context, NOBODY, made.id, channelChange.parse(input), never);
    expect(await change({ name: 'new "<b>"', leastSeverity: 'info' })).toMatchObject({
      ...{ name: 'new "<b>"', leastSeverity: 'info', hasSecret: true, host: made.host },
    });
    expect(server.pings).toEqual([]);
    answers.set('/dead', (response) => void response.writeHead(500).end());
    await expect(change({ url: `${server.url}/dead` })).rejects.toMatchObject({ code: 'invalid' });
    expect((await tryChannel(context, made.id, never)).isOk).toBe(true);
    expect(server.pings.map(({ path }) => path).at(-1)).toBe('/old');
    await change({ url: `${server.url}/new` });
    expect(signed.at(-1)).toBe('/new');
    const logged = await db.selectFrom('audit_logs').select(['action', 'details']).execute();
    expect(logged.filter(({ action }) => action === 'update')).toHaveLength(2);
    expect(JSON.stringify(logged)).not.toMatch(/hush|\/new/);
  });

  it('keep their secret from another host, and forget it where that is wanted', async () => {
    const other = await startPingServer();
    let isSigned = false;
    other.answer((request, response) => {
      isSigned ||= request.headers['x-bridgeport-signature'] !== undefined;
      response.end('ok');
    });
    try {
      const made = await channel('own', { kind: 'webhook', secret: 'hush' });
      const change = (input: object) =>
        changeChannelOf(context, NOBODY, made.id, channelChange.parse(input), never);
      await expect(change({ url: `${other.url}/x` })).rejects.toMatchObject({
        details: { issues: [{ path: ['secret'] }] },
      });
      await expect(change({ url: `${other.url}/x`, saveAnyway: true })).rejects.toMatchObject({
        code: 'invalid',
      });
      expect(other.pings).toEqual([]);
      expect(await change({ url: `${other.url}/x`, forgetSecret: true })).toMatchObject({ hasSecret: false });
      expect([other.pings.length, isSigned]).toEqual([1, false]);
      await change({ url: `${server.url}/own`, secret: 'another' });
      expect(signed.filter((path) => path === '/own')).toHaveLength(2);
      await expect(change({ environmentId: 'none' })).rejects.toMatchObject({ code: 'not_found' });
      await expect(change({ url: 'http://169.254.169.254/' })).rejects.toMatchObject({ code: 'invalid' });
    } finally {
      await other.close();
    }
  });

  it('keep their secret from the same host in clear text', async () => {
    // The server speaks no TLS: the channel is kept though its test message was not taken.
    const url = `https://127.0.0.1:${server.port}/own`;
    const made = await channel('own', { kind: 'webhook', secret: 'hush', url, saveAnyway: true });
    const change = (input: object) =>
      changeChannelOf(context, NOBODY, made.id, channelChange.parse(input), never);
    await expect(change({ url: `${server.url}/own`, saveAnyway: true })).rejects.toMatchObject({
      details: { issues: [{ path: ['secret'] }] },
    });
    expect(server.pings).toEqual([]);
    expect(await change({ url: `${server.url}/own`, secret: 'hush' })).toMatchObject({ hasSecret: true });
    expect(signed).toEqual(['/own']);
  });

  it('stay sealed by the master key that has come while a change was tried', async () => {
    const made = await channel('old', { kind: 'webhook', secret: 'hush' });
    const key = (byte: number) => new Uint8Array(32).fill(byte);
    const vault = await createVault(key(6), [key(5)]);
    const change = (input: object) =>
      changeChannelOf({ ...context, vault }, NOBODY, made.id, channelChange.parse(input), never);
    const row = () => db.selectFrom('notification_channels').selectAll().executeTakeFirstOrThrow();
    answers.set('/new', (response) => void resealAll(db, vault).then(() => response.end('ok')));
    await change({ url: `${server.url}/new`, name: 'new "ü"' });
    const { name, url, secret } = await row();
    expect([name, vault.isPresent(url), vault.isPresent(secret ?? '')]).toEqual(['new "ü"', true, true]);
    const onlyNew = { ...context, vault: await createVault(key(6)) };
    expect([(await tryChannel(onlyNew, made.id, never)).isOk, signed.at(-1)]).toEqual([true, '/new']);
    const another = await vault.seal(`${server.url}/another`, SEALED.channelUrl.identity(made.id));
    const replace = () => db.updateTable('notification_channels').set({ url: another }).execute();
    answers.set('/third', (response) => void replace().then(() => response.end('ok')));
    await expect(change({ url: `${server.url}/third` })).rejects.toMatchObject({ code: 'conflict' });
    expect((await row()).url).toBe(another);
  });

  it('are changed by one of two at once, and of one that is gone by nobody', async () => {
    const made = await channel('both');
    const change = (name: string) =>
      changeChannelOf(
        context,
        NOBODY,
        made.id,
        channelChange.parse({ name, url: `${server.url}/${name}` }),
        never,
      );
    let arrived = 0;
    const both: ServerResponse[] = [];
    // Each has read the channel when its test message arrives.
    for (const name of ['one', 'two']) {
      answers.set(`/${name}`, (response) => {
        both.push(response);
        arrived += 1;
        if (arrived === 2) for (const waiting of both) waiting.end('ok');
      });
    }
    const became = await Promise.allSettled([change('one'), change('two')]);
    expect(became.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const [lost] = became.filter(({ status }) => status === 'rejected');
    expect(lost).toMatchObject({ reason: { code: 'conflict' } });
    await removeChannel(context, NOBODY, made.id);
    await expect(change('three')).rejects.toMatchObject({ code: 'not_found' });
  });
});
