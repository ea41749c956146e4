import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { decode, queryPairs, type S3Request } from './request.ts';
import { accessDenied, S3Error } from './s3-error.ts';
import {
  algorithm,
  malformedQuery,
  readAuthorization,
  readPresigned,
  type Signature,
} from './signature-fields.ts';

export interface AccessKey {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Temporary keys: requests must carry it. */
  readonly sessionToken?: string;
  /** A bucket-scoped key: it may not list buckets, and every other bucket is denied. */
  readonly buckets?: readonly string[];
  /** With `buckets`: listing answers those, as MinIO does, or every one, as Linode does, instead of 403. */
  readonly listing?: 'own' | 'all';
}

/** Who signed the request, and what its body must hash to (hex SHA-256), or null for an unsigned payload. */
export interface Signer {
  readonly key: AccessKey;
  readonly payloadSha256: string | null;
}

const windowMs = 15 * 60_000;
const longestExpirySeconds = 604_800;

/**
 * Verifies an AWS Signature Version 4 in the Authorization header or in a presigned URL, rebuilt from the raw request.
 * Strict where servers differ: every x-amz-* header must be signed, and a Content-Type that is sent (newest Ceph).
 */
export function verifySignature(
  request: S3Request,
  options: { keys: readonly AccessKey[]; region: string | null; now: Date },
): Signer {
  const signature = request.query.has('X-Amz-Algorithm')
    ? readPresigned(request)
    : readAuthorization(request);
  const key = options.keys.find((candidate) => candidate.accessKey === signature.accessKey);
  if (key === undefined) {
    throw new S3Error(
      403,
      'InvalidAccessKeyId',
      'The access key ID you provided does not exist in our records.',
    );
  }
  const token = request.query.get('X-Amz-Security-Token') ?? request.headers.get('x-amz-security-token');
  if (token !== key.sessionToken) {
    // AWS does not find a temporary key that comes without its token.
    const code = token === undefined ? 'InvalidAccessKeyId' : 'InvalidToken';
    throw new S3Error(
      token === undefined ? 403 : 400,
      code,
      'The provided token is malformed or otherwise invalid.',
    );
  }
  checkScope(signature, options.region);
  if (signature.presigned) checkExpiry(request, signature, options.now);
  else checkClock(signature, options.now);
  checkSignedHeaders(request, signature);
  checkSignature(request, signature, key.secretKey);
  return { key, payloadSha256: signature.payload === 'UNSIGNED-PAYLOAD' ? null : signature.payload };
}

function checkScope(signature: Signature, region: string | null): void {
  const code = signature.presigned ? 'AuthorizationQueryParametersError' : 'AuthorizationHeaderMalformed';
  const subject = signature.presigned
    ? 'Error parsing the X-Amz-Credential parameter'
    : 'The authorization header is malformed';
  if (region !== null && signature.scope.region !== region) {
    throw new S3Error(
      400,
      code,
      `${subject}; the region '${signature.scope.region}' is wrong; expecting '${region}'`,
      { fields: { Region: region }, headers: { 'x-amz-bucket-region': region } },
    );
  }
  if (signature.scope.service !== 's3') {
    throw new S3Error(
      400,
      code,
      `${subject}; incorrect service "${signature.scope.service}". Expecting "s3".`,
    );
  }
  if (signature.scope.date !== signature.timestamp.slice(0, 8)) {
    throw new S3Error(400, code, `${subject}; Invalid credential date "${signature.scope.date}".`);
  }
}

function checkClock(signature: Signature, now: Date): void {
  if (Math.abs(now.getTime() - signature.signedAt.getTime()) <= windowMs) return;
  throw new S3Error(
    403,
    'RequestTimeTooSkewed',
    'The difference between the request time and the current time is too large.',
    {
      fields: {
        RequestTime: signature.timestamp,
        ServerTime: now.toISOString(),
        MaxAllowedSkewMilliseconds: String(windowMs),
      },
    },
  );
}

function checkExpiry(request: S3Request, signature: Signature, now: Date): void {
  const expires = request.query.get('X-Amz-Expires') ?? '';
  const seconds = Number(expires);
  if (!/^\d+$/.test(expires) || seconds < 1 || seconds > longestExpirySeconds) {
    throw malformedQuery(`X-Amz-Expires must be between 1 and ${longestExpirySeconds} seconds`);
  }
  const ageMs = now.getTime() - signature.signedAt.getTime();
  if (ageMs > seconds * 1000) throw accessDenied('Request has expired');
  if (ageMs < -windowMs) throw accessDenied('Request is not valid yet');
}

function checkSignedHeaders(request: S3Request, signature: Signature): void {
  const signed = new Set(signature.signedHeaders);
  const mustBeSigned = [...request.headers.keys()].filter(
    (name) => name === 'host' || name === 'content-type' || name.startsWith('x-amz-'),
  );
  const unsigned = mustBeSigned.filter((name) => !signed.has(name));
  if (unsigned.length === 0) return;
  throw new S3Error(403, 'AccessDenied', 'There were headers present in the request which were not signed', {
    fields: { HeadersNotSigned: unsigned.join(', ') },
  });
}

function checkSignature(request: S3Request, signature: Signature, secretKey: string): void {
  const { date, region, service } = signature.scope;
  const canonical = canonicalRequest(request, signature);
  const scope = `${date}/${region}/${service}/aws4_request`;
  const stringToSign = [algorithm, signature.timestamp, scope, sha256Hex(canonical)].join('\n');
  const signingKey = [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    (key, text) => hmac(key, text),
    `AWS4${secretKey}`,
  );
  const expected = hmac(signingKey, stringToSign).toString('hex');
  if (sameText(expected, signature.signature)) return;
  throw new S3Error(
    403,
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    { fields: { StringToSign: stringToSign, CanonicalRequest: canonical } },
  );
}

function canonicalRequest(request: S3Request, signature: Signature): string {
  const headers = signature.signedHeaders.map(
    (name) =>
      `${name}:${utf8(request.headers.get(name) ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  );
  return [
    request.method,
    request.rawPath.split('/').map(decode).map(encode).join('/'),
    canonicalQuery(request.rawQuery),
    headers.join(''),
    signature.signedHeaders.join(';'),
    signature.payload,
  ].join('\n');
}

/** Node reads header bytes as Latin-1; clients sign them as UTF-8. */
function utf8(value: string): string {
  return Buffer.from(value, 'latin1').toString('utf8');
}

function canonicalQuery(raw: string): string {
  return queryPairs(raw)
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => order(nameA, nameB) || order(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

/** AWS's URI encoding: everything but the unreserved characters. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
