import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policyFor } from '../../src/object-stores/policies.ts';
import { PROVIDERS } from '../../src/object-stores/providers.ts';
import { chunked, options } from '../contracts/object-store.ts';
import { openTestApp } from '../support/app.ts';
import type { Rgw } from '../support/rgw.ts';
import { type OpenedS3, openTestS3 } from '../support/s3.ts';
import { sharedRgw } from '../support/shared/rgw.ts';

const run = promisify(execFile);

const providerNamed = (id: string) => {
  const provider = PROVIDERS.find((candidate) => candidate.id === id);
  if (provider === undefined) throw new Error(`no provider ${id}`);
  return provider;
};
const wish = (id: string, prefix = '') => ({
  provider: providerNamed(id),
  region: 'us-east-1',
  buckets: ['backups'],
  prefix,
});

describe('the policy for a provider', () => {
  it.each(PROVIDERS.map(({ id }) => id))('%s says what to do and what each permission is for', (id) => {
    const policy = policyFor(wish(id, 'production/'));
    expect(policy.steps.length).toBeGreaterThan(2);
    expect(policy.steps.join()).not.toMatch(/[{}]/);
    for (const { permission, features } of [...policy.permissions, ...policy.optional]) {
      expect([permission.length > 3, features.length > 0]).toEqual([true, true]);
    }
  });

  it.each(['aws', 'minio', 'wasabi', 'ceph'])(
    '%s is a document that allows what is explained, no more',
    (id) => {
      const { document, permissions } = policyFor(wish(id, 'production/'));
      const { Statement } = JSON.parse(document ?? '');
      const allowed = Statement.flatMap((statement: { Action: string[] }) => statement.Action);
      expect(allowed.sort()).toEqual(permissions.map(({ permission }) => permission).sort());
      expect(document).not.toMatch(/"s3:\*"|"Resource": "\*"/);
    },
  );

  it('names the partition of AWS, and takes wildcards in a prefix by their letters', () => {
    const { document } = policyFor({ ...wish('aws', 'a*b$/'), region: 'cn-north-1' });
    expect(JSON.parse(document ?? '').Statement[2].Resource).toEqual([
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the policy language's own escapes
      'arn:aws-cn:s3:::backups/a${*}b${$}/*',
    ]);
  });
});

describe('a key with exactly the policy, at the Ceph gateway', () => {
  let rgw: Rgw;
  let opened: OpenedS3;

  beforeAll(async () => {
    rgw = await sharedRgw();
    const key = await rgw.createUser('least');
    opened = openTestS3({ endpoint: rgw.endpoint, region: rgw.region, ca: rgw.ca, ...key });
  });
  afterAll(async () => {
    await opened?.close();
    await rgw?.stop();
  });

  async function allow(prefix: string): Promise<void> {
    const { document } = policyFor({ ...wish('ceph', prefix), buckets: [rgw.bucket] });
    await rgw.allow('least', document ?? '');
  }

  describe.each([
    ['the whole bucket', '', 'anywhere/'],
    ['a prefix', 'production/', 'production/appdb/'],
  ])('for %s', (_, prefix, folder) => {
    beforeAll(() => allow(prefix));

    it.each([
      ['in one request', 4096],
      ['in parts', 12 * 2 ** 20],
    ])('stores %s, reads back, links, and deletes', async (_how, size) => {
      const store = opened.s3.bucket(rgw.bucket);
      const objectKey = `${folder}${crypto.randomUUID()}.dump`;
      const body = randomBytes(size);
      expect(await store.head(objectKey)).toBeNull();
      await store.put(objectKey, chunked(body), options());
      expect((await store.head(objectKey))?.bytes).toBe(size);
      const read: Uint8Array[] = [];
      for await (const chunk of await store.get(objectKey)) read.push(chunk);
      expect(Buffer.concat(read).equals(body)).toBe(true);
      const link = await store.presignDownload(objectKey, { fileName: 'a.dump', expiresInSeconds: 60 });
      const linked = await run('curl', ['-sSf', '--cacert', rgw.caFile, '-r', '0-99', '-o', '-', link], {
        encoding: 'buffer',
      });
      expect(linked.stdout.equals(body.subarray(0, 100))).toBe(true);
      await store.remove(objectKey);
      expect(await store.head(objectKey)).toBeNull();
    });

    it('aborts an upload that its source broke, and finds none left', async () => {
      const store = opened.s3.bucket(rgw.bucket);
      const objectKey = `${folder}${crypto.randomUUID()}.dump`;
      async function* broken() {
        yield randomBytes(12 * 2 ** 20);
        throw new Error('the dump failed');
      }
      await expect(store.put(objectKey, broken(), options())).rejects.toThrow('the dump failed');
      expect(await store.listUploads(objectKey, { token: '' })).toEqual([]);
    });

    it('passes the test of its bucket', async () => {
      await opened.s3.checkBucket(rgw.bucket, { prefix });
    });

    it('reaches no other bucket and lists none', async () => {
      const other = opened.s3.bucket(rgw.scopedBucket);
      await expect(other.put('x', chunked(randomBytes(10)), options())).rejects.toMatchObject({
        code: 'storage_denied',
      });
      // This gateway lists the buckets that a user owns.
      expect(await opened.s3.listBuckets()).toEqual([]);
    });
  });

  it('for a prefix writes nowhere else in its bucket', async () => {
    await allow('production/');
    const store = opened.s3.bucket(rgw.bucket);
    await expect(store.put('staging/x', chunked(randomBytes(10)), options())).rejects.toMatchObject({
      code: 'storage_denied',
    });
  });
});

describe('the API', () => {
  it('answers the policy of the configured storage to admins, for the buckets in use', async () => {
    const app = await openTestApp();
    const path = '/api/settings/spaces/policy';
    expect((await app.call('GET', path, { token: app.tokens.operator })).status).toBe(403);
    const early = await app.call('GET', path);
    expect([early.status, early.body.field]).toEqual([400, 'bucket']);
    const chosen = await app.call('GET', `${path}?provider=r2&bucket=one,two`);
    expect(chosen.body).toMatchObject({ provider: { id: 'r2' }, buckets: ['one', 'two'], document: null });
    const settings = { accessKey: 'K', secretKey: 'S', region: 'eu-west-1', endpoint: 's3.amazonaws.com' };
    await app.call('PUT', '/api/settings/spaces', { body: { ...settings, buckets: ['mine'] } });
    const { body } = await app.call('GET', `${path}?prefix=production/`);
    expect(body).toMatchObject({ provider: { id: 'aws' }, buckets: ['mine'], prefix: 'production/' });
    expect(body.document).toContain('arn:aws:s3:::mine/production/*');
    for (const [query, field] of [
      ['?bucket=a/b', 'bucket'],
      ['?prefix=../x', 'prefix'],
      ['?provider=nobody', 'provider'],
    ]) {
      const refused = await app.call('GET', path + query);
      expect([refused.status, refused.body.field]).toEqual([400, field]);
    }
    await app.close();
  });
});
