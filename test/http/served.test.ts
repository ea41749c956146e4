import { type AddressInfo, connect } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { serveApp } from '../../src/http/node/serve.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { setupCodeOf } from '../support/setup-code.ts';

let app: TestApp;
let server: ReturnType<typeof serveApp>;
let url: string;
beforeAll(async () => {
  app = await openTestApp({ withoutUsers: true });
  await prepareFirstAdmin(app.services);
  const { port } = await new Promise<AddressInfo>((done) => {
    server = serveApp(app.app, { host: '127.0.0.1', port: 0 }, done);
  });
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

/** All that comes back on one connection for these bytes, until it closes; a reset rejects. */
function converse(parts: Iterable<string | Buffer>): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((done, fail) => {
    const socket = connect(Number(port), hostname);
    let answer = '';
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text;
    });
    socket.on('error', fail).on('close', () => done(answer));
    Readable.from(parts).pipe(socket, { end: false });
  });
}

const headOf = (method: string, path: string, ...lines: readonly string[]) =>
  `${[`${method} ${path} HTTP/1.1`, 'Host: a', 'Content-Type: application/json', ...lines].join('\r\n')}\r\n\r\n`;
const FAREWELL = headOf('GET', '/health', 'Connection: close');
const statusesIn = (answers: string) =>
  [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);

describe('a body that nobody reads', () => {
  const size = 900 * 1024;

  it.each([
    ['DELETE', '/api/environments/x', '401'],
    ['POST', '/api/servers/%C3%BC%20+/test', '404'],
    ['PUT', '/nowhere/"%F0%9F%98%80"', '403'],
    ['POST', '/assets/x.css', '403'],
    ['DELETE', '/health', '403'],
  ])('of a %s %s loses neither its answer nor the next one', async (method, path, status) => {
    const asked = headOf(method, path, `Content-Length: ${size}`);
    const answers = await converse([asked, Buffer.alloc(size), asked, Buffer.alloc(size), FAREWELL]);
    expect(statusesIn(answers)).toEqual([status, status, '200']);
  });

  it('gets its answer where the connection is to close after it', async () => {
    const asked = headOf('DELETE', '/api/environments/x', `Content-Length: ${size}`, 'Connection: close');
    expect(statusesIn(await converse([asked, Buffer.alloc(size)]))).toEqual(['401']);
  });

  it('above the limit is refused, announced or not, and the connection goes on', async () => {
    const bytes = 40 * 1024 * 1024;
    const chunk = Buffer.alloc(1024 * 1024);
    const chunks = Array.from({ length: 40 }, () => [
      `${chunk.length.toString(16)}\r\n`,
      chunk,
      '\r\n',
    ]).flat();
    const announced = [headOf('POST', '/api/auth/login', `Content-Length: ${bytes}`), Buffer.alloc(bytes)];
    const chunked = [headOf('POST', '/login', 'Transfer-Encoding: chunked'), ...chunks, '0\r\n\r\n'];
    const answers = await converse([...announced, ...chunked, ...announced, FAREWELL]);
    expect(statusesIn(answers)).toEqual(['400', '400', '400', '200']);
  });

  it('and has no end is read for a while only', async () => {
    const chunk = Buffer.alloc(1024 * 1024);
    const endless = function* () {
      yield headOf('POST', '/api/auth/login', `Content-Length: ${2 ** 40}`);
      for (;;) yield chunk;
    };
    // Whoever goes on sending may see the connection end before its answer.
    const end = await converse(endless()).catch((error: NodeJS.ErrnoException) => error.code ?? '');
    expect(end).toMatch(/^HTTP\/1\.1 400 |^ECONNRESET$|^EPIPE$/);
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({ status: 'ok' });
  });
});

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
      .orderBy(asWritten(app.services.db))
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

  it.each([
    '/api/admin/notification-channels',
    '/api/environments/c0000000000000000000000001/webhooks',
    '/api/admin/tokens',
    '/api/settings/spaces/test',
  ])(
    'refuses 10 MiB for %s, with a key of its own or without, and answers the next request',
    async (path) => {
      for (const more of [undefined, { 'idempotency-key': 'ten mebibytes' }]) {
        const large = await post(path, Buffer.alloc(10 * 1024 * 1024, 0x20), more);
        expect([large.status, (await large.json()).message]).toEqual([
          400,
          'The request body is larger than 1 MiB',
        ]);
      }
      expect((await fetch(`${url}/live`)).status).toBe(200);
    },
  );

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

  it('keeps an idle connection for longer than the proxies in front of it', async () => {
    const response = await fetch(`${url}/health`);
    expect(response.headers.get('keep-alive')).toBe('timeout=75');
    await response.body?.cancel();
  });
});
