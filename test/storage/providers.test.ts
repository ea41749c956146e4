import { describe, expect, it } from 'vitest';
import { deriveEndpoint, normaliseEndpoint, PROVIDERS, providerOf } from '../../src/storage/providers.ts';

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

  it('of DigitalOcean follows from the region', () => {
    expect(deriveEndpoint('nyc3')).toBe('nyc3.digitaloceanspaces.com');
  });
});

describe('the providers', () => {
  it('are recognised by their own endpoint patterns', () => {
    for (const provider of PROVIDERS) {
      const host = provider.endpointPattern
        .replace('{region}', provider.defaultRegion)
        .replace('{account}', 'abc');
      expect(providerOf(`https://${host}`).id).toBe(provider.id);
    }
  });

  it('are not recognised by a name that only contains theirs', () => {
    expect(providerOf('https://amazonaws.com.example.com').id).toBe('other');
    expect(providerOf('https://notdigitaloceanspaces.com').id).toBe('other');
  });
});
