import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { diagnoseFailure } from '../../../src/object-stores/diagnose/diagnose.ts';
import { type ProxySettings, proxyFor } from '../../../src/object-stores/s3/proxy.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import { freePort } from '../../support/free-port.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const ACCESS = { accessKey: 'DEVACCESSKEY', secretKey: 'dev-secret-for-tests' };
const MIB = 2 ** 20;

let folder: string;
let store: DevBucket;
let plain: DevBucket;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'proxied-'));
  const about = { keys: [ACCESS], buckets: ['mine'] };
  store = await startDevBucket({ folder: join(folder, 'tls'), ...about });
  plain = await startDevBucket({ folder: join(folder, 'plain'), ...about, tls: false });
});
afterAll(async () => {
  await store.close();
  await plain.close();
  await rm(folder, { recursive: true, force: true });
});

interface Proxy {
  readonly port: number;
  /** Each CONNECT, with what came as Proxy-Authorization. */
  readonly asked: { readonly target: string; readonly authorization: string | null }[];
}

/** Leads to the bucket whatever name is asked for, so that only the proxy knows the way; or answers that status. */
async function startProxy(
  to: DevBucket,
  refuse: (authorization: string | null) => number = () => 200,
): Promise<Proxy> {
  const asked: Proxy['asked'] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer();
  server.on('connect', (request, socket: Socket) => {
    const authorization = request.headers['proxy-authorization'] ?? null;
    asked.push({ target: request.url ?? '', authorization });
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    const status = refuse(authorization);
    if (status !== 200) return void socket.end(`HTTP/1.1 ${status} No\r\ncontent-length: 0\r\n\r\n`);
    const target = connect(Number(new URL(to.endpoint).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket);
      socket.pipe(target);
    });
    sockets.add(target);
    target.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0, asked };
}

const lines: string[] = [];
function open(endpoint: string, proxy: ProxySettings): OpenedS3 {
  const opened = openTestS3({
    endpoint,
    region: store.region,
    ca: store.caPem ?? undefined,
    ...ACCESS,
    memoryBytes: 10 * MIB,
    proxy,
    onLog: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
  });
  onTestFinished(opened.close);
  return opened;
}

const through = (port: number, user = ''): ProxySettings => ({
  https: `http://${user}127.0.0.1:${port}`,
  http: `http://${user}127.0.0.1:${port}`,
  exempt: [],
});
/** Nothing listens there: without the proxy there is no way. */
const closed = async () => `https://127.0.0.1:${await freePort()}`;

describe('a storage behind a proxy', () => {
  it('is asked through it, with user and password, in requests, parts and answers', async () => {
    const wanted = `Basic ${Buffer.from('us@er:p/w ö').toString('base64')}`;
    const proxy = await startProxy(store, (authorization) => (authorization === wanted ? 200 : 407));
    const endpoint = await closed();
    const { s3 } = open(endpoint, through(proxy.port, 'us%40er:p%2Fw%20%C3%B6@'));
    expect(await s3.listBuckets()).toEqual(['mine']);
    const content = randomBytes(9 * MIB);
    const bucket = s3.bucket('mine');
    const key = "ä+b 😀 'q'.sql";
    await bucket.put(key, chunked(content), options());
    expect(content.equals(await collect(await bucket.get(key)))).toBe(true);
    await bucket.remove(key);
    expect(proxy.asked.length).toBeGreaterThan(0);
    expect(new Set(proxy.asked.map(({ target }) => target))).toEqual(new Set([new URL(endpoint).host]));
  });

  it('without TLS is asked through it too', async () => {
    const proxy = await startProxy(plain);
    const { s3 } = open(`http://127.0.0.1:${await freePort()}`, through(proxy.port));
    expect(await s3.listBuckets()).toEqual(['mine']);
    expect(proxy.asked.length).toBeGreaterThan(0);
  });

  it('is asked straight where its host is exempt', async () => {
    const proxy = await startProxy(store, () => 403);
    const { s3 } = open(store.endpoint, { ...through(proxy.port), exempt: ['127.0.0.0/8'] });
    expect(await s3.listBuckets()).toEqual(['mine']);
    expect(proxy.asked).toEqual([]);
  });
});

describe('a proxy that does not let through', () => {
  it.each([
    [407, 'storage_proxy', 1, /wants a sign-in \(407\)/],
    [403, 'storage_proxy', 1, /does not let this machine reach .* \(403\)/],
    [502, 'storage_unreachable', 4, /could not reach .* \(502\)/],
  ])('is named with its answer (%i), and its password is not', async (status, code, tries, message) => {
    lines.length = 0;
    const proxy = await startProxy(store, () => status);
    const { s3 } = open(await closed(), through(proxy.port, 'someone:proxy-password@'));
    const error = await s3.listBuckets().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(String(error)).toContain(`the proxy 127.0.0.1:${proxy.port}`);
    expect(proxy.asked).toHaveLength(tries);
    const about = { bucket: null, signal: AbortSignal.timeout(60_000) };
    const found = await diagnoseFailure(s3.connection, error, about);
    expect(found).toMatchObject({ kind: 'proxy', message: expect.stringMatching(message) });
    const told = `${JSON.stringify(error)} ${String(error)} ${JSON.stringify(found)} ${lines.join(' ')}`;
    expect(told).not.toMatch(/proxy-password|c29tZW9uZTpwcm94eS1wYXNzd29yZA/);
  });

  it('is named where it does not answer', async () => {
    const port = await freePort();
    const { s3 } = open(store.endpoint, through(port));
    const error = await s3.listBuckets().catch((caught: unknown) => caught);
    const message = `the proxy 127.0.0.1:${port} (HTTPS_PROXY) can't be reached (ECONNREFUSED)`;
    expect(error).toMatchObject({ code: 'storage_unreachable', message: expect.stringContaining(message) });
    const found = await diagnoseFailure(s3.connection, error, {
      bucket: null,
      signal: AbortSignal.timeout(60_000),
    });
    expect(found).toMatchObject({ kind: 'proxy', message: expect.stringContaining(message.slice(4)) });
  });

  it('is said to be in use where the failure lies behind it', async () => {
    const proxy = await startProxy(store);
    const opened = openTestS3({ ...store, ...ACCESS, endpoint: await closed(), proxy: through(proxy.port) });
    onTestFinished(opened.close);
    const { s3 } = opened;
    const error = await s3.listBuckets().catch((caught: unknown) => caught);
    const about = { bucket: null, signal: AbortSignal.timeout(60_000) };
    expect(await diagnoseFailure(s3.connection, error, about)).toMatchObject({
      kind: 'tls_unknown_authority',
      message: expect.stringContaining(`Requests go through the proxy 127.0.0.1:${proxy.port}.`),
    });
  });
});

describe('NO_PROXY', () => {
  const P = 'http://proxy:1/';
  it.each([
    ['', 'https://s3.example.com', P],
    ['*', 'https://s3.example.com', null],
    ['example.com', 'https://s3.example.com', null],
    ['.example.com', 'https://s3.example.com', null],
    ['*.example.com', 'https://s3.example.com', null],
    ['EXAMPLE.com.', 'https://S3.example.COM.', null],
    ['ample.com', 'https://s3.example.com', P],
    ['s3.example.com:443', 'https://s3.example.com', null],
    ['s3.example.com:9000', 'https://s3.example.com', P],
    ['s3.example.com:9000', 'https://s3.example.com:9000', null],
    ['10.0.0.0/8', 'https://10.1.2.3:9000', null],
    ['10.0.0.0/8', 'https://11.1.2.3:9000', P],
    ['10.1.2.3:9000', 'https://10.1.2.3:9000', null],
    ['fd00::/8', 'https://[fd00::1]:9000', null],
    ['[fd00::1]:9000', 'https://[fd00::1]:9000', null],
    ['[fd00::1]:9001', 'https://[fd00::1]:9000', P],
    ['::1', 'https://[::1]', null],
    ['10.0.0.0/8', 'https://10.example.com', P],
    ['.', 'https://s3.example.com', P],
    ['localhost', 'https://127.0.0.1', P],
  ])('%j leaves %s to %s', (entry, url, proxy) => {
    expect(proxyFor(url, { https: P, http: null, exempt: entry === '' ? [] : [entry] })).toBe(proxy);
    expect(proxyFor(url.replace('https:', 'http:'), { https: P, http: null, exempt: [] })).toBeNull();
  });
});
