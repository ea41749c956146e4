import { expect, it } from 'vitest';
import { namedRegion } from '../../../src/object-stores/s3/named-region.ts';

const answer = (error: string, headers: Readonly<Record<string, string>> = {}) => ({
  status: 301,
  headers: new Headers(headers),
  text: `<Error><Code>PermanentRedirect</Code>${error}</Error>`,
});
const sentTo = (host: string) => answer(`<Endpoint>${host}</Endpoint>`);

it('is that of the header, then that of the error, then that of the host', () => {
  const said = '<Region>eu-west-1</Region><Endpoint>s3.sa-east-1.amazonaws.com</Endpoint>';
  expect(namedRegion(answer(said, { 'x-amz-bucket-region': 'eu-north-1' }))).toBe('eu-north-1');
  expect(namedRegion(answer(said))).toBe('eu-west-1');
  expect(namedRegion(sentTo('s3.sa-east-1.amazonaws.com'))).toBe('sa-east-1');
});

it.each([
  ['a.bucket.s3.eu-west-1.amazonaws.com', 'eu-west-1'],
  ['bucket.s3-eu-west-1.amazonaws.com', 'eu-west-1'],
  ['bucket.s3.dualstack.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['bucket.s3.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
  // An old name of us-east-1.
  ['bucket.s3-external-1.amazonaws.com', null],
  ['bucket.s3.amazonaws.com', null],
  ['s3.fra1.example.com', null],
])('of a bucket that is at %s: %s', (host, region) => expect(namedRegion(sentTo(host))).toBe(region));
