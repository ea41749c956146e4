import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bytesOf, md5, minPartBytes, pattern, putParts, startBench } from './harness.ts';

const endBytes = 64 * 1024;

async function diskBytes(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

test('a discarding bucket keeps size, ETag and the ends, and not the rest', async () => {
  const bench = await startBench({ discard: true });
  for (const bytes of [0, 1, 1000, endBytes, endBytes + 1, 2 * endBytes - 1, 2 * endBytes, 3_000_001]) {
    const body = pattern(bytes);
    const put = await bench.send('PUT', '/backups/a', { body });
    expect(put.headers.get('etag')).toBe(`"${md5(body)}"`);
    const got = await bytesOf(await bench.send('GET', '/backups/a'));
    expect(got.length).toBe(bytes);
    expect(got.subarray(0, endBytes).equals(body.subarray(0, endBytes))).toBe(true);
    expect(got.subarray(-endBytes).equals(body.subarray(-endBytes))).toBe(true);
    const middle = got.subarray(endBytes, Math.max(bytes - endBytes, endBytes));
    expect(middle.every((byte) => byte === 0)).toBe(true);
  }
});

test('the first and last byte of a discarded multipart object can be read', async () => {
  const bench = await startBench({ discard: true });
  const parts = [pattern(minPartBytes, 1), pattern(minPartBytes, 2), Buffer.from('the end')];
  const answer = await putParts(bench, '/backups/a', parts);
  expect(answer.status).toBe(200);
  const read = async (range: string) =>
    bytesOf(await bench.send('GET', '/backups/a', { headers: { range: `bytes=${range}` } }));
  const whole = Buffer.concat(parts);
  const last = whole.length - 1;
  expect(await read('0-0')).toEqual(whole.subarray(0, 1));
  expect(await read(`${last}-${last}`)).toEqual(whole.subarray(last));
  expect((await read(`${last - 65_535}-${last}`)).equals(whole.subarray(last - 65_535))).toBe(true);
  expect(await diskBytes(bench.folder)).toBeLessThan(500_000);
});
