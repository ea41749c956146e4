import { randomBytes } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProfileName } from '../../../dev/bucket/profiles.ts';
import type { DevBucket } from '../../../dev/bucket/server.ts';
import { deepTestBucket } from '../../../src/object-stores/deep-test/deep-test.ts';
import { isSound } from '../../../src/object-stores/deep-test/result.ts';
import { providerOf } from '../../../src/object-stores/providers.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import { openProvider } from '../../support/provider-network.ts';
import {
  BUCKET,
  FULL,
  LARGE,
  NOTHING,
  PLACES,
  type ProviderPlace,
  SCOPED,
  startProvider,
} from '../../support/provider-place.ts';

/** What each provider does of its own; what all do is in the smoke and contract files beside this one. */

const MIB = 2 ** 20;

async function open(
  profile: ProfileName,
  bucketRegions: Readonly<Record<string, string>> = {},
): Promise<ProviderPlace> {
  const place = await startProvider(profile, bucketRegions);
  onTestFinished(() => place.close());
  return place;
}

describe('Cloudflare R2', () => {
  it('gets equal parts, the last one smaller', async () => {
    const { server, client } = await open('r2');
    await client.s3.bucket(BUCKET).put('key', chunked(randomBytes(LARGE)), options());
    expect(server.objects(BUCKET).map(({ bytes, etag }) => [bytes, etag.slice(-2)])).toEqual([[LARGE, '-3']]);
  });

  it('gets the largest parts where nobody knows how much will come, since they can not grow later', async () => {
    const { server } = await open('r2');
    // 36 MiB of memory make parts of 18 MiB at most; 16 MiB are usual, and would make three of them.
    const { s3, close } = openProvider(server, { ...PLACES.r2, ...FULL }, { memoryBytes: 36 * MIB });
    onTestFinished(close);
    await s3.bucket(BUCKET).put('key', chunked(randomBytes(33 * MIB)), options());
    expect(server.objects(BUCKET).map(({ bytes, etag }) => [bytes, etag.slice(-2)])).toEqual([
      [33 * MIB, '-2'],
    ]);
  });

  it('has its 401 for a wrong secret read as wrong credentials', async () => {
    const wrong = (await open('r2')).as({ ...FULL, secretKey: 'wrong' });
    await expect(wrong.s3.listBuckets()).rejects.toMatchObject({
      code: 'storage_bad_credentials',
      details: { status: 401, s3Code: 'Unauthorized' },
    });
  });
});

describe('Backblaze B2', () => {
  it('answers 403 for what is not there, and the client finds out by a list', async () => {
    const { server, as } = await open('backblaze');
    const bucket = as(SCOPED).s3.bucket(BUCKET);
    expect(await bucket.head('absent')).toBeNull();
    await expect(bucket.get('absent')).rejects.toMatchObject({ code: 'storage_missing' });
    const refused = server.requests.filter(({ status }) => status === 403).map(({ operation }) => operation);
    expect(refused).toEqual(expect.arrayContaining(['HeadObject', 'GetObject']));
  });

  it('has no tomes available on a connection once it said so, and gets the part on a new one', async () => {
    const { server, client } = await open('backblaze');
    await client.s3.bucket(BUCKET).put('key', chunked(randomBytes(LARGE)), options());
    expect(server.requests.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
  });

  it('hides what is deleted without a version, and loses what is deleted by version', async () => {
    const { client } = await open('backblaze');
    const bucket = client.s3.bucket(BUCKET);
    const stored = await bucket.put('key', chunked(randomBytes(1000)), options());
    await bucket.remove('key');
    expect(await bucket.head('key')).toBeNull();
    expect(await bucket.head('key', { versionId: stored.versionId })).toMatchObject({ bytes: 1000 });
    await bucket.remove('key', { versionId: stored.versionId });
    expect(await bucket.head('key', { versionId: stored.versionId })).toBeNull();
  });
});

describe('DigitalOcean Spaces', () => {
  it('refuses an encoded separator, which the client never sends', async () => {
    const { server, client } = await open('digitalocean');
    const bucket = client.s3.bucket(BUCKET);
    await bucket.put('a/b c/d', chunked(randomBytes(10)), options());
    expect(server.requests.map(({ path }) => path)).toContain(`/${BUCKET}/a/b%20c/d`);
    const refused = await raw(server, 'fra1', `/${BUCKET}/a%2Fb%20c%2Fd`);
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')]);
  });
});

describe('AWS S3', () => {
  it('tells the region of a bucket that lies elsewhere, for every kind of request', async () => {
    for (const first of ['head', 'get', 'put'] as const) {
      const { client } = await open('aws', { [BUCKET]: 'eu-central-1' });
      const bucket = client.s3.bucket(BUCKET);
      if (first === 'head') expect(await bucket.head('key')).toBeNull();
      if (first === 'get') await expect(bucket.get('key')).rejects.toMatchObject({ code: 'storage_missing' });
      await bucket.put('key', chunked(randomBytes(LARGE)), options());
      expect(await bucket.head('key')).toMatchObject({ bytes: LARGE });
    }
  });

  it('may answer Complete with 200 and an error, and gets it again', async () => {
    const { server, client } = await open('aws');
    const bucket = client.s3.bucket(BUCKET);
    for (const key of ['one', 'two']) await bucket.put(key, chunked(randomBytes(LARGE)), options());
    const completes = server.requests.filter(({ operation }) => operation === 'CompleteMultipartUpload');
    expect(completes.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(server.objects(BUCKET)).toHaveLength(2);
  });
});

describe('MinIO', () => {
  it('lists nothing to a key that may use nothing', async () => {
    const nobody = (await open('minio')).as(NOTHING);
    expect(await nobody.s3.listBuckets()).toEqual([]);
  });

  it('purges an upload after a day, and the client says so and leaves nothing', async () => {
    const { server, client } = await open('minio');
    server.faults.add({
      match: {},
      skip: 3,
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'skew', ms: 25 * 3_600_000 },
    });
    const put = client.s3.bucket(BUCKET).put('key', chunked(randomBytes(LARGE)), options());
    await expect(put).rejects.toMatchObject({
      code: 'storage_missing',
      message: expect.stringContaining('stale_uploads_expiry'),
    });
    expect([...server.uploads(BUCKET), ...server.objects(BUCKET)]).toEqual([]);
  });
});

describe('Scaleway', () => {
  it('takes a thousand parts, and a dump that needs more is refused before anything is sent', async () => {
    const { server, client } = await open('scaleway');
    const put = client.s3
      .bucket(BUCKET)
      .put('key', chunked(randomBytes(10)), options({ estimatedBytes: 6_000 * MIB }));
    await expect(put).rejects.toMatchObject({ code: 'storage_too_large' });
    expect(server.requests.filter(({ method }) => method === 'POST' || method === 'PUT')).toEqual([]);
    const late = await raw(server, 'fr-par', `/${BUCKET}/key?uploads`, { method: 'POST' });
    const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(late.text)?.[1];
    const refused = await raw(server, 'fr-par', `/${BUCKET}/key?partNumber=1001&uploadId=${uploadId}`, {
      method: 'PUT',
      body: 'x',
    });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('between 1 and 1000')]);
  });
});

describe.each([
  ['Wasabi', 'wasabi', 400, 'RequestRateLimitExceeded'],
  ['Tigris', 'tigris', 408, 'RequestCanceled'],
  ['Cloudflare R2', 'r2', 429, 'TooManyRequests'],
  ['Google Cloud Storage', 'gcs', 429, 'TooManyRequests'],
  ['MinIO', 'minio', 503, 'SlowDownWrite'],
  ['Backblaze B2', 'backblaze', 503, 'ServiceUnavailable'],
] as const)('%s', (_, name, status, code) => {
  it(`answers ${status} ${code} under load, and the client comes again`, async () => {
    const { server, client } = await open(name);
    await client.s3.bucket(BUCKET).put('key', chunked(randomBytes(3 * LARGE)), options());
    const refused = server.requests.filter((request) => request.status === status && request.code === code);
    expect(refused.length).toBeGreaterThan(0);
    expect(server.objects(BUCKET)).toMatchObject([{ bytes: 3 * LARGE }]);
    expect(providerOf(PLACES[name].endpoint).throttling).toContainEqual({ status, code });
  });
});

describe('Hetzner', () => {
  it('refuses bodies in signed chunks, which the client never sends', async () => {
    const { server, client } = await open('hetzner');
    await client.s3.bucket(BUCKET).put('key', chunked(randomBytes(LARGE)), options());
    const refused = await raw(server, 'fsn1', `/${BUCKET}/chunks`, {
      method: 'PUT',
      body: 'x',
      headers: { 'content-encoding': 'aws-chunked' },
    });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('InvalidArgument')]);
  });
});

describe('Storj', () => {
  it('loses the token of an object in parts, whose size then tells whose it is', async () => {
    const { server, client } = await open('storj');
    const bucket = client.s3.bucket(BUCKET);
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'reset-after' } });
    const stored = await bucket.put('key', chunked(randomBytes(LARGE)), options());
    expect(stored.bytes).toBe(LARGE);
    expect(await bucket.head('key')).toMatchObject({ bytes: LARGE, token: null });
  });

  it('never passes an object of another size off as ours', async () => {
    const { server, client } = await open('storj');
    const bucket = client.s3.bucket(BUCKET);
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'lose-part' } });
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'reset' } });
    const put = bucket.put('key', chunked(randomBytes(LARGE)), {
      ...options(),
      // Somebody else takes the key at the last moment.
      beforeSeal: async () => {
        await raw(server, 'us-east-1', `/${BUCKET}/key`, { method: 'PUT', body: 'foreign' });
        server.faults.clear();
        server.faults.add({
          match: { operation: 'CompleteMultipartUpload' },
          fault: { kind: 'lose-upload' },
        });
      },
    });
    await expect(put).rejects.toMatchObject({ code: 'storage_uncertain' });
    expect((await collect(await bucket.get('key'))).toString()).toBe('foreign');
  });
});

describe('OVHcloud', () => {
  it('gets the region of its host in lower case, however it was typed', async () => {
    const { server, client } = await open('ovh');
    await client.s3.checkBucket(BUCKET);
    const refused = await raw(server, 'GRA', `/${BUCKET}?list-type=2`);
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining('<Region>gra</Region>')]);
  });
});

describe('Google Cloud Storage', () => {
  it('changes Accept-Encoding on its way in, which the client therefore never signs', async () => {
    const { server, client } = await open('gcs');
    await client.s3.bucket(BUCKET).put('key', chunked(randomBytes(LARGE)), options());
    const refused = await raw(server, 'auto', `/${BUCKET}/key`, {
      headers: { 'accept-encoding': 'identity' },
    });
    expect([refused.status, refused.text]).toEqual([403, expect.stringContaining('SignatureDoesNotMatch')]);
  });
});

describe.each([
  ['Google Cloud Storage', 'gcs'],
  ['SeaweedFS', 'seaweedfs'],
] as const)('%s', (_, name) => {
  it('gives an object in parts an ETag that says nothing, and it is taken for what it is', async () => {
    const { server, client } = await open(name);
    const content = randomBytes(LARGE);
    const etags: string[] = [];
    for (const key of ['one', 'two']) await client.s3.bucket(BUCKET).put(key, chunked(content), options());
    for (const { etag } of server.objects(BUCKET)) etags.push(etag);
    expect(new Set(etags).size).toBe(2);
  });
});

describe('Garage', () => {
  it('has no versions, and a deep test of its bucket works all the same', async () => {
    const { server, client } = await open('garage');
    const signal = AbortSignal.timeout(60_000);
    const probe = await deepTestBucket(client.s3.connection, BUCKET, { prefixes: [], signal });
    expect(isSound(probe)).toBe(true);
    const refused = server.requests.filter(({ status }) => status === 501).map(({ operation }) => operation);
    expect(new Set(refused)).toEqual(new Set(['ListObjectVersions', 'NotImplemented']));
    expect([...server.objects(BUCKET), ...server.uploads(BUCKET)]).toEqual([]);
  });

  it('names the region that it expects', async () => {
    const { server } = await open('garage');
    const elsewhere = openProvider(server, { ...PLACES.garage, ...FULL, region: 'us-east-1' });
    onTestFinished(() => elsewhere.close());
    await expect(elsewhere.s3.listBuckets()).rejects.toMatchObject({
      code: 'storage_wrong_region',
      details: { region: 'garage' },
    });
  });
});

describe('Ceph', () => {
  it('makes a ghost of an object whose upload is aborted too late, which the client never does', async () => {
    const { server, client } = await open('ceph');
    const bucket = client.s3.bucket(BUCKET);
    let uploadId = '';
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'reset-after' } });
    const onUploadCreated = async (id: string) => {
      uploadId = id;
    };
    await bucket.put('key', chunked(randomBytes(LARGE)), options({ onUploadCreated }));
    expect(server.requests.map(({ operation }) => operation)).not.toContain('AbortMultipartUpload');
    await bucket.get('key', { range: { start: 0, end: 0 } }).then(collect);
    await bucket.abortUpload('key', uploadId);
    expect(await bucket.head('key')).toMatchObject({ bytes: LARGE });
    await expect(bucket.get('key')).rejects.toMatchObject({ code: 'storage_missing' });
  });
});

/** A request as another client would send it, once. */
async function raw(
  server: DevBucket,
  region: string,
  path: string,
  init: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; text: string }> {
  const signer = new AwsClient({
    accessKeyId: FULL.accessKey,
    secretAccessKey: FULL.secretKey,
    service: 's3',
    region,
    retries: 0,
  });
  const bytes = init.body === undefined ? undefined : new TextEncoder().encode(init.body);
  for (;;) {
    const answer = await signer.fetch(`${server.endpoint}${path}`, {
      ...init,
      ...(bytes ? { body: bytes } : {}),
    });
    const text = await answer.text();
    // The profile's own throttling is not what is asked for here.
    if (answer.status !== 503) return { status: answer.status, text };
  }
}
