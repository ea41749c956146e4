import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Tuning } from '../../../src/object-stores/s3/tuning.ts';
import { listedKeysContract } from '../../contracts/listed-keys.ts';
import { objectStoreContract } from '../../contracts/object-store.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';
import { type Swift, type SwiftKey, startSwift } from '../../support/swift.ts';

let server: Promise<Swift> | undefined;
const swift = () => {
  server ??= startSwift();
  return server;
};

async function openAs(pick: (swift: Swift) => SwiftKey, tuning: Partial<Tuning> = {}): Promise<OpenedS3> {
  const at = await swift();
  const { endpoint, region, ca } = at;
  // 10 MiB of memory make parts of 5 MiB.
  return openTestS3({ endpoint, region, ca, ...pick(at), memoryBytes: 10 * 2 ** 20, tuning });
}

beforeAll(async () => {
  await swift();
});
afterAll(async () => {
  await (await server)?.stop();
});

for (const [name, pick, bucketOf] of [
  ['a bucket of OpenStack Swift, with a full key', (at: Swift) => at.full, (at: Swift) => at.bucket],
  [
    'a bucket of OpenStack Swift, with a scoped key',
    (at: Swift) => at.scoped,
    (at: Swift) => at.scopedBucket,
  ],
] as const) {
  objectStoreContract(name, async () => {
    const opened = await openAs(pick);
    const store = opened.s3.bucket(bucketOf(await swift()));
    return {
      store,
      key: (file) => `test/${crypto.randomUUID()}/${file}`,
      unfinished: (key) => store.listUploads(key, { token: '' }),
      keepsToken: true,
      largeBytes: 12 * 2 ** 20 + 77,
      close: opened.close,
    };
  });
}

listedKeysContract('OpenStack Swift', async () => {
  const { s3, close } = await openAs((at) => at.full, { listPageEntries: 2 });
  return { s3, bucket: (await swift()).bucket, listsVersions: false, close };
});

describe('OpenStack Swift', () => {
  let full: OpenedS3;
  let scoped: OpenedS3;

  beforeAll(async () => {
    full = await openAs((at) => at.full);
    scoped = await openAs((at) => at.scoped);
  });
  afterAll(async () => {
    await full?.close();
    await scoped?.close();
  });

  it('lists the buckets to a full key and denies the list to a scoped one', async () => {
    expect(await full.s3.listBuckets()).toEqual(expect.arrayContaining(['full-bucket', 'scoped-bucket']));
    await expect(scoped.s3.listBuckets()).rejects.toMatchObject({ code: 'storage_denied' });
  });

  it('lets each key into its bucket and names what is wrong with another', async () => {
    await full.s3.checkBucket('full-bucket');
    await scoped.s3.checkBucket('scoped-bucket', { prefix: 'production/app/' });
    await expect(scoped.s3.checkBucket('full-bucket')).rejects.toMatchObject({ code: 'storage_denied' });
    await expect(full.s3.checkBucket('no-such-bucket')).rejects.toMatchObject({ code: 'storage_no_bucket' });
  });

  it('refuses a wrong secret without repeating it', async () => {
    const at = await swift();
    const wrong = openTestS3({ ...at, accessKey: at.full.accessKey, secretKey: 'wrong-secret' });
    const error = await wrong.s3.listBuckets().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: 'storage_bad_credentials' });
    expect(JSON.stringify([error, String(error)])).not.toContain('wrong-secret');
    await wrong.close();
  });
});
