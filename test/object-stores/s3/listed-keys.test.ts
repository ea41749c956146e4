import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Limits } from '../../../dev/bucket/operations/exchange.ts';
import { startDevBucket } from '../../../dev/bucket/server.ts';
import { begin, listedKeysContract, SPELLINGS } from '../../contracts/listed-keys.ts';
import { openTestS3 } from '../../support/s3.ts';

const KEY = { accessKey: 'LISTEDKEY', secretKey: 'listed-secret-for-tests' };
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function start(limits: Partial<Limits>, listPageEntries = 2) {
  const folder = await mkdtemp(join(tmpdir(), 'listed-'));
  folders.push(folder);
  const server = await startDevBucket({
    folder,
    tls: false,
    keys: [KEY],
    buckets: ['backups'],
    limits,
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
    const { s3, close } = await start({ encodesSilently });
    return { s3, bucket: 'backups', listsVersions: true, close };
  });
}

describe.each(['percent', 'form', 'path'] as const)(
  'a storage that encodes the keys of a list unasked, as a %s is',
  (encodesUnasked) => {
    // Nothing in the list tells: what an entry may mean is asked for.
    test('has each unfinished upload found for its own key, and for no other', async () => {
      const { s3, close } = await start({ encodesUnasked }, 1000);
      const bucket = s3.bucket('backups');
      const ids = new Map<string, string>();
      for (const key of SPELLINGS.flat()) ids.set(key, await begin(s3.connection, 'backups', key));
      for (const [key, id] of ids) expect(await bucket.listUploads(key, { token: '' })).toEqual([id]);
      await close();
    });
  },
);

describe('a storage that does not look at the prefix', () => {
  const rule = {
    match: { operation: 'ListMultipartUploads' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'ignore-prefix' },
  } as const;

  test('has an upload found that is far down its list', async () => {
    const { server, s3, close } = await start({});
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
    const { server, s3, close } = await start({}, 1);
    server.faults.add(rule);
    for (let count = 0; count < 102; count += 1) await begin(s3.connection, 'backups', 'a');
    await expect(s3.bucket('backups').listUploads('z', { token: '' })).rejects.toMatchObject({
      code: 'storage_bad_answer',
      message: expect.stringContaining('does not come to an end'),
    });
    await close();
  });
});
