import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { startDevBucket } from '../../../dev/bucket/server.ts';
import { begin, listedKeysContract } from '../../contracts/listed-keys.ts';
import { openTestS3 } from '../../support/s3.ts';

const KEY = { accessKey: 'LISTEDKEY', secretKey: 'listed-secret-for-tests' };
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function start(encodesSilently: boolean, listPageEntries = 2) {
  const folder = await mkdtemp(join(tmpdir(), 'listed-'));
  folders.push(folder);
  const server = await startDevBucket({
    folder,
    tls: false,
    keys: [KEY],
    buckets: ['backups'],
    limits: { encodesSilently },
  });
  const { endpoint, region } = server;
  const { s3, close } = openTestS3({ endpoint, region, ...KEY, tuning: { listPageEntries } });
  return { server, s3, close: () => close().then(() => server.close()) };
}

for (const [name, encodesSilently] of [
  ['a storage that encodes as AWS documents it', false],
  ['a storage that encodes and does not say so', true],
] as const) {
  listedKeysContract(name, async () => {
    const { s3, close } = await start(encodesSilently);
    return { s3, bucket: 'backups', listsVersions: true, close };
  });
}

describe('a storage that does not look at the prefix', () => {
  const rule = {
    match: { operation: 'ListMultipartUploads' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'ignore-prefix' },
  } as const;

  test('has an upload found that is far down its list', async () => {
    const { server, s3, close } = await start(false);
    server.faults.add(rule);
    const ids = new Map<string, string>();
    for (const key of ['a', 'a b', 'b', 'c', 'e f', 'e+f', 'z ü😀']) {
      ids.set(key, await begin(s3.connection, 'backups', key));
    }
    for (const [key, id] of ids) {
      expect(await s3.bucket('backups').listUploads(key, { token: '' })).toEqual([id]);
    }
    await close();
  });

  test('is not believed to have none where its list does not come to an end', async () => {
    const { server, s3, close } = await start(false, 1);
    server.faults.add(rule);
    for (let count = 0; count < 102; count += 1) await begin(s3.connection, 'backups', 'a');
    await expect(s3.bucket('backups').listUploads('z', { token: '' })).rejects.toMatchObject({
      code: 'storage_bad_answer',
      message: expect.stringContaining('does not come to an end'),
    });
    await close();
  });
});
