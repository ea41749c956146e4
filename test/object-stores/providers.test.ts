import { describe, expect, it } from 'vitest';
import { FACTS } from '../../src/object-stores/providers/provider.ts';
import {
  deriveEndpoint,
  normaliseEndpoint,
  PROVIDERS,
  providerOf,
} from '../../src/object-stores/providers.ts';

const strict = { allowHttp: false };

describe('an endpoint', () => {
  it.each([
    ['fra1.digitaloceanspaces.com', 'https://fra1.digitaloceanspaces.com'],
    [' https://fra1.digitaloceanspaces.com/ ', 'https://fra1.digitaloceanspaces.com'],
    ['HTTPS://Minio.Example.com:9000//', 'https://minio.example.com:9000'],
    ['s3.amazonaws.com', 'https://s3.eu-west-1.amazonaws.com'],
    ['https://s3.amazonaws.com/', 'https://s3.eu-west-1.amazonaws.com'],
    ['[::1]:9000', 'https://[::1]:9000'],
  ])('is cleaned: %j', (input, expected) => {
    expect(normaliseEndpoint(input, 'eu-west-1', strict)).toBe(expected);
  });

  it.each([
    ['', /empty/],
    ['minio.example.com/bucket', /path.*minio\.example\.com/],
    ['http://minio.example.com', /STORAGE_ALLOW_HTTP/],
    ['ftp://minio.example.com', /not supported/],
    ['user:secret@minio.example.com', /user name/],
    ['minio.example.com?x=1', /query/],
    ['two hosts', /host name/],
    ['host:99999', /host name/],
  ])('is refused with what to enter: %j', (input, message) => {
    expect(() => normaliseEndpoint(input, 'us-east-1', strict)).toThrow(message);
  });

  it('never repeats a password that was typed into it', () => {
    expect(() => normaliseEndpoint('https://user:secret@host', 'r', strict)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });

  it('may be plain http where the installation allows it', () => {
    expect(normaliseEndpoint('http://minio:9000/', 'us-east-1', { allowHttp: true })).toBe(
      'http://minio:9000',
    );
  });

  it('can not be steered by a strange region', () => {
    expect(() => normaliseEndpoint('s3.amazonaws.com', 'evil.example.com/', strict)).toThrow(/region/);
  });

  it.each([
    ['nyc3', 'nyc3.digitaloceanspaces.com'],
    ['us-east-1', 's3.us-east-1.amazonaws.com'],
    ['us-gov-west-1', 's3.us-gov-west-1.amazonaws.com'],
    ['ap-southeast-2', 's3.ap-southeast-2.amazonaws.com'],
    ['cn-north-1', 's3.cn-north-1.amazonaws.com.cn'],
    ['us-east', 'us-east.digitaloceanspaces.com'],
    ['eu-west-par', 'eu-west-par.digitaloceanspaces.com'],
  ])('that is absent follows from the region %s', (region, endpoint) => {
    expect(deriveEndpoint(region)).toBe(endpoint);
  });

  it.each([
    ['s3.eu-west-1.amazonaws.com', 's3.us-west-2.amazonaws.com'],
    ['s3-eu-west-1.amazonaws.com', 's3.us-west-2.amazonaws.com'],
    ['s3-external-1.amazonaws.com', 's3.us-west-2.amazonaws.com'],
    ['s3-accelerate.amazonaws.com', 's3.us-west-2.amazonaws.com'],
    ['S3.us-west-2.amazonaws.com.', 's3.us-west-2.amazonaws.com'],
    ['s3.dualstack.eu-west-1.amazonaws.com', 's3.dualstack.us-west-2.amazonaws.com'],
    ['s3-fips.us-gov-west-1.amazonaws.com', 's3-fips.us-west-2.amazonaws.com'],
    [
      'bucket.vpce-0a1b2c.s3.us-west-2.vpce.amazonaws.com',
      'bucket.vpce-0a1b2c.s3.us-west-2.vpce.amazonaws.com',
    ],
  ])('of AWS becomes the region’s own: %s', (typed, expected) => {
    expect(normaliseEndpoint(typed, 'us-west-2', strict)).toBe(`https://${expected}`);
  });

  it('of AWS in a region that AWS has not is refused with one that it has', () => {
    expect(() => normaliseEndpoint('s3.eu-west-1.amazonaws.com', 'fra1', strict)).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('"fra1"'),
        details: { field: 'endpoint', correctedRegion: 'eu-west-1' },
      }),
    );
  });

  it.each([
    ['my-bucket.fra1.digitaloceanspaces.com', 'fra1.digitaloceanspaces.com', 'my-bucket'],
    ['my.bucket.fra1.digitaloceanspaces.com', 'fra1.digitaloceanspaces.com', 'my.bucket'],
    ['my-bucket.fra1.cdn.digitaloceanspaces.com', 'fra1.digitaloceanspaces.com', 'my-bucket'],
    ['bucket.s3.amazonaws.com', 's3.us-east-1.amazonaws.com', 'bucket'],
    ['bucket.s3.eu-west-3.amazonaws.com', 's3.eu-west-3.amazonaws.com', 'bucket'],
    ['bucket.s3-eu-west-3.amazonaws.com', 's3-eu-west-3.amazonaws.com', 'bucket'],
    ['b.s3.us-west-004.backblazeb2.com', 's3.us-west-004.backblazeb2.com', 'b'],
    ['b.s3.eu-central-1.wasabisys.com', 's3.eu-central-1.wasabisys.com', 'b'],
    ['b.fsn1.your-objectstorage.com', 'fsn1.your-objectstorage.com', 'b'],
    ['b.s3.fr-par.scw.cloud', 's3.fr-par.scw.cloud', 'b'],
    ['minio.nyc3.digitaloceanspaces.com', 'nyc3.digitaloceanspaces.com', 'minio'],
    ['b.storage.googleapis.com', 'storage.googleapis.com', 'b'],
    [`b.${'0f'.repeat(16)}.r2.cloudflarestorage.com`, `${'0f'.repeat(16)}.r2.cloudflarestorage.com`, 'b'],
    ['https://minio.example.com:9000/backups/', 'minio.example.com:9000', 'backups'],
  ])('with a bucket in it is refused with the right one: %s', (typed, corrected, bucket) => {
    expect(() => normaliseEndpoint(typed, 'us-east-1', strict)).toThrow(
      expect.objectContaining({
        code: 'invalid',
        message: expect.stringContaining(`enter only ${corrected}`),
        details: { field: 'endpoint', corrected, bucket },
      }),
    );
  });

  it('that is the id of an R2 account alone is refused with the whole one', () => {
    const account = '0123456789abcdef0123456789abcdef';
    const corrected = `${account}.r2.cloudflarestorage.com`;
    expect(() => normaliseEndpoint(account.toUpperCase(), 'auto', strict)).toThrow(
      expect.objectContaining({ details: { field: 'endpoint', corrected } }),
    );
    expect(normaliseEndpoint(corrected, 'auto', strict)).toBe(`https://${corrected}`);
    expect(normaliseEndpoint(`${account}.eu.r2.cloudflarestorage.com`, 'auto', strict)).toContain('.eu.');
    expect(() => normaliseEndpoint('r2.cloudflarestorage.com', 'auto', strict)).toThrow(/account id/);
  });
});

describe('the providers', () => {
  it('are recognised by their own endpoint patterns', () => {
    for (const provider of PROVIDERS) {
      const host = provider.endpointPattern
        .replace('{region}', provider.defaultRegion)
        .replace('{account}', 'abc');
      expect(providerOf(`https://${host}`).id).toBe(provider.id);
      expect(providerOf(`${host}:8443`).id).toBe(provider.id);
    }
  });

  it.each([
    'amazonaws.com.example.com',
    'notdigitaloceanspaces.com',
    'fra1.digitaloceanspaces.com.evil.example',
    'https://fra1.digitaloceanspaces.com@evil.example',
    'https://fra1.digitaloceanspaces.com:443@evil.example',
    'https://evil.example/fra1.digitaloceanspaces.com',
    'https://evil.example\\.fra1.digitaloceanspaces.com',
    'evil.example?fra1.digitaloceanspaces.com',
    'fra1-digitaloceanspaces.com',
    's3.us-east-1.amazonaws.com.evil.example',
    'ec2-1-2-3-4.compute-1.amazonaws.com',
    's3-evil.us-east-1.elb.amazonaws.com',
    's3.evil.us-east-1.elb.amazonaws.com',
    'bucket.s3-website-us-east-1.amazonaws.com',
    's3.us-west-004.backblazeb2.com.evil.example',
    'r2.cloudflarestorage.com.evil.example',
    'xs3.wasabisys.com',
    'storage.googleapis.com.evil.example',
    'myminio.example.com',
    '',
    'two hosts',
  ])('are not recognised by a name that only resembles theirs: %j', (endpoint) => {
    expect(providerOf(endpoint).id).toBe('other');
  });

  it('each say where what is known about them comes from', () => {
    for (const { evidence } of PROVIDERS) {
      expect(Object.keys(evidence)).toEqual([...FACTS]);
    }
    expect(new Set(PROVIDERS.map(({ id }) => id)).size).toBe(PROVIDERS.length);
  });

  it('have limits of parts that reach their largest object', () => {
    for (const { id, parts, throttling } of PROVIDERS) {
      expect([id, parts.maxParts * parts.maxPartBytes >= parts.maxObjectBytes]).toEqual([id, true]);
      expect(throttling.length).toBeGreaterThan(0);
    }
  });
});
