import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createNetServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createCertificate } from '../../../dev/bucket/certificate.ts';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { diagnoseClock, diagnoseFailure } from '../../../src/object-stores/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/object-stores/diagnose/diagnosis.ts';
import { freePort } from '../../support/free-port.ts';
import { openTestS3 } from '../../support/s3.ts';

const run = promisify(execFile);
const OWNER = { accessKey: 'OWNERKEY000000000001', secretKey: 'owner-secret' };
const SCOPED = { accessKey: 'SCOPEDKEY00000000001', secretKey: 'scoped-secret', buckets: ['mine'] };
const YEAR_MS = 366 * 86_400_000;

let folder: string;
let store: DevBucket;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'diagnose-'));
  store = await startDevBucket({ folder, keys: [OWNER, SCOPED], buckets: ['mine', 'other'], region: 'fra1' });
});
afterEach(() => store.faults.clear());
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

interface Setting {
  readonly endpoint?: string;
  readonly region?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly ca?: string | undefined;
  readonly now?: () => Date;
}

/** Lists the buckets, or looks for one, and says why that fails. */
async function diagnose(setting: Setting = {}, bucket: string | null = null): Promise<Diagnosis | null> {
  const { s3, close } = openTestS3({
    ...store,
    ...OWNER,
    ca: store.caPem ?? '',
    tuning: { attempts: 2 },
    ...setting,
  });
  onTestFinished(close);
  const signal = AbortSignal.timeout(60_000);
  try {
    await (bucket === null ? s3.listBuckets(signal) : s3.checkBucket(bucket, { signal }));
    return diagnoseClock(s3.connection);
  } catch (error) {
    return diagnoseFailure(s3.connection, error, { bucket, signal });
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const page: Handler = (_, response) =>
  response.setHeader('content-type', 'text/html').end('<!doctype html><h1>Hello');

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') {
      server.closeAllConnections();
    }
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function http(handler: Handler): Promise<string> {
  return `http://127.0.0.1:${await listening(createServer(handler))}`;
}

async function tls(certificate: { certPem: string; keyPem: string }, host = '127.0.0.1'): Promise<string> {
  const server = createTlsServer({ cert: certificate.certPem, key: certificate.keyPem }, page);
  return `https://${host}:${await listening(server)}`;
}

describe('what keeps a connection from being made', () => {
  it('is a name that nobody knows', async () => {
    const found = await diagnose({ endpoint: 'https://fra1.storage.invalid' });
    expect(found?.kind).toBe('dns');
    expect(found?.message).toMatch(/fra1\.storage\.invalid.*\((ENOTFOUND|EAI_AGAIN)\)\.$/);
  });

  it('is a port on which nothing listens', async () => {
    const port = await freePort();
    const found = await diagnose({ endpoint: `https://127.0.0.1:${port}` });
    expect(found).toMatchObject({ kind: 'tcp_refused', bucket: null, requestId: null });
    expect(found?.message).toContain(`nothing listens on port ${port}`);
  });

  it('is a port to which requests are never sent', async () => {
    const found = await diagnose({ endpoint: 'https://127.0.0.1:10080' });
    expect(found).toMatchObject({ kind: 'other' });
    expect(found?.message).toMatch(/^Port 10080 is one of those to which no request is ever sent/);
  });

  it('is a server that never answers', async () => {
    const port = await listening(createNetServer(() => undefined));
    const { s3, close } = openTestS3({
      ...store,
      ...OWNER,
      endpoint: `http://127.0.0.1:${port}`,
      tuning: { attempts: 1, attemptTimeoutMs: 300 },
    });
    onTestFinished(close);
    const signal = AbortSignal.timeout(60_000);
    const error = await s3.listBuckets(signal).catch((caught: unknown) => caught);
    const found = await diagnoseFailure(s3.connection, error, { bucket: null, signal });
    expect(found?.kind).toBe('tcp_timeout');
    expect(found?.message).toContain('firewall');
  });

  it('is a server that hangs up', async () => {
    const port = await listening(createNetServer((socket) => socket.destroy()));
    expect((await diagnose({ endpoint: `http://127.0.0.1:${port}` }))?.kind).toBe('tcp_closed');
  });

  it('is http where TLS is spoken', async () => {
    const found = await diagnose({ endpoint: store.endpoint.replace('https:', 'http:') });
    expect(found?.kind).toBe('tcp_closed');
    expect(found?.message).toContain('without http://');
  });

  it('is TLS where http is spoken', async () => {
    const endpoint = (await http(page)).replace('http:', 'https:');
    const found = await diagnose({ endpoint });
    expect(found?.kind).toBe('tls_plain_http');
    expect(found?.message).toContain('STORAGE_ALLOW_HTTP=1');
  });
});

describe('what is wrong with a certificate', () => {
  it('is that it vouches for itself', async () => {
    const found = await diagnose({ ca: undefined });
    expect(found?.kind).toBe('tls_unknown_authority');
    expect(found?.message).toContain('STORAGE_CA_FILE');
  });

  it('is that nobody known vouches for it', async () => {
    const made = await issued('server', 'IP:127.0.0.1');
    const found = await diagnose({ endpoint: await tls(made), ca: undefined });
    expect(found?.kind).toBe('tls_unknown_authority');
    expect(found?.message).toContain('STORAGE_CA_FILE');
    // With the authority's certificate only the missing storage is left.
    expect((await diagnose({ endpoint: await tls(made), ca: made.caPem }))?.kind).toBe('not_s3');
  });

  it('is that it has expired', async () => {
    const old = createCertificate(new Date(Date.now() - 6 * YEAR_MS));
    const found = await diagnose({ endpoint: await tls(old), ca: old.certPem });
    expect(found?.kind).toBe('tls_expired');
    expect(found?.message).toContain('has expired');
  });

  it('is that it is not valid yet', async () => {
    const early = createCertificate(new Date(Date.now() + YEAR_MS));
    const found = await diagnose({ endpoint: await tls(early), ca: early.certPem });
    expect(found?.kind).toBe('tls_expired');
    expect(found?.message).toContain('not valid yet');
  });

  it('is that it is for another name', async () => {
    const made = await issued('other', 'DNS:s3.example.com,DNS:minio.example.com');
    const found = await diagnose({ endpoint: await tls(made), ca: made.caPem });
    expect(found?.kind).toBe('tls_wrong_name');
    expect(found?.message).toContain('(s3.example.com, minio.example.com)');
  });
});

describe('what the storage refuses', () => {
  it('is an access key that it does not know', async () => {
    const found = await diagnose({ accessKey: 'NOSUCHKEY00000000001' });
    expect(found?.kind).toBe('wrong_key_id');
    expect(found?.requestId).toMatch(/^[0-9A-F]{16}$/);
    expect(found?.message).toContain(`The storage calls this request ${found?.requestId}.`);
  });

  it('is a secret key that does not fit', async () => {
    const found = await diagnose({ secretKey: 'wrong-secret' });
    expect(found?.kind).toBe('wrong_secret');
    expect(JSON.stringify(found)).not.toMatch(/wrong-secret|OWNERKEY/);
  });

  it('is a region that is not the bucket’s, naming the right one', async () => {
    for (const bucket of [null, 'mine']) {
      const found = await diagnose({ region: 'us-east-1' }, bucket);
      expect(found?.kind).toBe('wrong_region');
      expect(found?.message).toContain('Enter fra1 as the region');
    }
  });

  it.each([
    ['x-amz-bucket-region', { headers: { 'x-amz-bucket-region': 'eu-west-3' } }],
    ['an endpoint', { fields: { Endpoint: 'mine.s3.eu-west-3.amazonaws.com' } }],
    ['a message', { message: "The region is wrong; expecting 'eu-west-3'." }],
  ])('is a bucket elsewhere, which a 301 names by %s', async (_, more) => {
    store.faults.add({
      match: { bucket: 'mine' },
      fault: { kind: 'status', status: 301, code: 'PermanentRedirect', ...more },
      times: Number.POSITIVE_INFINITY,
    });
    const found = await diagnose({}, 'mine');
    expect(found).toMatchObject({ kind: 'wrong_region', bucket: 'mine' });
    expect(found?.message).toContain('in the region eu-west-3');
  });

  it('is a key limited to buckets, and a bucket that is not its own', async () => {
    expect(await diagnose(SCOPED)).toMatchObject({ kind: 'denied', bucket: null });
    const found = await diagnose(SCOPED, 'other');
    expect(found).toMatchObject({ kind: 'denied', bucket: 'other' });
    expect(found?.message).toContain('case-sensitive');
    expect(await diagnose(SCOPED, 'mine')).toBeNull();
  });

  it('is a bucket that is not there', async () => {
    const found = await diagnose({}, 'no-such-bucket');
    expect(found).toMatchObject({ kind: 'no_bucket', bucket: 'no-such-bucket' });
    expect(found?.message).not.toContain('capital');
    for (const bucket of ['My-Backups', 'Mine']) {
      const { message } = (await diagnose({}, bucket)) ?? {};
      expect(message).toContain(`Bucket names have no capital letters: it may be ${bucket.toLowerCase()}.`);
    }
  });

  it.each([
    [
      {
        status: 403,
        code: 'SecondLevelDomainForbidden',
        message: 'Please use virtual hosted style to access.',
      },
    ],
    [{ status: 301, code: 'PermanentRedirect', fields: { Endpoint: 'mine.127.0.0.1' } }],
  ])('is the bucket in the path: %j', async (answer) => {
    store.faults.add({
      match: { bucket: 'mine' },
      fault: { kind: 'status', ...answer },
      times: Number.POSITIVE_INFINITY,
    });
    const found = await diagnose({}, 'mine');
    expect(found?.kind).toBe('addressing');
    expect(found?.message).toContain('virtual-hosted');
  });

  it('is too many requests, or an outage', async () => {
    store.faults.add({
      match: {},
      fault: { kind: 'status', status: 503, code: 'SlowDown' },
      times: Number.POSITIVE_INFINITY,
    });
    const found = await diagnose();
    expect(found?.kind).toBe('busy');
    expect(found?.message).toContain('503 SlowDown');
  });

  it('is nothing any more, where asking again works', async () => {
    store.faults.add({ match: {}, fault: { kind: 'status', status: 403, code: 'AccessDenied' } });
    expect(await diagnose()).toBeNull();
  });
});

describe('a clock that is off', () => {
  it.each([
    [-3_600_000, /is 60 minutes behind that of/],
    [40_000, /is (39|4[0-3]) seconds ahead of that of/],
  ])('by %i ms is corrected and told', async (ms, told) => {
    const found = await diagnose({ now: () => new Date(Date.now() + ms) });
    expect(found?.kind).toBe('clock');
    expect(found?.message).toMatch(told);
  });

  it('is not told of within what the two may differ', async () => {
    expect(await diagnose({ now: () => new Date(Date.now() + 2_000) })).toBeNull();
  });

  it('does not hide another reason', async () => {
    const now = () => new Date(Date.now() - 3_600_000);
    expect((await diagnose({ now, secretKey: 'wrong-secret' }))?.kind).toBe('wrong_secret');
  });
});

describe('what stands in between', () => {
  const answering =
    (status: number, headers: Record<string, string>, body = ''): Handler =>
    (_, response) =>
      response.writeHead(status, headers).end(body);

  it.each<[string, Handler, string, RegExp]>([
    ['a web page', page, 'not_s3', /with a web page/],
    [
      'a page of another server',
      answering(404, { 'content-type': 'text/html', server: 'nginx' }),
      'not_s3',
      /by nginx/,
    ],
    [
      'a gateway',
      answering(502, { 'content-type': 'text/html' }, '<html>'),
      'not_s3',
      /proxy in front of .* 502/,
    ],
    [
      'a proxy that wants a sign-in',
      answering(407, { 'proxy-authenticate': 'Basic' }),
      'proxy',
      /wants a sign-in/,
    ],
    [
      'a sign-in page',
      answering(302, { location: 'http://portal.example.com/login' }),
      'proxy',
      /portal\.example\.com/,
    ],
    ['a network that wants a sign-in', answering(511, {}), 'proxy', /sign-in page/],
    [
      'something that speaks JSON',
      answering(400, { 'content-type': 'application/json' }, '{}'),
      'other',
      /S3 address/,
    ],
  ])('is %s', async (_, handler, kind, message) => {
    for (const bucket of [null, 'mine']) {
      const found = await diagnose({ endpoint: await http(handler) }, bucket);
      expect(found?.kind).toBe(kind);
      expect(found?.message).toMatch(message);
    }
  });
});

/** A certificate of an authority of its own, made by openssl. */
async function issued(
  name: string,
  altNames: string,
): Promise<{ certPem: string; keyPem: string; caPem: string }> {
  const at = (file: string) => join(folder, `${name}-${file}`);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  await run('openssl', [
    ...['req', '-x509', ...key, '-subj', `/CN=Authority of ${name}`],
    ...['-keyout', at('ca.key'), '-out', at('ca.pem')],
  ]);
  await run('openssl', [
    ...['req', '-x509', ...key, '-subj', '/CN=storage', '-addext', `subjectAltName=${altNames}`],
    ...['-addext', 'basicConstraints=critical,CA:FALSE', '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
    ...['-keyout', at('key.pem'), '-out', at('cert.pem')],
  ]);
  const read = (file: string) => readFileSync(at(file), 'utf8');
  return { certPem: read('cert.pem'), keyPem: read('key.pem'), caPem: read('ca.pem') };
}
