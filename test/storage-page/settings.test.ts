import { createDecipheriv } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { openTestApp, type TestApp } from '../support/app.ts';

/** Sentences of the storage page about its settings, tried through the API. */

const FULL = { accessKey: 'FULLKEY0000000000001', secretKey: 'full-secret-full-secret-full-secret-0001' };
const SCOPED = { accessKey: 'SCOPEDKEY00000000001', secretKey: 'scoped-secret-scoped-secret-scoped-00001' };
const PATH = '/api/settings/spaces';

let folder: string;
let store: DevBucket;
let app: TestApp;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'storage-page-'));
  store = await startDevBucket({
    folder,
    keys: [FULL, { ...SCOPED, buckets: ['prod-backups', 'staging-backups'] }],
    buckets: ['prod-backups', 'staging-backups', 'archive'],
  });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  app = await openTestApp({ ca: store.caPem ?? '' });
});
afterEach(() => app.close());

const save = (body: object = {}) =>
  app.call('PUT', PATH, {
    body: { ...FULL, region: store.region, endpoint: new URL(store.endpoint).host, ...body },
  });
const test = () => app.call('POST', `${PATH}/test`);

/** The operations that the storage was asked for meanwhile. */
async function operationsDuring(act: () => Promise<unknown>): Promise<readonly string[]> {
  const before = store.requests.length;
  await act();
  return store.requests.slice(before).map(({ operation, bucket }) => `${operation} ${bucket ?? ''}`.trim());
}

describe('the examples of the page', () => {
  it.each([
    ['DigitalOcean Spaces', { region: 'fra1' }, 'fra1.digitaloceanspaces.com'],
    ['AWS S3', { region: 'us-east-1', endpoint: 's3.amazonaws.com' }, 's3.amazonaws.com'],
    ['AWS S3 without an endpoint', { region: 'eu-central-1' }, 's3.eu-central-1.amazonaws.com'],
    ['MinIO', { region: 'us-east-1', endpoint: 'minio.example.com' }, 'minio.example.com'],
    [
      'Backblaze B2',
      { region: 'us-west-004', endpoint: 's3.us-west-004.backblazeb2.com' },
      's3.us-west-004.backblazeb2.com',
    ],
    ['Wasabi', { region: 'us-east-1', endpoint: 's3.us-east-1.wasabisys.com' }, 's3.us-east-1.wasabisys.com'],
    [
      'Cloudflare R2',
      {
        region: 'auto',
        endpoint: `${'0f'.repeat(16)}.r2.cloudflarestorage.com`,
        buckets: ['my-backup-bucket'],
      },
      `${'0f'.repeat(16)}.r2.cloudflarestorage.com`,
    ],
  ])('are taken as they stand: %s', async (_, example, endpoint) => {
    const body = { accessKey: 'DO00EXAMPLE', secretKey: 'secret...', ...example };
    expect((await app.call('PUT', PATH, { body })).body.config.endpoint).toBe(endpoint);
    const { config } = (await app.call('GET', PATH)).body;
    expect(config).toMatchObject({ region: example.region, endpoint, accessKey: 'DO00EXAMPLE' });
    expect(config.buckets).toEqual('buckets' in example ? example.buckets : []);
  });
});

describe('the configuration', () => {
  it('is one for the installation: saving again changes it', async () => {
    const first = (await save()).body.config.id;
    const second = (await save({ accessKey: SCOPED.accessKey, secretKey: SCOPED.secretKey })).body.config.id;
    expect(second).toBe(first);
    expect(await app.services.db.selectFrom('spaces_config').select('id').execute()).toHaveLength(1);
  });

  it('is sealed with AES-256-GCM: nothing but the master key opens it', async () => {
    await save();
    const row = await app.services.db.selectFrom('spaces_config').selectAll().executeTakeFirstOrThrow();
    expect(unseal(row.secret_key, `spaces:${row.id}:secret_key`, MASTER_KEY)).toBe(FULL.secretKey);
    expect(unseal(row.access_key, `spaces:${row.id}:access_key`, MASTER_KEY)).toBe(FULL.accessKey);
    expect(() => unseal(row.secret_key, `spaces:${row.id}:secret_key`, Buffer.alloc(32))).toThrow();
  });

  it('serves as many environments as are enabled', async () => {
    await save();
    for (const name of ['production', 'staging', 'testing']) {
      const { environment } = (await app.call('POST', '/api/environments', { body: { name } })).body;
      if (name === 'testing') continue;
      await app.call('PUT', `${PATH}/environments/${environment.id}`, { body: { enabled: true } });
    }
    const { environments } = (await app.call('GET', `${PATH}/environments`)).body;
    expect(environments.map((each: { spacesEnabled: boolean }) => each.spacesEnabled)).toEqual([
      true,
      true,
      false,
    ]);
  });
});

describe('Test Connection', () => {
  it('asks for the list of buckets while none is named, and for nothing else', async () => {
    await save();
    expect(await operationsDuring(test)).toEqual(['ListBuckets']);
  });

  it('asks for each named bucket with HeadBucket, and for no list', async () => {
    await save({ ...SCOPED, buckets: ['prod-backups', 'staging-backups'] });
    expect((await operationsDuring(test)).toSorted()).toEqual([
      'AbortMultipartUpload prod-backups',
      'AbortMultipartUpload staging-backups',
      'CreateMultipartUpload prod-backups',
      'CreateMultipartUpload staging-backups',
      // Whether versions are kept, and (as the development bucket knows it) how long object lock holds.
      'GetBucketVersioning prod-backups',
      'GetBucketVersioning staging-backups',
      'HeadBucket prod-backups',
      'HeadBucket staging-backups',
      // Whether the upload is gone.
      'ListParts prod-backups',
      'ListParts staging-backups',
      'NotImplemented prod-backups',
      'NotImplemented staging-backups',
    ]);
  });

  it('goes from the question for names to the names', async () => {
    await save(SCOPED);
    expect((await test()).body.message).toBe(
      'This appears to be a bucket-scoped key. Please add the bucket names manually.',
    );
    await save({ accessKey: SCOPED.accessKey, secretKey: '', buckets: ['prod-backups', 'staging-backups'] });
    expect((await test()).body.message).toBe('Connected. Access to 2/2 buckets.');
  });

  it('takes a bucket name in another case for another bucket', async () => {
    await save({ ...SCOPED, buckets: ['prod-backups', 'Prod-Backups'] });
    expect((await test()).body).toMatchObject({
      message: 'Connected. Access to 1/2 buckets.',
      failedBuckets: ['Prod-Backups'],
    });
  });

  it('does not call it a success when the key sees no bucket', async () => {
    const empty = await startDevBucket({ folder: join(folder, 'empty'), keys: [FULL], buckets: [] });
    const other = await openTestApp({ ca: empty.caPem ?? '' });
    try {
      const body = { ...FULL, region: empty.region, endpoint: new URL(empty.endpoint).host };
      await other.call('PUT', PATH, { body });
      const answer = await other.call('POST', `${PATH}/test`);
      expect([answer.status, answer.body.success]).toEqual([400, false]);
      expect(answer.body.message).toMatch(/no bucket/i);
    } finally {
      await other.close();
      await empty.close();
    }
  });
});

describe('the table of requests', () => {
  it.each([
    ['GET', PATH, 'Any'],
    ['PUT', PATH, 'Admin'],
    ['DELETE', PATH, 'Admin'],
    ['POST', `${PATH}/test`, 'Any'],
    ['GET', `${PATH}/buckets`, 'Any'],
    ['GET', `${PATH}/environments`, 'Any'],
    ['PUT', `${PATH}/environments/:envId`, 'Admin'],
  ])('says who may call %s %s: %s', async (method, path, auth) => {
    await save();
    const created = await app.call('POST', '/api/environments', { body: { name: 'production' } });
    const url = path.replace(':envId', created.body.environment.id);
    const body = path.endsWith(':envId') ? { enabled: true } : { ...FULL, region: 'fra1' };
    const statusAs = async (token: string | null) => (await app.call(method, url, { token, body })).status;
    expect(await statusAs(null)).toBe(401);
    const expected = auth === 'Any' ? 200 : 403;
    expect([await statusAs(app.tokens.viewer), await statusAs(app.tokens.operator)]).toEqual([
      expected,
      expected,
    ]);
    expect(await statusAs(app.tokens.admin)).toBe(200);
  });
});

/** That of `openTestApp`. */
const MASTER_KEY = Buffer.alloc(32, 5);

/** By node:crypto, so that what seals is not what proves. Sealed text is `v1.<key id>.<nonce>.<ciphertext and tag>`. */
function unseal(sealed: string, identity: string, key: Buffer): string {
  const [version, keyId, nonce = '', body = ''] = sealed.split('.');
  const bytes = Buffer.from(body, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'));
  decipher.setAAD(Buffer.from(`${version}.${keyId}.${identity}`));
  decipher.setAuthTag(bytes.subarray(-16));
  return decipher.update(bytes.subarray(0, -16), undefined, 'utf8') + decipher.final('utf8');
}
