import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { setupCodeOf } from '../support/setup-code.ts';

let app: TestApp;
let server: ReturnType<typeof serve>;
let url: string;
beforeAll(async () => {
  app = await openTestApp({ withoutUsers: true });
  await prepareFirstAdmin(app.services);
  server = serve({ fetch: app.app.fetch, hostname: '127.0.0.1', port: 0 });
  if (!server.listening) await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  server.close();
  if ('closeAllConnections' in server) server.closeAllConnections();
  await app.close();
});

const post = (path: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  });

const ADMIN = { email: 'root@example.com', password: 'correct horse battery' };

/** As nginx asks unless told otherwise: HTTP/1.0, our own address as Host, no word of whom it asks for. */
function asProxy(path: string, body: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.on('error', fail).on('close', () => done(answer));
    const head = [`POST ${path} HTTP/1.0`, `Host: ${hostname}`, 'Content-Type: application/json'];
    socket.write(`${[...head, `Content-Length: ${Buffer.byteLength(body)}`].join('\r\n')}\r\n\r\n${body}`);
  });
}

describe('the app behind a real socket', () => {
  it('lets nobody behind a silent proxy on this machine become the first admin without the code', async () => {
    const proxied = await asProxy('/api/auth/register', JSON.stringify(ADMIN));
    expect(proxied).toMatch(/^HTTP\/1\.1 403 /);
    expect(proxied).toContain('"setupCodeRequired":true');
    const direct = await post('/api/auth/register', JSON.stringify(ADMIN));
    expect(direct.status).toBe(403);
    const told = { ...ADMIN, setupCode: setupCodeOf(app.log) };
    expect((await post('/api/auth/register', JSON.stringify(told))).status).toBe(200);
    const audit = await app.services.db
      .selectFrom('audit_logs')
      .select(['action', 'address'])
      .where('resource_type', '=', 'user')
      .execute();
    expect(audit).toEqual([
      { action: 'create', address: '127.0.0.1' },
      { action: 'sign_in', address: '127.0.0.1' },
    ]);
  });

  it('refuses a body above 1 MiB, announced or not', async () => {
    const announced = await post('/api/auth/login', 'x'.repeat(1024 * 1024 + 1));
    expect(announced.status).toBe(400);
    const chunk = new Uint8Array(64 * 1024).fill(32);
    let sent = 0;
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        if (sent > 32) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const chunked = await post('/api/auth/login', stream);
    expect([chunked.status, await chunked.json()]).toMatchObject([
      400,
      { message: 'The request body is larger than 1 MiB' },
    ]);
  });

  it('takes an empty body with a JSON content type for {}', async () => {
    const response = await post('/api/auth/login', '');
    expect([response.status, await response.json()]).toMatchObject([400, { message: 'Invalid input' }]);
  });

  it.each([
    '/%',
    '/api/users/%',
    '/api/%2e%2e/health',
    '//evil.example/',
    '/assets/../../etc/passwd',
    '/assets/%2e%2e/x',
  ])('answers %s without an error of its own', async (path) => {
    const response = await fetch(url + path, { redirect: 'manual' });
    expect(response.status).toBeLessThan(500);
    await response.body?.cancel();
  });
});
