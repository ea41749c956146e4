import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { write } from '../../../src/db/write.ts';
import { recordEvent } from '../../../src/events/events.ts';
import { deliverDue } from '../../../src/notifications/deliver-due.ts';
import { listDue } from '../../../src/notifications/deliveries.ts';
import { tellEvents } from '../../../src/notifications/tell.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { type PingServer, startPingServer } from '../../support/ping-server.ts';

const never = new AbortController().signal;
const BEGIN = Date.parse('2026-02-25T10:00:00.000Z');
const NAME = 'shop "ü" <script> 😀';

let app: TestApp;
let server: PingServer;
let environmentId: string;
let otherId: string;
let seconds = 0;
/** Of what came, in its order. */
let headers: IncomingHttpHeaders[];
let status: number;

beforeAll(async () => {
  [app, server] = [await openTestApp(), await startPingServer()];
  const made = async (name: string) =>
    (await app.call('POST', '/api/environments', { body: { name } })).body.environment.id;
  [environmentId, otherId] = [await made('Prod "1" <b>'), await made('other')];
  await app.call('PUT', '/api/settings/system', { body: { privateHosts: '127.0.0.1' } });
  server.answer((request, response) => {
    headers.push(request.headers);
    response.writeHead(status, { location: 'http://169.254.169.254/' }).end('<html>');
  });
});
afterAll(async () => {
  await app.close();
  await server.close();
});
beforeEach(async () => {
  [headers, status] = [[], 200];
  server.pings.splice(0);
  seconds += 3600;
  app.setNow(new Date(BEGIN + seconds * 1000));
  await app.services.db.deleteFrom('webhook_subscriptions').execute();
  await app.services.db.deleteFrom('deliveries').execute();
});

const path = (id = environmentId) => `/api/environments/${id}/webhooks`;
const subscribe = (body: object, token?: string) =>
  app.call('POST', path(), {
    body: { url: `${server.url}/hook?token=x`, events: ['backup.completed', 'backup.failed'], ...body },
    ...(token === undefined ? {} : { token }),
  });
const later = (more: number) => {
  seconds += more;
  app.setNow(new Date(BEGIN + seconds * 1000));
};
const send = () => deliverDue(app.services, 'webhook', never);

async function happens(
  type: 'backup.completed' | 'backup.failed',
  environment = environmentId,
): Promise<void> {
  const of = { databaseId: 'd', environmentId: environment };
  const id = { databaseName: NAME, backupId: 'b' };
  const { db, now } = app.services;
  await write(db, async (trx) => {
    if (type === 'backup.failed') {
      await recordEvent(trx, { type, ...of, data: { ...id, step: 'dump', error: 'no' } }, now());
    } else await recordEvent(trx, { type, ...of, data: { ...id, bytes: 1, sizeChange: null } }, now());
  });
  await tellEvents(app.services);
}

describe('a webhook of an environment', () => {
  it('is told of its backups, in the contract’s words, signed in both ways', async () => {
    const secret = `whsec_${Buffer.from('a key of thirty-two bytes, nearly').toString('base64')}`;
    const made = await subscribe({ secret });
    expect(made.status).toBe(201);
    expect(made.body).toEqual({
      subscription: {
        ...{ id: expect.any(String), environmentId, hasSecret: true, enabled: true, isReadable: true },
        ...{ url: `${server.url}/hook?token=x`, events: ['backup.completed', 'backup.failed'] },
        ...{ createdAt: expect.any(String), updatedAt: expect.any(String) },
      },
    });
    await happens('backup.failed');
    await send();
    const [ping] = server.pings;
    const [head = {}] = headers;
    expect([ping?.method, ping?.path, head['content-type']]).toEqual([
      'POST',
      '/hook?token=x',
      'application/json',
    ]);
    const body = ping?.body ?? '';
    expect(JSON.parse(body)).toEqual({
      ...{ event: 'backup.failed', environmentId, timestamp: app.services.now().toISOString() },
      data: {
        ...{
          backupId: 'b',
          databaseId: 'd',
          databaseName: NAME,
          success: false,
          status: 'failed',
          error: 'no',
        },
      },
    });
    const [{ id }] = (await app.call('GET', `${path()}/${made.body.subscription.id}/deliveries`)).body
      .deliveries;
    expect(head['x-bridgeport-event']).toBe('backup.failed');
    expect([head['x-bridgeport-delivery'], head['webhook-id']]).toEqual([id, id]);
    expect(head['x-bridgeport-signature']).toBe(
      `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    );
    const signed = `${id}.${Math.floor(app.services.now().getTime() / 1000)}.${body}`;
    const key = Buffer.from(secret.slice(6), 'base64');
    expect(head['webhook-signature']).toBe(`v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  });

  it('is told once of each, and only of what it wants', async () => {
    const all = [
      ...['deployment.completed', 'deployment.failed', 'plan.completed', 'plan.failed', 'plan.rolled_back'],
      ...['backup.completed', 'sync.completed'],
    ];
    expect((await subscribe({ events: all })).body.subscription.events).toEqual(all);
    expect((await subscribe({ events: ['backup.deleted'] })).status).toBe(400);
    expect((await subscribe({ events: [] })).status).toBe(400);
    await subscribe({ enabled: false });
    await happens('backup.failed');
    await happens('backup.completed');
    await Promise.all([send(), send(), send()]);
    expect(server.pings.map(({ body }) => JSON.parse(body).data.status)).toEqual(['completed']);
    expect(headers[0]?.['x-bridgeport-signature']).toBeUndefined();
  });

  it('that fails is tried five times, with the same body and id, and then listed as failed; a redirect leads nowhere', async () => {
    const { body } = await subscribe({});
    status = 302;
    await happens('backup.completed');
    const times: number[] = [];
    for (let second = 0; second < 200; second += 5) {
      const before = server.pings.length;
      await send();
      if (server.pings.length > before) times.push(second);
      later(5);
    }
    expect(times).toEqual([0, 5, 15, 35, 75]);
    expect(new Set(server.pings.map(({ body: sent }) => sent)).size).toBe(1);
    expect(new Set(headers.map((head) => head['webhook-id'])).size).toBe(1);
    const listed = await app.call('GET', `${path()}/${body.subscription.id}/deliveries`);
    expect(listed.body).toMatchObject({ total: 1, limit: 25, offset: 0 });
    expect(listed.body.deliveries).toEqual([
      {
        ...{ id: expect.any(String), event: 'backup.completed', status: 'failed', attempts: 5 },
        ...{ nextAttemptAt: null, responseStatus: 302, deliveredAt: null, createdAt: expect.any(String) },
        lastError: expect.stringContaining('answered 302, which leads elsewhere'),
      },
    ]);
  });

  it('may be tried, with something that tells of no backup', async () => {
    const { body } = await subscribe({ generateSecret: true });
    expect(body.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const one = `${path()}/${body.subscription.id}`;
    expect(JSON.stringify((await app.call('GET', one)).body)).not.toContain('whsec_');
    expect((await app.call('POST', `${one}/test`)).body).toEqual({ success: true, responseStatus: 200 });
    expect(JSON.parse(server.pings[0]?.body ?? '')).toMatchObject({ event: 'test', environmentId });
    status = 500;
    expect((await app.call('POST', `${one}/test`)).body).toMatchObject({
      success: false,
      responseStatus: 500,
    });
  });

  it('leads to no private, loopback, link-local or metadata address, however it is spelled, nor elsewhere than http', async () => {
    await app.call('PUT', '/api/settings/system', { body: { privateHosts: '' } });
    const bad = [
      ...['http://10.0.0.1/', 'http://127.0.0.1/', 'http://[::1]/', 'http://169.254.169.254/latest'],
      ...['http://0x7f.1/', 'http://2130706433/', 'http://017700000001/', 'http://[::ffff:10.0.0.1]/'],
      ...['http://localhost/', 'https://a.localhost./', 'http://[64:ff9b::7f00:1]/', 'http://0/'],
      ...[
        'ftp://example.com/',
        'file:///etc/passwd',
        'javascript:alert(1)',
        'x',
        'https://me:pw@example.com/',
      ],
    ];
    for (const url of bad) {
      const { status: answered, body } = await subscribe({ url });
      expect([url, answered, body.details?.[0]?.path]).toEqual([url, 400, ['url']]);
    }
    // What was allowed once is not sent to any more.
    await app.call('PUT', '/api/settings/system', { body: { privateHosts: '127.0.0.1' } });
    const { body } = await subscribe({});
    await happens('backup.completed');
    await app.call('PUT', '/api/settings/system', { body: { privateHosts: '' } });
    await send();
    expect(server.pings).toEqual([]);
    const listed = await app.call('GET', `${path()}/${body.subscription.id}/deliveries`);
    expect(listed.body.deliveries[0]).toMatchObject({ status: 'failed', attempts: 1 });
    await app.call('PUT', '/api/settings/system', { body: { privateHosts: '127.0.0.1' } });
  });

  it('is its environment’s, and changed by operators', async () => {
    const { body } = await subscribe({}, app.tokens.operator);
    const { id } = body.subscription;
    expect((await subscribe({}, app.tokens.viewer)).status).toBe(403);
    expect((await app.call('GET', path(), { token: app.tokens.viewer })).body.subscriptions).toHaveLength(1);
    for (const [method, suffix] of [
      ...([
        ['GET', ''],
        ['GET', '/deliveries'],
        ['POST', '/test'],
        ['DELETE', ''],
      ] as const),
    ]) {
      const across = await app.call(method, `${path(otherId)}/${id}${suffix}`);
      expect([method, suffix, across.status, across.body.message]).toEqual([
        ...[method, suffix, 404, 'Webhook subscription not found'],
      ]);
    }
    expect((await app.call('GET', path('nowhere'))).status).toBe(404);
    for (const bad of [{ events: [] }, { events: ['x'] }, { secret: '' }, { url: 5 }, { enabled: 'yes' }]) {
      expect([bad, (await subscribe(bad)).status]).toEqual([bad, 400]);
    }
    await happens('backup.completed');
    expect((await app.call('DELETE', `${path()}/${id}`)).body).toEqual({ success: true });
    await send();
    expect(server.pings).toEqual([]);
  });

  it('that can’t be read takes no other from the list, and can be removed', async () => {
    const [kept, lost] = [await subscribe({}), await subscribe({})];
    const { id } = lost.body.subscription;
    await app.services.db
      .updateTable('webhook_subscriptions')
      .set({ url: 'v1.other.key.x', events: '{' })
      .where('id', '=', id)
      .execute();
    const { status: answered, body } = await app.call('GET', path());
    expect([answered, body.subscriptions.length]).toEqual([200, 2]);
    expect(body.subscriptions.find((one: { id: string }) => one.id === id)).toMatchObject({
      ...{ url: '', isReadable: false, events: [] },
    });
    await happens('backup.failed');
    await send();
    expect(server.pings).toHaveLength(1);
    expect((await app.call('DELETE', `${path()}/${id}`)).status).toBe(200);
    const left = (await app.call('GET', path())).body.subscriptions;
    expect(left.map((one: { id: string }) => one.id)).toEqual([kept.body.subscription.id]);
  });

  it('whose host is dead is asked once in a round, and keeps those of other environments not waiting', async () => {
    const asked: string[] = [];
    const dead = async (message: { readonly url: string }) => {
      const { hostname } = new URL(message.url);
      asked.push(hostname);
      return hostname === 'localhost'
        ? { failure: { reason: 'It is away.', mayPass: true } }
        : { answer: { status: 200, text: '' } };
    };
    const { port } = new URL(server.url);
    for (let count = 0; count < 10; count += 1) {
      await subscribe({ url: `http://localhost:${port}/${count}` });
    }
    await app.call('POST', path(otherId), { body: { url: `${server.url}/x`, events: ['backup.failed'] } });
    await happens('backup.failed');
    await happens('backup.failed', otherId);
    await deliverDue({ ...app.services, channel: { send: dead } }, 'webhook', never);
    expect(asked.filter((host) => host === 'localhost').length).toBeLessThanOrEqual(2);
    expect(asked.indexOf('127.0.0.1')).toBeGreaterThanOrEqual(0);
    // What is new comes before what has failed.
    asked.splice(0);
    later(60);
    await happens('backup.failed', otherId);
    const first = await app.services.db
      .selectFrom('deliveries')
      .select('id')
      .where('attempts', '=', 0)
      .where('target_id', 'in', (eb) =>
        eb.selectFrom('webhook_subscriptions').select('id').where('environment_id', '=', otherId),
      )
      .executeTakeFirstOrThrow();
    const due = await listDue(app.services.db, 'webhook', app.services.now());
    expect(due.indexOf(first.id)).toBeLessThan(10);
  });
});
