import { describe, expect, it } from 'vitest';
import { createPartMemory } from '../../../src/object-stores/part-memory.ts';
import { createS3 } from '../../../src/object-stores/s3/client.ts';
import type { S3Platform } from '../../../src/object-stores/s3/platform.ts';

/** A platform whose network is a function, for answers that only the real AWS gives. */
function platformThat(
  answer: (url: URL, headers: Headers) => Response,
  publicEndpoint: string | null = null,
): S3Platform {
  return {
    log: { debug() {}, info() {}, warn() {}, error() {} },
    now: () => new Date(),
    fetch: async (input, init) => answer(new URL(String(input)), new Headers(init?.headers)),
    send: async () => {
      throw new Error('nothing is uploaded here');
    },
    sha256: async () => '',
    partMemory: createPartMemory(0),
    publicEndpoint,
  };
}

const keys = { region: 'us-east-1', accessKey: 'AKIDEXAMPLE', secretKey: 'secret' };
const date = () => ({ date: new Date().toUTCString() });

describe('a bucket in another region of AWS', () => {
  it('is found by the region that AWS names, signed for it, and remembered', async () => {
    const hosts: string[] = [];
    const platform = platformThat((url, headers) => {
      hosts.push(url.host);
      const isRight = headers.get('authorization')?.includes('/eu-west-3/s3/');
      return isRight
        ? new Response(null, { status: 200, headers: date() })
        : new Response(null, { status: 400, headers: { 'x-amz-bucket-region': 'eu-west-3' } });
    });
    const s3 = createS3({ ...keys, endpoint: 'https://s3.us-east-1.amazonaws.com' }, platform);
    await s3.checkBucket('backups');
    await s3.checkBucket('backups');
    expect(hosts).toEqual([
      's3.us-east-1.amazonaws.com',
      's3.eu-west-3.amazonaws.com',
      's3.eu-west-3.amazonaws.com',
    ]);
  });

  it('is never looked for at a host that an answer named', async () => {
    const hosts = new Set<string>();
    const platform = platformThat((url) => {
      hosts.add(url.host);
      const text =
        '<Error><Code>PermanentRedirect</Code><Endpoint>evil.example.com</Endpoint><Region>x.evil.example.com/</Region></Error>';
      return new Response(text, { status: 301, headers: { location: 'https://evil.example.com/' } });
    });
    for (const endpoint of ['https://s3.us-east-1.amazonaws.com', 'https://minio.example.com']) {
      const s3 = createS3({ ...keys, endpoint }, platform);
      await expect(s3.bucket('backups').get('key')).rejects.toMatchObject({ code: 'storage_wrong_region' });
    }
    expect([...hosts]).toEqual(['s3.us-east-1.amazonaws.com', 'minio.example.com']);
  });
});

describe('a link', () => {
  it('is signed for the name under which browsers know the storage', async () => {
    const platform = platformThat(
      () => new Response(null, { status: 200, headers: { ...date(), 'content-length': '1' } }),
      'https://files.example.com',
    );
    const s3 = createS3({ ...keys, endpoint: 'https://minio:9000' }, platform);
    const link = await s3.bucket('backups').presignDownload('a b', { fileName: 'x', expiresInSeconds: 60 });
    expect(link).toMatch(/^https:\/\/files\.example\.com\/backups\/a%20b\?/);
    await expect(
      s3.bucket('backups').presignDownload('k', { fileName: 'x', expiresInSeconds: 604_801 }),
    ).rejects.toMatchObject({ code: 'invalid' });
  });
});

describe('a list of buckets', () => {
  it('is read to its last page, also when a storage gives the same token for ever', async () => {
    const page = (name: string, token: string) =>
      `<ListAllMyBucketsResult><Buckets><Bucket><Name>${name}</Name></Bucket></Buckets><ContinuationToken>${token}</ContinuationToken></ListAllMyBucketsResult>`;
    const pages: Record<string, string> = {
      '': page('one', 'a'),
      a: page('two', 'b'),
      b: page('three', 'b'),
    };
    const platform = platformThat(
      (url) => new Response(pages[url.searchParams.get('continuation-token') ?? ''], { headers: date() }),
    );
    const s3 = createS3({ ...keys, endpoint: 'https://s3.us-east-1.amazonaws.com' }, platform);
    expect(await s3.listBuckets()).toEqual(['one', 'two', 'three']);
  });
});
