import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';

const KEY = { accessKey: 'DEVACCESSKEY', secretKey: 'dev-secret-for-tests' };
const MIB = 2 ** 20;

let folder: string;
let bucket: DevBucket;
let opened: OpenedS3;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'md5-'));
  bucket = await startDevBucket({ folder, keys: [KEY], buckets: ['locked'], limits: { requireMd5: true } });
  opened = openTestS3({
    ...KEY,
    endpoint: bucket.endpoint,
    region: bucket.region,
    ca: bucket.caPem ?? undefined,
  });
});
afterAll(async () => {
  await opened.close();
  await bucket.close();
  await rm(folder, { recursive: true, force: true });
});

async function* body(mebibytes: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < mebibytes; i += 1) yield new Uint8Array(MIB).fill(i + 1);
}

for (const [what, mebibytes] of [
  ['one PUT', 2],
  ['several parts', 50],
] as const) {
  test(`a bucket that asks for Content-MD5, as Object Lock does, gets it: ${what}`, async () => {
    const stored = await opened.s3.bucket('locked').put(`${mebibytes}.sql`, body(mebibytes), {
      signal: new AbortController().signal,
      token: `token-${mebibytes}`,
      contentType: 'application/sql',
      fileName: 'a.sql',
    });
    expect(stored.bytes).toBe(mebibytes * MIB);
    expect(bucket.objects('locked').find(({ key }) => key === `${mebibytes}.sql`)?.bytes).toBe(
      mebibytes * MIB,
    );
    expect(bucket.uploads('locked')).toEqual([]);
    expect(bucket.requests.some(({ status, code }) => status === 400 && code === 'InvalidRequest')).toBe(
      true,
    );
  });
}
