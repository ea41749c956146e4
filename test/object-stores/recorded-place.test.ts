import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDevBucket } from '../../dev/bucket/server.ts';
import { asRecorded, checkRecordedPlace } from '../../src/object-stores/recorded-place.ts';
import { openRecordedBucket } from '../../src/storage/open-place.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { openTestS3 } from '../support/s3.ts';

const place = (endpoint: string) => ({ endpoint, region: 'fra1', bucket: 'backups' });

describe('the present credentials', () => {
  it.each([
    ['https://fra1.digitaloceanspaces.com', 'https://fra1.digitaloceanspaces.com'],
    ['https://fra1.digitaloceanspaces.com', 'https://nyc3.digitaloceanspaces.com'],
    ['https://s3.eu-central-1.amazonaws.com', 'https://s3.us-east-1.amazonaws.com'],
    ['https://s3.us-west-004.backblazeb2.com', 'https://s3.eu-central-003.backblazeb2.com'],
    ['https://abc123.r2.cloudflarestorage.com', 'https://abc123.eu.r2.cloudflarestorage.com'],
    ['https://minio.example.com:9000', 'https://minio.example.com'],
    ['http://minio.lan:9000', 'http://minio.lan:9000'],
  ])('are used for what lies at %s while %s is configured', (recorded, present) => {
    expect(() => checkRecordedPlace(place(recorded), present)).not.toThrow();
  });

  it.each([
    ['another provider', 'https://fra1.digitaloceanspaces.com', 'https://s3.eu-central-1.amazonaws.com'],
    ['another server of the same software', 'https://minio.a.example', 'https://minio.b.example'],
    ['another server of unknown software', 'https://s3.example.com', 'https://s3.example.org'],
    ['a host that only looks like it', 'https://s3.amazonaws.com.evil.example', 'https://s3.amazonaws.com'],
    ['another account', 'https://abc.r2.cloudflarestorage.com', 'https://def.r2.cloudflarestorage.com'],
    [
      'another partition of AWS',
      'https://s3.cn-north-1.amazonaws.com.cn',
      'https://s3.us-east-1.amazonaws.com',
    ],
    ['plain http', 'http://minio.example.com', 'https://minio.example.com'],
  ])('are never used at %s, and the refusal names both', (_, recorded, present) => {
    const host = (endpoint: string) => endpoint.replace('https://', '');
    expect(() => checkRecordedPlace(place(recorded), present)).toThrow(
      expect.objectContaining({
        code: 'storage_denied',
        message: expect.stringMatching(
          new RegExp(
            `bucket backups at ${host(recorded)}, but the storage configured now is ${host(present)}`,
          ),
        ),
      }),
    );
  });
});

it('a link leads to the public endpoint for the present storage, to its own for another', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'recorded-'));
  const key = { accessKey: 'KEY0000000000000001', secretKey: 'secret' };
  const store = await startDevBucket({ folder, keys: [key], buckets: ['backups'] });
  const publicEndpoint = 'https://s3.example.com';
  const { endpoint, region } = store;
  const opened = openTestS3({ endpoint, region, ...key, ca: store.caPem ?? '', publicEndpoint });
  const bucket = opened.s3.bucket('backups');
  const originOf = async (present: string) => {
    const recorded = asRecorded(bucket, { endpoint, region, bucket: 'backups' }, present);
    return new URL(await recorded.presignDownload('a', { fileName: 'a', expiresInSeconds: 60 })).origin;
  };
  expect(await originOf(endpoint)).toBe(publicEndpoint);
  expect(await originOf('https://127.0.0.1:1')).toBe(endpoint);
  await opened.close();
  await store.close();
  rmSync(folder, { recursive: true });
});

describe('opening a recorded place', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp();
  });
  afterAll(() => app.close());

  it('opens no connection to somebody else’s server', async () => {
    let connections = 0;
    const stranger = createServer(() => {
      connections += 1;
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    const address = stranger.address();
    const port = address !== null && typeof address !== 'string' ? address.port : 0;
    const key = { accessKey: 'KEY', secretKey: 'secret' };
    const present = { ...key, region: 'us-east-1', endpoint: 'minio.example.com' };
    await app.call('PUT', '/api/settings/spaces', { body: present });
    await expect(
      openRecordedBucket(app.services, {
        endpoint: `https://127.0.0.1:${port}`,
        region: 'us-east-1',
        bucket: 'b',
      }),
    ).rejects.toMatchObject({ code: 'storage_denied' });
    expect(connections).toBe(0);
    await new Promise((resolve) => stranger.close(resolve));
  });
});
