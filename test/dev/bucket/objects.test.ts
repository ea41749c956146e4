import { execFile } from 'node:child_process';
import { request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { startDevBucket } from '../../../dev/bucket/server.ts';
import { bytesOf, elements, md5, owner, pattern, refusal, startBench, temporaryFolder } from './harness.ts';

const run = promisify(execFile);

test('an object comes back with its type, disposition and metadata', async () => {
  const bench = await startBench();
  const headers = {
    'content-type': 'application/x-dump',
    'content-disposition': 'attachment; filename="a.dump"',
    'x-amz-meta-token': 'run-1',
  };
  const body = pattern(300_000);
  const put = await bench.send('PUT', '/backups/a', { body, headers });
  expect(put.headers.get('etag')).toBe(`"${md5(body)}"`);
  expect(put.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/);
  for (const method of ['HEAD', 'GET']) {
    const response = await bench.send(method, '/backups/a');
    expect(Object.fromEntries(response.headers)).toMatchObject({ ...headers, 'content-length': '300000' });
    if (method === 'GET') expect(md5(await bytesOf(response))).toBe(md5(body));
  }
});

test('an empty object is one', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a', { body: '' });
  expect((await bytesOf(await bench.send('GET', '/backups/a'))).length).toBe(0);
  const range = await bench.send('GET', '/backups/a', { headers: { range: 'bytes=0-0' } });
  expect(await refusal(range)).toBe('416 InvalidRange');
});

test('ranges answer 206 with exactly their bytes', async () => {
  const bench = await startBench();
  const body = pattern(100_000);
  await bench.send('PUT', '/backups/a', { body });
  const cases = [
    ['bytes=0-0', 0, 0],
    ['bytes=99999-99999', 99_999, 99_999],
    ['bytes=10-200', 10, 200],
    ['bytes=99990-', 99_990, 99_999],
    ['bytes=-5', 99_995, 99_999],
    ['bytes=500-1000000', 500, 99_999],
  ] as const;
  for (const [range, start, end] of cases) {
    const response = await bench.send('GET', '/backups/a', { headers: { range } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/100000`);
    expect((await bytesOf(response)).equals(body.subarray(start, end + 1))).toBe(true);
  }
  const beyond = await bench.send('GET', '/backups/a', { headers: { range: 'bytes=100000-' } });
  expect(await refusal(beyond)).toBe('416 InvalidRange');
});

test('conditions are honoured', async () => {
  const bench = await startBench();
  const put = () => bench.send('PUT', '/backups/a', { body: 'a', headers: { 'if-none-match': '*' } });
  const etag = (await put()).headers.get('etag') ?? '';
  expect(await refusal(await put())).toBe('412 PreconditionFailed');
  const get = (headers: Record<string, string>) => bench.send('GET', '/backups/a', { headers });
  expect((await get({ 'if-match': etag })).status).toBe(200);
  expect(await refusal(await get({ 'if-match': '"other"' }))).toBe('412 PreconditionFailed');
  expect((await get({ 'if-none-match': etag })).status).toBe(304);
});

test('a missing object or bucket is 404, and removing what is absent is a success', async () => {
  const bench = await startBench();
  expect(await refusal(await bench.send('GET', '/backups/none'))).toBe('404 NoSuchKey');
  expect((await bench.send('HEAD', '/backups/none')).status).toBe(404);
  expect(await refusal(await bench.send('GET', '/absent/none'))).toBe('404 NoSuchBucket');
  expect((await bench.send('HEAD', '/absent')).status).toBe(404);
  expect((await bench.send('DELETE', '/backups/none')).status).toBe(204);
  await bench.send('PUT', '/backups/a', { body: 'a' });
  expect((await bench.send('DELETE', '/backups/a')).status).toBe(204);
  expect(await refusal(await bench.send('GET', '/backups/a'))).toBe('404 NoSuchKey');
});

test('a body without Content-Length is refused with 411', async () => {
  const bench = await startBench();
  const headers = await bench.signedHeaders('PUT', '/backups/a');
  const status = await new Promise((resolve, reject) => {
    const options = { method: 'PUT', headers, ca: bench.caPem ?? '', agent: false } as const;
    const request = httpsRequest(`${bench.endpoint}/backups/a`, options, (response) => {
      resolve(response.statusCode);
      response.resume();
    });
    request.on('error', reject);
    request.write('chunk');
    request.end();
  });
  expect(status).toBe(411);
});

test('several objects are removed at once', async () => {
  const bench = await startBench();
  for (const key of ['a', 'b', 'c&d'])
    await bench.send('PUT', `/backups/${encodeURIComponent(key)}`, { body: key });
  const body = '<Delete><Object><Key>a</Key></Object><Object><Key>c&amp;d</Key></Object></Delete>';
  const content = Buffer.from(md5(body), 'hex').toString('base64');
  const response = await bench.send('POST', '/backups?delete=', {
    body,
    headers: { 'content-md5': content },
  });
  expect(elements(await response.text(), 'Key')).toEqual(['a', 'c&amp;d']);
  expect(bench.objects('backups').map(({ key }) => key)).toEqual(['b']);
  expect(await refusal(await bench.send('POST', '/backups?delete=', { body }))).toBe('400 InvalidRequest');
});

test('a virtual-hosted request names the bucket in its host', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/dir/a', { body: 'content' });
  const url = await bench.presign('/dir/a', { virtualHost: 'backups.localhost' });
  const { stdout } = await run('curl', ['-sS', '--cacert', bench.caFile ?? '', url]);
  expect(stdout).toBe('content');
});

test('a later start on the same folder finds the objects', async () => {
  const folder = await temporaryFolder();
  const options = { folder, keys: [owner], buckets: ['backups'], tls: false };
  const first = await startBench({ ...options });
  const body = pattern(100_000);
  await first.send('PUT', '/backups/dir/a', { body, headers: { 'x-amz-meta-token': 't' } });
  const second = await startDevBucket(options);
  const [found] = second.objects('backups');
  await second.close();
  expect(found).toMatchObject({ key: 'dir/a', bytes: 100_000, etag: md5(body) });
  expect(found?.headers['x-amz-meta-token']).toBe('t');
});

test('what is not implemented says so', async () => {
  const bench = await startBench();
  expect(await refusal(await bench.send('GET', '/backups?lifecycle='))).toBe('501 NotImplemented');
  const copy = { 'x-amz-copy-source': '/backups/a' };
  expect(await refusal(await bench.send('PUT', '/backups/b', { headers: copy }))).toBe('501 NotImplemented');
});

test('every request is recorded with its operation and status', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a', { body: 'a' });
  await bench.plain(await bench.presign('/backups/a'));
  await bench.send('GET', '/backups/b');
  expect(
    bench.requests.map(({ operation, status, code, query }) => ({ operation, status, code, query })),
  ).toEqual([
    { operation: 'PutObject', status: 200, code: null, query: {} },
    { operation: 'GetObject', status: 200, code: null, query: {} },
    { operation: 'GetObject', status: 404, code: 'NoSuchKey', query: {} },
  ]);
});
