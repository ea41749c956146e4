import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listVersions } from '../../../src/object-stores/deep-test/list-page.ts';
import type { Tuning } from '../../../src/object-stores/s3/tuning.ts';
import { listedKeysContract } from '../../contracts/listed-keys.ts';
import { chunked, objectStoreContract, options } from '../../contracts/object-store.ts';
import type { Rgw, RgwKey } from '../../support/rgw.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';
import { sharedRgw } from '../../support/shared/rgw.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;

let gateway: Promise<Rgw> | undefined;
const rgw = () => {
  gateway ??= sharedRgw();
  return gateway;
};

async function openAs(
  pick: (rgw: Rgw) => RgwKey,
  overrides: { now?: () => Date; tuning?: Partial<Tuning>; memoryBytes?: number } = {},
): Promise<OpenedS3> {
  const { endpoint, region, ca, ...rest } = await rgw();
  return openTestS3({ endpoint, region, ca, ...pick({ endpoint, region, ca, ...rest }), ...overrides });
}

beforeAll(async () => {
  await rgw();
});
afterAll(async () => {
  await (await gateway)?.stop();
});

for (const [name, pick, bucketOf] of [
  ['a bucket of the Ceph gateway, with a full key', (at: Rgw) => at.full, (at: Rgw) => at.bucket],
  ['a bucket of the Ceph gateway, with a scoped key', (at: Rgw) => at.scoped, (at: Rgw) => at.scopedBucket],
] as const) {
  objectStoreContract(name, async () => {
    // What is of several parts is so with the smallest ones, too; those of 16 MiB are read and written in interop.test.ts.
    const opened = await openAs(pick, { memoryBytes: 20 * MIB, tuning: { usualPartBytes: 5 * MIB } });
    const store = opened.s3.bucket(bucketOf(await rgw()));
    return {
      store,
      key: (file) => `test/${crypto.randomUUID()}/${file}`,
      unfinished: (key) => store.listUploads(key, { token: '' }),
      keepsToken: true,
      largeBytes: 12 * MIB + 77,
      close: opened.close,
    };
  });
}

listedKeysContract('the Ceph gateway', async () => {
  const { s3, close } = await openAs((at) => at.full, { tuning: { listPageEntries: 2 } });
  return { s3, bucket: (await rgw()).bucket, listsVersions: true, close };
});

describe('the Ceph gateway', () => {
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

  it('lists the buckets to a full key', async () => {
    expect(await full.s3.listBuckets()).toEqual(expect.arrayContaining(['full-bucket', 'scoped-bucket']));
  });

  it('denies the list of buckets to a scoped key, which is how such a key is recognised', async () => {
    await expect(scoped.s3.listBuckets()).rejects.toMatchObject({ code: 'storage_denied' });
  });

  it('finds a bucket that the key may use', async () => {
    await full.s3.checkBucket('full-bucket');
    await scoped.s3.checkBucket('scoped-bucket', { prefix: 'production/app/' });
  });

  it('names what is wrong with a bucket that is not there or not allowed', async () => {
    await expect(full.s3.checkBucket('no-such-bucket')).rejects.toMatchObject({
      code: 'storage_no_bucket',
      details: { bucket: 'no-such-bucket', s3Code: 'NoSuchBucket' },
    });
    await expect(scoped.s3.checkBucket('full-bucket')).rejects.toMatchObject({ code: 'storage_denied' });
  });

  it('refuses wrong keys without repeating them', async () => {
    const at = await rgw();
    const wrong = openTestS3({ ...at, accessKey: at.full.accessKey, secretKey: 'wrong-secret' });
    const unknown = openTestS3({ ...at, accessKey: 'UNKNOWNKEY', secretKey: 'wrong-secret' });
    for (const { s3, close } of [wrong, unknown]) {
      const error = await s3.listBuckets().catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: 'storage_bad_credentials' });
      expect(JSON.stringify([error, String(error)])).not.toMatch(/wrong-secret|UNKNOWNKEY|FULLACCESSKEY/);
      await close();
    }
  });

  it('works with a clock that is an hour off', async () => {
    const late = await openAs((at) => at.full, { now: () => new Date(Date.now() - 3_600_000) });
    expect(await late.s3.listBuckets()).toContain('full-bucket');
    await late.close();
  });

  it('does not trust a certificate that nobody vouched for', async () => {
    const at = await rgw();
    const untrusting = openTestS3({ ...at, ...at.full, ca: undefined });
    await expect(untrusting.s3.listBuckets()).rejects.toMatchObject({ code: 'storage_tls' });
    await untrusting.close();
  });

  it.each(['plain.sql.gz', 'späte "Datei" (2)\'s*!~.dump', 'a+b %41 & ?#;.tar', '日本語 😀.sql'])(
    'gives a link with which curl downloads %s under that name',
    async (fileName) => {
      const bucket = full.s3.bucket('full-bucket');
      const key = `links/${crypto.randomUUID()}/${fileName}`;
      const content = randomBytes(50_000);
      await bucket.put(key, chunked(content), options({ fileName, contentType: 'application/gzip' }));
      const url = await bucket.presignDownload(key, { fileName, expiresInSeconds: 60 });
      const { caFile } = await rgw();
      const { stdout } = await run('curl', ['-sSf', '--cacert', caFile, url], { encoding: 'buffer' });
      expect(createHash('sha256').update(stdout).digest('hex')).toBe(
        createHash('sha256').update(content).digest('hex'),
      );
      const headers = (await run('curl', ['-sSf', '--cacert', caFile, '-o', '/dev/null', '-D', '-', url]))
        .stdout;
      const isPlain = /^[\w.-]+$/.test(fileName);
      expect(headers).toContain(
        isPlain ? `filename="${fileName}"` : `filename*=UTF-8''${encodeURIComponent(fileName).slice(0, 5)}`,
      );
      expect(headers).toMatch(/content-type: application\/gzip/i);
      await bucket.remove(key);
    },
  );

  it('removes an object that is older than the versions of its bucket, and does not just hide it', async () => {
    const at = await rgw();
    await at.createBucket('full-older');
    const bucket = full.s3.bucket('full-older');
    const key = `older/${crypto.randomUUID()} ü+1.sql`;
    const { versionId } = await bucket.put(key, chunked(randomBytes(1000)), options());
    expect(versionId).toBeNull();
    const place = { connection: full.s3.connection, bucket: 'full-older' };
    const kept = async () =>
      (await listVersions(place, AbortSignal.timeout(60_000), 'older/'))
        .filter(({ isDeleteMarker }) => !isDeleteMarker)
        .map(({ key }) => key);
    expect(await kept()).toEqual([key]);
    await at.keepVersions('full-older');
    await bucket.remove(key);
    expect(await bucket.head(key)).toBeNull();
    expect(await kept()).toEqual([]);
  });

  it('removes an upload, and removes it again without complaint', async () => {
    const bucket = full.s3.bucket('full-bucket');
    const key = `uploads/${crypto.randomUUID()}`;
    let uploadId = '';
    const put = bucket.put(
      key,
      chunked(randomBytes(17 * MIB)),
      options({
        onUploadCreated: async (created) => {
          uploadId = created;
          await bucket.abortUpload(key, created);
          await bucket.abortUpload(key, created);
        },
      }),
    );
    await expect(put).rejects.toMatchObject({ code: 'storage_missing' });
    expect(await bucket.uploadExists(key, uploadId)).toBe(false);
    expect(await bucket.head(key)).toBeNull();
  });
});
