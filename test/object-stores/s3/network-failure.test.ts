import { describe, expect, it } from 'vitest';
import { networkError } from '../../../src/object-stores/s3/errors.ts';

const failed = (code: string) =>
  networkError(Object.assign(new Error('fetch failed'), { code }), {
    operation: 'HeadObject',
    endpoint: 'https://minio.example.com:9000',
    bucket: 'backups',
  }).message;

describe('a connection that fails for its TLS, while a backup runs', () => {
  it.each([
    [
      'ERR_SSL_WRONG_VERSION_NUMBER',
      /does not speak TLS: .* STORAGE_ALLOW_HTTP=1 and restart it, and enter http:\/\/minio\.example\.com:9000/,
    ],
    ['CERT_HAS_EXPIRED', /certificate of minio\.example\.com:9000 has expired/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /is for another name/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /private authority.*STORAGE_CA_FILE/],
    ['ERR_SSL_TLSV1_ALERT_HANDSHAKE_FAILURE', /No secure connection/],
  ])('says of %s what is wrong, as the test of the storage does', (code, said) => {
    expect(failed(code)).toMatch(said);
    expect(failed(code)).toMatch(new RegExp(`HeadObject.*backups.*\\(${code}\\)\\.$`));
  });
});
