import { expect, test } from 'vitest';
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

async function partsSent(bench: Bench, uploadId: string, bodies: readonly Uint8Array[]) {
  const etags: [number, string][] = [];
  for (const [index, body] of bodies.entries()) {
    const response = await sendPart(bench, '/backups/a', uploadId, index + 1, body);
    etags.push([index + 1, response.headers.get('etag') ?? '']);
  }
  return etags;
}

test('parts become one object with the ETag of their MD5s', async () => {
  const bench = await startBench();
  const parts = [pattern(minPartBytes, 1), pattern(minPartBytes, 2), pattern(70_001, 3)];
  const response = await putParts(bench, '/backups/a', parts, { 'x-amz-meta-token': 'run-1' });
  const digests = Buffer.concat(parts.map((part) => Buffer.from(md5(part), 'hex')));
  expect(elements(await response.text(), 'ETag')).toEqual([`&quot;${md5(digests)}-3&quot;`]);
  const whole = Buffer.concat(parts);
  const got = await bench.send('GET', '/backups/a');
  expect(got.headers.get('x-amz-meta-token')).toBe('run-1');
  expect(md5(await bytesOf(got))).toBe(md5(whole));
  const across = { range: `bytes=${minPartBytes - 3}-${2 * minPartBytes + 2}` };
  const range = await bytesOf(await bench.send('GET', '/backups/a', { headers: across }));
  expect(range.equals(whole.subarray(minPartBytes - 3, 2 * minPartBytes + 3))).toBe(true);
  expect(bench.uploads('backups')).toEqual([]);
});

test('parts may be sent in any order, at once, and again', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  const bodies = [1, 2, 3, 4].map((seed) => pattern(minPartBytes, seed));
  await sendPart(bench, '/backups/a', uploadId, 2, pattern(100, 9));
  const sent = await Promise.all(
    bodies.map(async (body, index) => {
      const number = bodies.length - index;
      const response = await sendPart(bench, '/backups/a', uploadId, number, body);
      return [number, response.headers.get('etag') ?? ''] as const;
    }),
  );
  expect((await complete(bench, '/backups/a', uploadId, sent.reverse())).status).toBe(200);
  const got = await bytesOf(await bench.send('GET', '/backups/a'));
  expect(md5(got)).toBe(md5(Buffer.concat(bodies.reverse())));
});

test('Complete refuses a wrong order, unknown parts, small parts and nonsense, and the upload stays', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  const etags = await partsSent(bench, uploadId, [pattern(minPartBytes - 1), pattern(10)]);
  const attempt = async (parts: typeof etags, headers = {}) =>
    refusal(await complete(bench, '/backups/a', uploadId, parts, headers));
  expect(await attempt([...etags].reverse())).toBe('400 InvalidPartOrder');
  expect(await attempt([...etags, [3, '"none"']])).toBe('400 InvalidPart');
  expect(await attempt([[1, '"wrong"']])).toBe('400 InvalidPart');
  expect(await attempt(etags)).toBe('400 EntityTooSmall');
  expect(await attempt([])).toBe('400 MalformedXML');
  expect(await attempt(etags.slice(0, 1), { 'x-amz-mp-object-size': '1' })).toBe('400 InvalidRequest');
  expect(bench.uploads('backups')).toHaveLength(1);
  expect((await complete(bench, '/backups/a', uploadId, etags.slice(0, 1))).status).toBe(200);
  expect(await attempt(etags.slice(0, 1))).toBe('404 NoSuchUpload');
});

test('Complete with If-None-Match is refused where the key is taken', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a', { body: 'earlier' });
  const uploadId = await createUpload(bench, '/backups/a');
  const etags = await partsSent(bench, uploadId, [pattern(10)]);
  const refused = await complete(bench, '/backups/a', uploadId, etags, { 'if-none-match': '*' });
  expect(await refusal(refused)).toBe('412 PreconditionFailed');
});

test('a part whose body was changed is refused and not kept', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  const path = `/backups/a?partNumber=1&uploadId=${uploadId}`;
  const response = await bench.send('PUT', path, { body: 'aaaa', sent: { body: 'aaab' } });
  expect(await refusal(response)).toBe('400 XAmzContentSHA256Mismatch');
  expect(bench.uploads('backups')).toMatchObject([{ uploadId, parts: [] }]);
});

test('after an Abort neither the upload nor its parts are there', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  await partsSent(bench, uploadId, [pattern(10)]);
  const path = `/backups/a?uploadId=${uploadId}`;
  expect((await bench.send('DELETE', path)).status).toBe(204);
  expect(await refusal(await bench.send('DELETE', path))).toBe('404 NoSuchUpload');
  expect(await refusal(await bench.send('GET', path))).toBe('404 NoSuchUpload');
  const late = await sendPart(bench, '/backups/a', uploadId, 2, pattern(10));
  expect(await refusal(late)).toBe('404 NoSuchUpload');
  expect(bench.uploads('backups')).toEqual([]);
});

test('parts and uploads are listed in pages', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  await partsSent(bench, uploadId, [pattern(10), pattern(11), pattern(12)]);
  const first = await (await bench.send('GET', `/backups/a?uploadId=${uploadId}&max-parts=2`)).text();
  expect(elements(first, 'PartNumber')).toEqual(['1', '2']);
  expect(elements(first, 'IsTruncated')).toEqual(['true']);
  const marker = elements(first, 'NextPartNumberMarker')[0];
  const path = `/backups/a?uploadId=${uploadId}&part-number-marker=${marker}`;
  expect(elements(await (await bench.send('GET', path)).text(), 'Size')).toEqual(['12']);

  await createUpload(bench, '/backups/a');
  await createUpload(bench, '/backups/b');
  const found: string[] = [];
  let more = '';
  do {
    const page = await (await bench.send('GET', `/backups?uploads=&max-uploads=1${more}`)).text();
    found.push(...elements(page, 'UploadId'));
    const [key, id] = [elements(page, 'NextKeyMarker')[0], elements(page, 'NextUploadIdMarker')[0]];
    more = key === undefined ? '' : `&key-marker=${key}&upload-id-marker=${id}`;
  } while (more !== '');
  expect(found.toSorted()).toEqual(
    bench
      .uploads('backups')
      .map((upload) => upload.uploadId)
      .toSorted(),
  );
});

test('limits of a provider are enforced: number of parts, and parts of one size', async () => {
  const bench = await startBench({ limits: { maxParts: 3, equalParts: true } });
  const uploadId = await createUpload(bench, '/backups/a');
  const beyond = await sendPart(bench, '/backups/a', uploadId, 4, pattern(10));
  expect(await refusal(beyond)).toBe('400 InvalidArgument');
  const sizes = [minPartBytes, minPartBytes + 1, 10];
  const etags = await partsSent(
    bench,
    uploadId,
    sizes.map((size) => pattern(size)),
  );
  expect(await refusal(await complete(bench, '/backups/a', uploadId, etags))).toBe('400 InvalidPart');
});

test('the same part number sent twice at once keeps one of them whole', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  const bodies = [pattern(500_000, 1), pattern(500_000, 2)];
  await Promise.all(bodies.map((body) => sendPart(bench, '/backups/a', uploadId, 1, body)));
  const etag = bench.uploads('backups')[0]?.parts[0]?.etag ?? '';
  expect(bodies.map(md5)).toContain(etag);
  await complete(bench, '/backups/a', uploadId, [[1, etag]]);
  expect(md5(await bytesOf(await bench.send('GET', '/backups/a')))).toBe(etag);
});

test('of two Completes at once one wins and the object is whole', async () => {
  const bench = await startBench();
  const uploadId = await createUpload(bench, '/backups/a');
  const bodies = [pattern(minPartBytes, 1), pattern(10, 2)];
  const etags = await partsSent(bench, uploadId, bodies);
  const answers = await Promise.all([1, 2].map(() => complete(bench, '/backups/a', uploadId, etags)));
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 404]);
  expect(md5(await bytesOf(await bench.send('GET', '/backups/a')))).toBe(md5(Buffer.concat(bodies)));
});
