import { readdir } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { Fault, FaultMatch } from '../../../dev/bucket/server.ts';
import {
  type Bench,
  bytesOf,
  complete,
  createUpload,
  elements,
  md5,
  minPartBytes,
  pattern,
  putParts,
  refusal,
  sendPart,
  startBench,
} from './harness.ts';

const body = pattern(200_000);
const put = (bench: Bench, headers = {}) => bench.send('PUT', '/backups/a', { body, headers });
const get = (bench: Bench, headers = {}) => bench.send('GET', '/backups/a', { headers });
const head = (bench: Bench) => bench.send('HEAD', '/backups/a');

async function faulty(fault: Fault, match: FaultMatch = {}): Promise<Bench> {
  const bench = await startBench();
  bench.faults.add({ match, fault });
  return bench;
}

test('status answers the error with its headers and performs nothing', async () => {
  const headers = { 'retry-after': '7' };
  const bench = await faulty({ kind: 'status', status: 503, code: 'SlowDown', headers });
  const response = await put(bench);
  expect(response.headers.get('retry-after')).toBe('7');
  expect(await refusal(response)).toBe('503 SlowDown');
  expect(bench.objects('backups')).toEqual([]);
  expect((await put(bench)).status).toBe(200);
  expect(bench.requests.map(({ status }) => status)).toEqual([503, 200]);
});

test('an early status is answered while the body is still on its way', async () => {
  const bench = await faulty({ kind: 'status', status: 403, code: 'AccessDenied', early: true });
  const response = await put(bench);
  expect(response.headers.get('connection')).toBe('close');
  expect(await refusal(response)).toBe('403 AccessDenied');
});

test('a redirect can be injected', async () => {
  const headers = { location: 'https://example.invalid/' };
  const bench = await faulty({ kind: 'status', status: 301, code: 'PermanentRedirect', headers });
  const response = await get(bench);
  expect([response.status, response.headers.get('location')]).toEqual([301, headers.location]);
});

test('garbage is 200 with HTML', async () => {
  const bench = await faulty({ kind: 'garbage' }, { operation: 'ListBuckets' });
  const response = await bench.send('GET', '/');
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html']);
  expect(await response.text()).toMatch(/^<!doctype html>/);
});

test('reset cuts the connection and performs nothing', async () => {
  const bench = await faulty({ kind: 'reset' });
  await expect(put(bench)).rejects.toThrow('fetch failed');
  expect(bench.objects('backups')).toEqual([]);
  expect(bench.requests[0]?.status).toBeNull();
});

test('reset-after performs and loses the answer', async () => {
  const bench = await faulty({ kind: 'reset-after' });
  await expect(put(bench)).rejects.toThrow('fetch failed');
  expect(bench.objects('backups')).toMatchObject([{ key: 'a', etag: md5(body) }]);
});

test('status-after performs and answers an error', async () => {
  const bench = await faulty({ kind: 'status-after', status: 500, code: 'InternalError' });
  expect(await refusal(await put(bench))).toBe('500 InternalError');
  expect(bench.objects('backups')).toHaveLength(1);
});

test('hang never answers and performs nothing; hang-after performs first', async () => {
  for (const [kind, count] of [
    ['hang', 0],
    ['hang-after', 1],
  ] as const) {
    const bench = await faulty({ kind });
    const stop = new AbortController();
    const sent = bench.send('PUT', '/backups/a', { body, signal: stop.signal });
    const outcome = expect(sent).rejects.toThrow('aborted');
    await vi.waitFor(() => expect(bench.faults.hits()).toHaveLength(1), { timeout: 10_000 });
    await vi.waitFor(() => expect(bench.objects('backups')).toHaveLength(count), { timeout: 10_000 });
    stop.abort();
    await outcome;
    expect(bench.requests[0]?.status).toBeNull();
  }
});

test('close ends requests that hang', async () => {
  const bench = await faulty({ kind: 'hang' });
  const outcome = expect(put(bench)).rejects.toThrow('fetch failed');
  await vi.waitFor(() => expect(bench.faults.hits()).toHaveLength(1), { timeout: 10_000 });
  await bench.close();
  await outcome;
});

test('hold performs once it is let go', async () => {
  const gate = Promise.withResolvers<void>();
  const bench = await faulty({ kind: 'hold', until: gate.promise });
  const sent = put(bench);
  await vi.waitFor(() => expect(bench.faults.hits()).toHaveLength(1), { timeout: 10_000 });
  expect(bench.objects('backups')).toEqual([]);
  gate.resolve();
  expect((await sent).status).toBe(200);
});

test('error-in-200 answers Complete with 200 and an error after blanks, and the upload stays', async () => {
  const fault = { kind: 'error-in-200', code: 'InternalError' } as const;
  const bench = await faulty(fault, { operation: 'CompleteMultipartUpload' });
  const response = await putParts(bench, '/backups/a', [body]);
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(text).toMatch(/^\s+<\?xml/);
  expect(elements(text, 'Code')).toEqual(['InternalError']);
  expect([bench.objects('backups').length, bench.uploads('backups').length]).toEqual([0, 1]);
});

test('keep-alive-blanks come before the answer', async () => {
  const bench = await faulty(
    { kind: 'keep-alive-blanks', delayMs: 20 },
    { operation: 'CompleteMultipartUpload' },
  );
  const text = await (await putParts(bench, '/backups/a', [body])).text();
  expect(text).toMatch(/^\s+<\?xml/);
  expect(elements(text, 'Key')).toEqual(['a']);
});

test('slow delays the answer and paces the bytes, in both directions', async () => {
  const bench = await startBench();
  bench.faults.add({ match: {}, times: 2, fault: { kind: 'slow', delayMs: 50, bytesPerSecond: 1_000_000 } });
  const startedAt = performance.now();
  expect((await put(bench)).status).toBe(200);
  const putMs = performance.now() - startedAt;
  expect(md5(await bytesOf(await get(bench)))).toBe(md5(body));
  expect(putMs).toBeGreaterThan(200);
  expect(performance.now() - startedAt - putMs).toBeGreaterThan(200);
});

test('truncate cuts the body of an answer', async () => {
  const bench = await faulty({ kind: 'truncate', bytes: 1000 }, { operation: 'GetObject' });
  await put(bench);
  const response = await get(bench);
  expect(response.headers.get('content-length')).toBe('200000');
  await expect(response.arrayBuffer()).rejects.toThrow('terminated');
  expect(md5(await bytesOf(await get(bench)))).toBe(md5(body));
});

test('stall sends the beginning and leaves the rest open', async () => {
  const bench = await faulty({ kind: 'stall', bytes: 1000 }, { operation: 'GetObject' });
  await put(bench);
  const stop = new AbortController();
  const response = await bench.send('GET', '/backups/a', { signal: stop.signal });
  let received = 0;
  const reading = (async () => {
    for await (const chunk of response.body ?? []) received += chunk.length;
  })();
  const outcome = expect(reading).rejects.toThrow('aborted');
  await vi.waitFor(() => expect(received).toBe(1000), { timeout: 10_000 });
  stop.abort();
  await outcome;
});

test('corrupt flips a byte: on its way out, or in the store under the right ETag', async () => {
  const bench = await faulty({ kind: 'corrupt' }, { operation: 'GetObject' });
  await put(bench);
  const differs = Buffer.from(body);
  differs.writeUInt8(differs.readUInt8(0) ^ 0xff, 0);
  expect(md5(await bytesOf(await get(bench)))).toBe(md5(differs));
  expect(md5(await bytesOf(await get(bench)))).toBe(md5(body));
  bench.faults.add({ match: { operation: 'PutObject' }, fault: { kind: 'corrupt' } });
  expect((await put(bench)).headers.get('etag')).toBe(`"${md5(body)}"`);
  expect(md5(await bytesOf(await get(bench)))).toBe(md5(differs));
  bench.faults.add({ match: { operation: 'UploadPart', partNumber: 1 }, fault: { kind: 'corrupt' } });
  await putParts(bench, '/backups/a', [body]);
  expect(md5(await bytesOf(await get(bench)))).toBe(md5(differs));
});

test('a ghost lists and answers HEAD, but cannot be read', async () => {
  const bench = await faulty({ kind: 'ghost' }, { operation: 'CompleteMultipartUpload' });
  expect((await putParts(bench, '/backups/a', [body])).status).toBe(200);
  expect((await head(bench)).headers.get('content-length')).toBe('200000');
  expect(await refusal(await get(bench, { range: 'bytes=0-0' }))).toBe('404 NoSuchKey');
});

test('lose-part leaves a shorter object behind a good answer', async () => {
  const bench = await faulty({ kind: 'lose-part' }, { operation: 'CompleteMultipartUpload' });
  expect((await putParts(bench, '/backups/a', [pattern(minPartBytes), body])).status).toBe(200);
  expect(bench.objects('backups')[0]?.bytes).toBe(minPartBytes);
});

test('lose-upload purges the upload in mid-flight', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  bench.faults.add({ match: { operation: 'UploadPart', partNumber: 2 }, fault: { kind: 'lose-upload' } });
  expect((await sendPart(bench, '/backups/a', uploadId, 1, body)).status).toBe(200);
  expect(await refusal(await sendPart(bench, '/backups/a', uploadId, 2, body))).toBe('404 NoSuchUpload');
  expect(bench.uploads('backups')).toEqual([]);
});

test('lose-metadata forgets or hides what was sent with the object', async () => {
  const bench = await faulty(
    { kind: 'lose-metadata' },
    { operation: ['PutObject', 'CreateMultipartUpload'] },
  );
  const headers = { 'x-amz-meta-token': 'run-1' };
  await put(bench, headers);
  expect((await head(bench)).headers.get('x-amz-meta-token')).toBeNull();
  await put(bench, headers);
  bench.faults.add({ match: { operation: 'HeadObject' }, fault: { kind: 'lose-metadata' } });
  expect((await head(bench)).headers.get('x-amz-meta-token')).toBeNull();
  expect((await head(bench)).headers.get('x-amz-meta-token')).toBe('run-1');
});

test('foreign-etag is not an MD5, and Complete accepts it back', async () => {
  const bench = await startBench();
  bench.faults.add({ match: {}, times: Number.POSITIVE_INFINITY, fault: { kind: 'foreign-etag' } });
  const etag = (await put(bench)).headers.get('etag') ?? '';
  expect(etag).toMatch(/^"[0-9a-f]{28}"$/);
  const uploadId = await createUpload(bench, '/backups/a');
  const part = (await sendPart(bench, '/backups/a', uploadId, 1, body)).headers.get('etag') ?? '';
  expect((await complete(bench, '/backups/a', uploadId, [[1, part]])).status).toBe(200);
});

test('ignore-range answers the whole object', async () => {
  const bench = await faulty({ kind: 'ignore-range' }, { operation: 'GetObject' });
  await put(bench);
  const response = await get(bench, { range: 'bytes=0-0' });
  expect([response.status, (await bytesOf(response)).length]).toEqual([200, 200_000]);
});

test('headers are added to a proper answer', async () => {
  const headers = { 'x-amz-meta-token': 'foreign' };
  const bench = await faulty({ kind: 'headers', headers }, { operation: 'HeadObject' });
  await put(bench);
  expect((await head(bench)).headers.get('x-amz-meta-token')).toBe('foreign');
});

test('headers can be left out of a proper answer', async () => {
  const bench = await faulty({ kind: 'headers', headers: { etag: null } }, { operation: 'PutObject' });
  expect((await put(bench)).headers.get('etag')).toBeNull();
  expect((await put(bench)).headers.get('etag')).toBe(`"${md5(body)}"`);
});

test('pretend answers a removal or an Abort with success and leaves everything', async () => {
  const match = { operation: ['DeleteObject', 'AbortMultipartUpload'] } as const;
  const bench = await startBench();
  bench.faults.add({ match, times: 2, fault: { kind: 'pretend' } });
  await put(bench);
  const uploadId = await createUpload(bench, '/backups/a');
  for (const query of ['', `?uploadId=${uploadId}`]) {
    expect((await bench.send('DELETE', `/backups/a${query}`)).status).toBe(204);
  }
  expect([bench.objects('backups').length, bench.uploads('backups').length]).toEqual([1, 1]);
});

test('a part can be lost behind a good answer', async () => {
  const bench = await faulty({ kind: 'lose-part' }, { operation: 'UploadPart' });
  expect(await refusal(await putParts(bench, '/backups/a', [body]))).toBe('400 InvalidPart');
});

test('an error names what a provider adds, such as the region', async () => {
  const fields = { Region: 'ams3' };
  const bench = await faulty({ kind: 'status', status: 400, code: 'AuthorizationHeaderMalformed', fields });
  expect(elements(await (await put(bench)).text(), 'Region')).toEqual(['ams3']);
});

test('skew shows in the Date header and refuses signatures of the right time', async () => {
  const skewMs = 3_600_000;
  const bench = await startBench();
  bench.faults.add({ match: {}, times: 2, fault: { kind: 'skew', ms: skewMs } });
  const refused = await put(bench);
  expect(await refusal(refused)).toBe('403 RequestTimeTooSkewed');
  const serverTime = Date.parse(refused.headers.get('date') ?? '');
  expect(Math.abs(serverTime - Date.now() - skewMs)).toBeLessThan(60_000);
  const corrected = await bench.send('PUT', '/backups/a', { body, signedAt: new Date(serverTime) });
  expect(corrected.status).toBe(200);
});

test('vanish takes the bucket away until it is restored', async () => {
  const bench = await faulty({ kind: 'vanish' }, { operation: 'PutObject' });
  expect(await refusal(await put(bench))).toBe('404 NoSuchBucket');
  expect((await bench.send('HEAD', '/backups')).status).toBe(404);
  expect(elements(await (await bench.send('GET', '/')).text(), 'Name')).toEqual(['other']);
  bench.faults.restore('backups');
  expect((await put(bench)).status).toBe(200);
});

test('a rule matches by operation, part, bucket and key, after skip, so many times', async () => {
  const bench = await startBench();
  const fault = { kind: 'status', status: 500, code: 'InternalError' } as const;
  bench.faults.add({
    match: { operation: 'PutObject', bucket: 'backups', key: 'a' },
    skip: 1,
    times: 2,
    fault,
  });
  const statuses: number[] = [];
  for (const path of ['/backups/b', '/other/a', '/backups/a', '/backups/a', '/backups/a', '/backups/a']) {
    statuses.push((await bench.send('PUT', path, { body: 'a' })).status);
  }
  expect(statuses).toEqual([200, 200, 200, 500, 500, 200]);
  expect(bench.faults.hits()).toEqual([hit, hit]);
});

const hit = { kind: 'status', operation: 'PutObject', bucket: 'backups', key: 'a', partNumber: null };

test('rules are met in the order they were added, and clear removes them', async () => {
  const bench = await startBench();
  for (const status of [500, 503, 502]) {
    bench.faults.add({ match: {}, fault: { kind: 'status', status, code: 'InternalError' } });
  }
  expect([(await put(bench)).status, (await put(bench)).status]).toEqual([500, 503]);
  bench.faults.clear();
  expect((await put(bench)).status).toBe(200);
});

const incoming = (bench: Bench) => join(bench.folder, 'buckets', 'backups', 'incoming');

test('a client that goes away in the middle of a body leaves nothing behind', async () => {
  const bench = await startBench();
  const headers = await bench.signedHeaders('PUT', '/backups/a');
  const request = httpsRequest(`${bench.endpoint}/backups/a`, {
    method: 'PUT',
    headers: { ...headers, 'content-length': '5000000' },
    ca: bench.caPem ?? '',
    agent: false,
  });
  const failed = new Promise((resolve) => request.on('error', resolve));
  request.write(pattern(1_000_000));
  await vi.waitFor(async () => expect(await readdir(incoming(bench))).toHaveLength(1), { timeout: 10_000 });
  request.destroy(new Error('gone'));
  await failed;
  await vi.waitFor(async () => expect(await readdir(incoming(bench))).toHaveLength(0), { timeout: 10_000 });
  expect(bench.objects('backups')).toEqual([]);
  expect((await put(bench)).status).toBe(200);
});
