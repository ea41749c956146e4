import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { bytesOf, elements, owner, refusal, region, scoped, startBench } from './harness.ts';

const run = promisify(execFile);
const minuteMs = 60_000;

test('keys with every kind of character keep their names', async () => {
  const bench = await startBench();
  const keys = ['a b+c', "~'()!*", 'é/日本/😀', 'a//b/', '%41', 'a?b#c&d=e\\', 'tab\tnewline\n'];
  for (const key of keys) {
    const path = `/backups/${key.split('/').map(encode).join('/')}`;
    expect(await (await bench.send('PUT', path, { body: key })).text()).toBe('');
    expect(await (await bench.send('GET', path)).text()).toBe(key);
  }
  expect(bench.objects('backups').map(({ key }) => key)).toEqual(keys);
});

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

test('an unsigned payload is accepted', async () => {
  const bench = await startBench();
  const headers = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
  expect((await bench.send('PUT', '/backups/a', { body: 'text', headers })).status).toBe(200);
});

test('a wrong secret, an unknown key and no signature are refused', async () => {
  const bench = await startBench();
  const wrongSecret = { ...owner, secretKey: 'another' };
  const unknown = { ...owner, accessKey: 'nobody' };
  expect(await refusal(await bench.send('GET', '/', { key: wrongSecret }))).toBe('403 SignatureDoesNotMatch');
  expect(await refusal(await bench.send('GET', '/', { key: unknown }))).toBe('403 InvalidAccessKeyId');
  expect(await refusal(await bench.plain(`${bench.endpoint}/`))).toBe('403 AccessDenied');
});

test('a changed header, path or query is refused', async () => {
  const bench = await startBench();
  const headers = { 'x-amz-meta-token': 'one' };
  const tampered = [
    bench.send('PUT', '/backups/a', { body: 'a', headers, sent: { headers: { 'x-amz-meta-token': 'two' } } }),
    bench.send('PUT', '/backups/a', { body: 'a', sent: { path: '/backups/b' } }),
    bench.send('GET', '/backups?list-type=2&prefix=a', { sent: { path: '/backups?list-type=2&prefix=b' } }),
    bench.send('GET', '/backups?list-type=2', { sent: { path: '/backups?list-type=2&prefix=b' } }),
  ];
  for (const response of tampered) expect(await refusal(await response)).toBe('403 SignatureDoesNotMatch');
  expect(bench.objects('backups')).toEqual([]);
});

test('a header added after signing is refused: x-amz-*, and a Content-Type', async () => {
  const bench = await startBench();
  const added = await bench.send('PUT', '/backups/a', {
    body: 'a',
    sent: { headers: { 'x-amz-meta-token': 'two' } },
  });
  expect(await refusal(added)).toBe('403 AccessDenied');
  const headers = { 'content-type': 'text/plain' };
  const unsigned = await bench.send('PUT', '/backups/a', { body: 'a', headers, signContentType: false });
  expect(await refusal(unsigned)).toBe('403 AccessDenied');
  expect((await bench.send('PUT', '/backups/a', { body: 'a', headers })).status).toBe(200);
});

test('a changed body is refused and leaves nothing', async () => {
  const bench = await startBench();
  const changed = await bench.send('PUT', '/backups/a', { body: 'aaaa', sent: { body: 'aaab' } });
  expect(await refusal(changed)).toBe('400 XAmzContentSHA256Mismatch');
  expect(bench.objects('backups')).toEqual([]);
});

test('a Content-MD5 that does not match the body is refused', async () => {
  const bench = await startBench();
  const put = (md5: string) =>
    bench.send('PUT', '/backups/a', { body: 'a', headers: { 'content-md5': md5 } });
  expect(await refusal(await put('1B2M2Y8AsgTpgAmY7PhCfg=='))).toBe('400 BadDigest');
  expect(await refusal(await put('short'))).toBe('400 InvalidDigest');
  expect((await put('DMF1ucDxtqgxw5niaXcmYQ==')).status).toBe(200);
});

test('a clock more than a quarter of an hour off is refused', async () => {
  const bench = await startBench();
  const at = (minutes: number) =>
    bench.send('GET', '/', { signedAt: new Date(Date.now() + minutes * minuteMs) });
  expect((await at(-14)).status).toBe(200);
  expect((await at(14)).status).toBe(200);
  expect(await refusal(await at(-16))).toBe('403 RequestTimeTooSkewed');
  expect(await refusal(await at(16))).toBe('403 RequestTimeTooSkewed');
});

test('a request signed for another region is told the right one', async () => {
  const bench = await startBench();
  const response = await bench.send('GET', '/backups?list-type=2', { region: 'us-east-1' });
  expect(response.status).toBe(400);
  expect(response.headers.get('x-amz-bucket-region')).toBe('fra1');
  const text = await response.text();
  expect(text).toContain('<Code>AuthorizationHeaderMalformed</Code>');
  expect(text).toContain('<Region>fra1</Region>');
});

test('a scoped key reaches its bucket only and may not list buckets', async () => {
  const bench = await startBench();
  const as = (method: string, path: string) => bench.send(method, path, { key: scoped });
  expect((await as('HEAD', '/backups')).status).toBe(200);
  expect(await refusal(await as('GET', '/'))).toBe('403 AccessDenied');
  expect(await refusal(await as('GET', '/other?list-type=2'))).toBe('403 AccessDenied');
  expect((await as('HEAD', '/other')).status).toBe(403);
});

test('a scoped key that may list sees its own buckets', async () => {
  const lister = { ...scoped, listing: 'own' as const };
  const bench = await startBench({ keys: [lister] });
  const answer = await bench.send('GET', '/', { key: lister });
  expect(elements(await answer.text(), 'Name')).toEqual(['backups']);
});

test('curl downloads from a presigned URL under the given name', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/dir/a%20b', { body: 'content' });
  const name = encodeURIComponent('attachment; filename="dump.sql"');
  const url = await bench.presign(`/backups/dir/a%20b?response-content-disposition=${name}`);
  const { stdout } = await run('curl', ['-sS', '-i', '--http1.1', '--cacert', bench.caFile ?? '', url]);
  expect(stdout).toContain('200 OK');
  expect(stdout.toLowerCase()).toContain('content-disposition: attachment; filename="dump.sql"');
  expect(stdout.endsWith('\r\n\r\ncontent')).toBe(true);
});

test('a presigned URL ends with its time, and cannot be changed', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a', { body: 'content' });
  await bench.send('PUT', '/backups/b', { body: 'secret' });
  const earlier = new Date(Date.now() - 2 * minuteMs);
  const valid = await bench.presign('/backups/a', { expires: 180, signedAt: earlier });
  expect(await (await bench.plain(valid)).text()).toBe('content');
  const expired = await bench.plain(await bench.presign('/backups/a', { expires: 60, signedAt: earlier }));
  const text = await expired.text();
  expect(expired.status).toBe(403);
  expect(text).toContain('<Code>AccessDenied</Code><Message>Request has expired</Message>');
  const changes = [valid.replace('/backups/a', '/backups/b'), valid.replace('Expires=180', 'Expires=9000')];
  for (const url of changes) expect(await refusal(await bench.plain(url))).toBe('403 SignatureDoesNotMatch');
  const tooLong = await bench.plain(await bench.presign('/backups/a', { expires: 604_801 }));
  expect(await refusal(tooLong)).toBe('400 AuthorizationQueryParametersError');
  const elsewhere = await bench.plain(await bench.presign('/backups/a', { region: 'ams3' }));
  expect(await refusal(elsewhere)).toBe('400 AuthorizationQueryParametersError');
});

test('a presigned name that no header can carry is refused', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a', { body: 'content' });
  const url = await bench.presign(`/backups/a?response-content-disposition=${encodeURIComponent('日')}`);
  expect(await refusal(await bench.plain(url))).toBe('400 InvalidArgument');
});

test('a header in UTF-8 is verified as it was signed and comes back byte for byte', async () => {
  const bench = await startBench();
  const name = 'attachment; filename="größe.sql"';
  const settings = [
    ...['-sS', '--cacert', bench.caFile ?? '', '--aws-sigv4', `aws:amz:${region}:s3`],
    ...['--user', `${owner.accessKey}:${owner.secretKey}`],
  ];
  const sent = ['-H', `content-disposition: ${name}`, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD'];
  const url = `${bench.endpoint}/backups/a`;
  const put = await run('curl', [...settings, ...sent, '-T', bench.caFile ?? '', '-w', '%{http_code}', url]);
  expect(put.stdout).toBe('200');
  const back = await run('curl', [...settings, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD', '-I', url]);
  expect(back.stdout).toContain(`content-disposition: ${name}`);
});

test('a presigned URL answers ranges', async () => {
  const bench = await startBench();
  await bench.send('PUT', '/backups/a', { body: 'content' });
  const response = await bench.plain(await bench.presign('/backups/a'), { headers: { range: 'bytes=3-4' } });
  expect(response.status).toBe(206);
  expect((await bytesOf(response)).toString()).toBe('te');
});
