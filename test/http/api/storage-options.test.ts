import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { resealAll } from '../../../src/secrets/reseal.ts';
import { createVault } from '../../../src/secrets/vault.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';

const PATH = '/api/settings/spaces';
const KEY = { accessKey: 'OWNERKEY000000000001', secretKey: 'owner-secret-owner-secret-owner-secret' };
const TEMPORARY = {
  accessKey: 'ASIATEMPORARY0000001',
  secretKey: 'temporary-secret-temporary-secret',
  sessionToken: 'FwoGZXIvYXdz+token/of==',
};

let folder: string;
let store: DevBucket;
let app: TestApp;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'options-'));
  store = await startDevBucket({ folder, keys: [KEY, TEMPORARY], buckets: ['mine'], region: 'fra1' });
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  app = await openTestApp({ ca: store.caPem ?? '' });
});
afterEach(async () => {
  store.faults.clear();
  expect(JSON.stringify(app.log)).not.toMatch(/-secret-|FwoGZXIv/);
  await app.close();
});

const save = (body: object) =>
  app.call('PUT', PATH, {
    body: { ...KEY, region: 'fra1', endpoint: new URL(store.endpoint).host, buckets: ['mine'], ...body },
  });
const test = async () => (await app.call('POST', `${PATH}/test`)).body;
const config = async () => (await app.call('GET', PATH)).body.config;
const openBucket = async () => {
  const { endpoint, region } = store;
  return (await app.services.openPlace({ endpoint, region, bucket: 'mine' })).store;
};

describe('keys that are pasted', () => {
  it('lose blanks and line breaks at their ends', async () => {
    const saved = await save({ accessKey: ` ${KEY.accessKey}\n`, secretKey: `\u00a0${KEY.secretKey}\r\n` });
    expect(saved.status).toBe(200);
    expect((await test()).message).toBe('Connected. Access to 1/1 buckets.');
  });

  it.each([
    ['accessKey', `${KEY.accessKey}\u200b`, /access key holds a zero width space \(U\+200B\)/],
    ['accessKey', `OWNER\u00a0KEY`, /access key holds a no-break space \(U\+00A0\)/],
    ['accessKey', 'OWNERKEY😀', /access key holds the character U\+1F600/],
    ['secretKey', `${KEY.secretKey.slice(0, 9)}\u00ad${KEY.secretKey.slice(9)}`, /a soft hyphen \(U\+00AD\)/],
    ['secretKey', `${KEY.secretKey}\ufffe\u2060`, /secret key holds/],
    ['sessionToken', 'token\u200dtoken', /session token holds a zero width joiner/],
    ['region', 'fra1\u200b', /region holds a zero width space/],
    ['endpoint', 's3.exam\u200bple.com', /endpoint holds a zero width space/],
  ])('are refused by name where %s holds %j', async (field, value, message) => {
    const { status, body } = await save({ [field]: value });
    expect(status).toBe(400);
    expect(body.details[0].path).toEqual([field]);
    expect(body.details[0].message).toMatch(message);
    if (field !== 'endpoint') expect(JSON.stringify(body)).not.toContain(KEY.secretKey.slice(0, 9));
  });

  it('of an earlier version are called unusable, not unreachable, and not tried again', async () => {
    await save({});
    const { db, vault } = app.services;
    const { id } = await db.selectFrom('spaces_config').select('id').executeTakeFirstOrThrow();
    const sealed = await vault.seal(`${KEY.accessKey}\u200b`, `spaces:${id}:access_key`);
    await db.updateTable('spaces_config').set({ access_key: sealed }).execute();
    const before = store.requests.length;
    const result = await test();
    expect(result.message).toBe('Cannot access any configured buckets: mine');
    expect(result.diagnosis).toMatchObject([
      { kind: 'wrong_key_id', message: expect.stringMatching(/character that no header can carry/) },
    ]);
    expect(store.requests.length).toBe(before);
    expect(app.log.filter((line) => line.includes('trying again'))).toEqual([]);
  });
});

describe('temporary keys', () => {
  it('are signed with their session token, in headers and in links', async () => {
    expect((await save(TEMPORARY)).status).toBe(200);
    expect((await test()).message).toBe('Connected. Access to 1/1 buckets.');
    expect(await config()).toMatchObject({ hasSessionToken: true });
    const bucket = await openBucket();
    const key = "ä+b 😀 'q'.sql";
    const content = randomBytes(9 * 2 ** 20);
    await bucket.put(key, chunked(content), options());
    expect(content.equals(await collect(await bucket.get(key)))).toBe(true);
    if (!('presignDownload' in bucket) || typeof bucket.presignDownload !== 'function')
      throw new Error('no bucket');
    const url: string = await bucket.presignDownload(key, { fileName: key, expiresInSeconds: 60 });
    const platform = app.services.openS3({ ...TEMPORARY, endpoint: store.endpoint, region: 'fra1' })
      .connection.platform;
    expect((await platform.fetch(url)).status).toBe(200);
    await bucket.remove(key);
  });

  it('keep their token while it is left blank, lose it when told so, and with another key', async () => {
    await save(TEMPORARY);
    await save({ ...TEMPORARY, sessionToken: '' });
    const { sessionToken: _, ...withoutToken } = TEMPORARY;
    await save(withoutToken);
    expect(await config()).toMatchObject({ hasSessionToken: true });
    expect((await test()).success).toBe(true);
    await save({ ...TEMPORARY, sessionToken: null });
    expect(await config()).toMatchObject({ hasSessionToken: false });
    await save(TEMPORARY);
    await save({});
    expect(await config()).toMatchObject({ hasSessionToken: false });
    expect((await test()).success).toBe(true);
  });

  it('are sealed, and sealed anew with another master key', async () => {
    await save(TEMPORARY);
    const { db } = app.services;
    const row = await db.selectFrom('spaces_config').selectAll().executeTakeFirstOrThrow();
    expect(row.session_token).not.toContain('FwoGZXIv');
    const next = new Uint8Array(32).fill(6);
    await resealAll(db, await createVault(next, [new Uint8Array(32).fill(5)]));
    const after = await db.selectFrom('spaces_config').selectAll().executeTakeFirstOrThrow();
    const onlyNext = await createVault(next);
    expect(await onlyNext.open(after.session_token ?? '', `spaces:${row.id}:session_token`)).toBe(
      TEMPORARY.sessionToken,
    );
  });

  it('without a token are called temporary', async () => {
    await save({ ...TEMPORARY, sessionToken: null });
    expect((await test()).diagnosis).toMatchObject([
      { kind: 'wrong_key_id', message: expect.stringMatching(/begins with ASIA is a temporary one/) },
    ]);
  });

  it('that have expired are called so', async () => {
    await save(TEMPORARY);
    store.faults.add({
      match: {},
      times: Number.POSITIVE_INFINITY,
      fault: {
        kind: 'status',
        status: 400,
        code: 'ExpiredToken',
        message: 'The provided token has expired.',
      },
    });
    expect((await test()).diagnosis).toMatchObject([
      { kind: 'expired', message: expect.stringMatching(/have expired\. Get new ones/) },
    ]);
  });
});

describe('encryption at the provider', () => {
  const demand = (name: string, value: string) =>
    store.faults.add({
      match: { operation: ['PutObject', 'CreateMultipartUpload'] },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: 'demand-header', name, value },
    });

  it.each([1000, 9 * 2 ** 20])('is asked for by each upload (%i bytes)', async (bytes) => {
    demand('x-amz-server-side-encryption', 'aws:kms');
    await save({ encryption: 'aws:kms', encryptionKeyId: 'arn:aws:kms:eu-central-1:1:key/a-b' });
    const bucket = await openBucket();
    const before = store.faults.hits().length;
    await bucket.put('a/b.sql', chunked(randomBytes(bytes)), options());
    expect(store.faults.hits().length).toBeGreaterThan(before);
    store.faults.clear();
    demand('x-amz-server-side-encryption-aws-kms-key-id', 'arn:aws:kms:eu-central-1:1:key/a-b');
    await bucket.put('a/c.sql', chunked(randomBytes(bytes)), options());
    await bucket.remove('a/b.sql');
    await bucket.remove('a/c.sql');
  });

  it('that a bucket demands is named where it is not asked for, and what was ruled out', async () => {
    demand('x-amz-server-side-encryption', 'AES256');
    await save({});
    const tested = await test();
    expect(tested.diagnosis).toMatchObject([
      { kind: 'denied', message: expect.stringMatching(/Backups can't be stored.*server-side encryption/) },
    ]);
    const bucket = await openBucket();
    await expect(bucket.put('a.sql', chunked(randomBytes(10)), options())).rejects.toMatchObject({
      code: 'storage_denied',
      message: expect.stringMatching(
        /knows the key, and its secret and this machine's clock are right.*encryption/,
      ),
    });
    await save({ encryption: 'AES256' });
    expect((await test()).diagnosis).toBeUndefined();
    const deep = await app.call('POST', `${PATH}/test`, { body: { deep: true } });
    expect([deep.status, deep.body.success]).toEqual([200, true]);
  });

  it('is kept by clients that know nothing of it, and cleared when told so', async () => {
    await save({ encryption: 'aws:kms', encryptionKeyId: 'alias/backups' });
    await save({});
    expect(await config()).toMatchObject({ encryption: 'aws:kms', encryptionKeyId: 'alias/backups' });
    await save({ encryption: 'aws:kms', encryptionKeyId: '' });
    expect(await config()).toMatchObject({ encryption: 'aws:kms', encryptionKeyId: null });
    await save({ encryption: null });
    expect(await config()).toMatchObject({ encryption: 'none', encryptionKeyId: null });
  });

  it('takes no key id for anything but KMS', async () => {
    const { status, body } = await save({ encryption: 'AES256', encryptionKeyId: 'alias/x' });
    expect([status, body.field ?? body.details?.[0]?.path?.[0]]).toEqual([400, 'encryptionKeyId']);
  });
});

describe('a custom endpoint', () => {
  it.each([
    ['s3.amazonaws.com', 'eu-west-1', 'https://s3.eu-west-1.amazonaws.com'],
    ['https://S3.Example.com/', 'us-east-1', 'https://s3.example.com'],
  ])('%s is returned as it was typed, and resolved when used', async (endpoint, region, used) => {
    const saved = await save({ endpoint, region });
    const typed = endpoint.replace('https://', '').replace(/\/$/, '');
    expect(saved.body.config.endpoint).toBe(typed);
    expect((await config()).endpoint).toBe(typed);
    const row = await app.services.db.selectFrom('spaces_config').selectAll().executeTakeFirstOrThrow();
    expect(row.endpoint).toBe(used);
  });

  it('that is absent follows from the region', async () => {
    await save({ endpoint: null, region: 'ams3' });
    expect((await config()).endpoint).toBe('ams3.digitaloceanspaces.com');
  });
});

it('is one storage, however many enter the first one at the same time', async () => {
  const answers = await Promise.all([save({}), save({ region: 'ams3' }), save(TEMPORARY)]);
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  const rows = await app.services.db.selectFrom('spaces_config').select('id').execute();
  expect(rows).toHaveLength(1);
  expect((await save({ region: 'ams3' })).status).toBe(200);
});
