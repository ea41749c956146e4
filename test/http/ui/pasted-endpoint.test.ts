import { describe, expect, it } from 'vitest';
import { readPasted } from '../../../src/http/ui/pasted-endpoint.ts';
import { PROVIDERS } from '../../../src/object-stores/providers.ts';

const told = (text: string) => {
  const read = readPasted(text);
  return read === null ? null : [read.provider.id, read.host, read.region, read.bucket];
};

describe('a pasted endpoint', () => {
  it.each([
    [
      's3.eu-central-003.backblazeb2.com',
      ['backblaze', 's3.eu-central-003.backblazeb2.com', 'eu-central-003', null],
    ],
    ['https://fra1.digitaloceanspaces.com/', ['digitalocean', 'fra1.digitaloceanspaces.com', 'fra1', null]],
    [
      'https://My-Bucket.fra1.digitaloceanspaces.com',
      ['digitalocean', 'fra1.digitaloceanspaces.com', 'fra1', 'my-bucket'],
    ],
    ['shop.s3.eu-west-1.amazonaws.com', ['aws', 's3.eu-west-1.amazonaws.com', 'eu-west-1', 'shop']],
    [
      's3.dualstack.eu-west-1.amazonaws.com',
      ['aws', 's3.dualstack.eu-west-1.amazonaws.com', 'eu-west-1', null],
    ],
    ['s3-fips.us-west-2.amazonaws.com', ['aws', 's3-fips.us-west-2.amazonaws.com', 'us-west-2', null]],
    ['https://s3.cn-north-1.amazonaws.com.cn', ['aws', 's3.cn-north-1.amazonaws.com.cn', 'cn-north-1', null]],
    ['s3.amazonaws.com', ['aws', 's3.amazonaws.com', null, null]],
    [
      'https://a1b2c3.r2.cloudflarestorage.com/backups',
      ['r2', 'a1b2c3.r2.cloudflarestorage.com', null, 'backups'],
    ],
    [' minio.example.com:9000 ', ['minio', 'minio.example.com:9000', null, null]],
    ['http://10.0.0.5:9000/prod-backups/shop', ['other', 'http://10.0.0.5:9000', null, 'prod-backups']],
    ['s3.größe.example', ['other', 's3.xn--gre-6ka8i.example', null, null]],
  ])('tells whose it is, where, and which bucket: %s', (text, facts) => expect(told(text)).toEqual(facts));

  it.each([
    '',
    '  ',
    'two words',
    'ftp://host',
    'https://',
    '\\\\share',
    '<script>',
    `${'x'.repeat(300)} 🦦`,
  ])('that is no address tells nothing: %j', (text) => expect(told(text)).toBeNull());

  it('of every provider with regions tells each of them', () => {
    for (const { id, endpointPattern, regions } of PROVIDERS) {
      if (!endpointPattern.includes('{region}') || endpointPattern.endsWith('example.com')) continue;
      for (const { code } of regions) {
        const text = endpointPattern.replace('{region}', code).replace('{account}', 'a1b2.ldn');
        expect(told(text)?.slice(0, 3)).toEqual([id, text, code]);
      }
    }
  });
});
