import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { type PingServer, startPingServer } from '../../support/ping-server.ts';

let app: TestApp;
let server: PingServer;
let databaseId: string;
beforeEach(async () => {
  [app, server] = [await openTestApp(), await startPingServer()];
  const { environment } = (await app.call('POST', '/api/environments', { body: { name: 'prod "ü"' } })).body;
  const body = { name: 'shop <b> 😀', type: 'postgres', username: 'me', password: 'a password' };
  const made = await app.call('POST', `/api/environments/${environment.id}/databases`, { body });
  databaseId = made.body.database.id;
});
afterEach(async () => {
  await server.close();
  await app.close();
});

const path = (id = databaseId) => `/api/databases/${id}/ping`;
const put = (body: object, token?: string) => app.call('PUT', path(), { body, ...(token && { token }) });
const allow = (privateHosts: string) => app.call('PUT', '/api/settings/system', { body: { privateHosts } });
const issueOf = (body: { details?: { path: string[]; message: string }[] }) =>
  body.details?.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join();

describe('the dead man’s switch of a database', () => {
  it('is none at first, and once given is shown without its address', async () => {
    expect((await app.call('GET', path())).body).toEqual({ ping: null });
    const saved = await put({ url: 'https://hc-ping.com/1c9f3c1b-a-secret-token?create=1#x' });
    const ping = { host: 'hc-ping.com', protocol: 'healthchecks', lastPing: null, waiting: 0 };
    expect([saved.status, saved.body]).toEqual([200, { ping }]);
    expect((await app.call('GET', path(), { token: app.tokens.viewer })).body).toEqual({ ping });
    const rows = JSON.stringify([
      await app.services.db.selectFrom('ping_targets').selectAll().execute(),
      await app.services.db.selectFrom('audit_logs').selectAll().execute(),
    ]);
    expect(rows).not.toContain('a-secret-token');
    expect(app.log.join()).not.toContain('a-secret-token');
    expect(rows).toContain('ping_target');
  });

  it.each([
    ['https://hc-ping.com/key/slug', 'healthchecks'],
    ['https://hc.example.com/ping/1c9f3c1b-0000-4000-8000-000000000000', 'healthchecks'],
    ['https://example.com/api/push/abc?status=up', 'plain'],
    ['http://evil-hc-ping.com/x', 'plain'],
  ])('told by %s is spoken to as %s unless it is said otherwise', async (url, protocol) => {
    expect((await put({ url })).body.ping.protocol).toBe(protocol);
    const other = protocol === 'plain' ? 'healthchecks' : 'plain';
    // The address stays where only the rest is sent.
    expect((await put({ protocol: other })).body.ping).toMatchObject({ protocol: other });
  });

  it.each([
    [{}, 'Enter the address'],
    [{ url: '' }, 'http or https URL'],
    [{ url: 'hc-ping.com/x' }, 'http or https URL'],
    [{ url: 'ftp://example.com/x' }, 'http or https URL'],
    [{ url: 'javascript:alert(1)' }, 'http or https URL'],
    [{ url: 'http://' }, 'http or https URL'],
    [{ url: 'https://a:b@example.com/' }, 'no user name'],
    [{ url: 'https://hc-ping.com/x/fail' }, 'without /start, /fail'],
    [{ url: 'https://hc-ping.com/x/0/' }, 'without /start, /fail'],
    [{ url: `https://example.com/${'x'.repeat(2050)}` }, '2048'],
    [{ url: 7 }, 'string'],
    [{ url: 'https://example.com/', protocol: 'smtp' }, 'protocol'],
    [{ url: 'http://127.0.0.1/x' }, 'private'],
    [{ url: 'http://0x7f.1/x' }, 'private'],
    [{ url: 'http://[::1]/x' }, 'private'],
    [{ url: 'http://[::ffff:10.0.0.1]/x' }, 'private'],
    [{ url: 'http://169.254.169.254/latest/meta-data' }, 'never sent to'],
    [{ url: 'http://LOCALHOST./x' }, 'private'],
    [{ url: 'http://x.localhost:3000/x' }, 'private'],
  ])('is refused with %j', async (body, words) => {
    const { status, body: answer } = await put(body);
    expect(status).toBe(400);
    expect(issueOf(answer)).toContain(words);
    expect((await app.call('GET', path())).body).toEqual({ ping: null });
  });

  it('is changed and tested by operators, of databases that there are', async () => {
    const token = app.tokens.viewer;
    expect((await put({ url: 'https://example.com/' }, token)).status).toBe(403);
    expect((await app.call('POST', `${path()}/test`, { token, body: {} })).status).toBe(403);
    expect((await app.call('DELETE', path(), { token })).status).toBe(403);
    for (const [method, at] of [
      ['GET', path('nothing')],
      ['PUT', path('nothing')],
      ['DELETE', path('nothing')],
      ['POST', `${path('nothing')}/test`],
    ] as const) {
      const { status } = await app.call(method, at, { body: { url: 'https://example.com/' } });
      expect([method, status]).toEqual([method, 404]);
    }
    expect((await app.call('POST', `${path()}/test`, { body: {} })).status).toBe(400);
  });

  it('is reached on a private host once an admin has named it, and no longer than that', async () => {
    const url = `${server.url}/ping/0123456789abcdef-secret-token`;
    expect((await put({ url })).status).toBe(400);
    expect((await allow('127.0.0.1')).status).toBe(200);
    expect((await put({ url }, app.tokens.operator)).status).toBe(200);
    const test = () => app.call('POST', `${path()}/test`, { body: {}, token: app.tokens.operator });
    expect((await test()).body).toEqual({ success: true });
    expect(server.pings.map((ping) => ping.path)).toEqual([
      expect.stringMatching(/^\/ping\/0123456789abcdef-secret-token\/log\?rid=/),
    ]);
    await allow('');
    const refused = await test();
    expect(refused.body).toEqual({ success: false, error: expect.stringContaining('private') });
    expect((await app.call('GET', path())).body.ping.lastPing).toMatchObject({ kind: 'test', ok: false });
    expect(server.pings).toHaveLength(1);
    const { logs } = { logs: await app.services.db.selectFrom('audit_logs').selectAll().execute() };
    const tests = logs.filter((row) => row.resource_type === 'ping_target' && row.action === 'test');
    expect(tests.map((row) => row.success).sort()).toEqual([0, 1]);
    expect(JSON.stringify([logs, refused.body, app.log])).not.toContain('secret-token');
  });

  it('is taken away, as often as it is asked for', async () => {
    await put({ url: 'https://example.com/' });
    for (const _ of [1, 2]) expect((await app.call('DELETE', path())).body).toEqual({ success: true });
    expect((await app.call('GET', path())).body).toEqual({ ping: null });
  });
});

describe('the private hosts that an admin names', () => {
  it.each(['', 'hc.lan', 'hc.lan, 10.0.0.0/8 ,fd00::/8,192.168.1.5', 'müller.example'])(
    'may be %j',
    async (hosts) => {
      expect((await allow(hosts)).body.settings.privateHosts).toBe(hosts);
    },
  );

  it.each(['http://hc.lan', '10.0.0.0/40', 'a b', '<script>', '-x', '*'])('may not be %j', async (hosts) => {
    expect((await allow(hosts)).status).toBe(400);
  });

  it('are no operator’s to name', async () => {
    const body = { privateHosts: '10.0.0.1' };
    const { status } = await app.call('PUT', '/api/settings/system', { body, token: app.tokens.operator });
    expect(status).toBe(403);
  });
});
