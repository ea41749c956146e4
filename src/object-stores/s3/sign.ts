import { AwsV4Signer } from 'aws4fetch';
import { AppError } from '../../errors.ts';

export interface SigningKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string | null | undefined;
  readonly region: string;
  /** Derived keys; one a day is added. */
  readonly cache: Map<string, ArrayBuffer>;
}

/** SHA-256 of nothing, in hex. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * The headers of a signed request (SigV4, service s3). `payloadSha256` covers the body, so that the storage verifies
 * what it got. Every header is signed when a content type is set: newer Ceph refuses it unsigned.
 */
export async function signRequest(
  keys: SigningKeys,
  request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly payloadSha256: string;
    readonly at: Date;
  },
): Promise<Headers> {
  forgetOldKeys(keys.cache);
  const signer = new AwsV4Signer({
    ...credentials(keys),
    method: request.method,
    url: request.url,
    headers: { ...request.headers, 'x-amz-content-sha256': request.payloadSha256 },
    datetime: amzDate(request.at),
    allHeaders: 'content-type' in request.headers,
  });
  const { headers } = await signed(signer);
  // After signing: Google changes this header on the way, and an encoded answer would not be the stored bytes.
  headers.set('accept-encoding', 'identity');
  return headers;
}

/** Signing builds headers: a key with a character that none can carry was stored by an earlier version. */
async function signed(signer: AwsV4Signer) {
  try {
    return await signer.sign();
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new AppError(
      'storage_bad_credentials',
      'No request was sent: the access key or the session token holds a character that no header can carry, such as an invisible one that came along when it was pasted. Enter both again under Admin > Storage.',
      { details: { unusableKey: true } },
    );
  }
}

/** The URL with its signature in the query, for GET without any header. `expiresInSeconds` is at most seven days. */
export async function signUrl(
  keys: SigningKeys,
  request: { readonly url: string; readonly expiresInSeconds: number; readonly at: Date },
): Promise<string> {
  forgetOldKeys(keys.cache);
  const url = new URL(request.url);
  url.searchParams.set('X-Amz-Expires', String(request.expiresInSeconds));
  const signer = new AwsV4Signer({
    ...credentials(keys),
    method: 'GET',
    url: url.toString(),
    datetime: amzDate(request.at),
    signQuery: true,
  });
  const signed = (await signer.sign()).url;
  // URLSearchParams writes form encoding, strict servers compute the signature over RFC 3986.
  signed.search = signed.search.replace(/\+/g, '%20').replace(/%7E/g, '~').replace(/\*/g, '%2A');
  return signed.toString();
}

function credentials(keys: SigningKeys) {
  return {
    accessKeyId: keys.accessKey,
    secretAccessKey: keys.secretKey,
    ...(keys.sessionToken ? { sessionToken: keys.sessionToken } : {}),
    service: 's3',
    region: keys.region,
    cache: keys.cache,
  };
}

function amzDate(at: Date): string {
  return at.toISOString().replace(/[:-]|\.\d{3}/g, '');
}

function forgetOldKeys(cache: Map<string, ArrayBuffer>): void {
  if (cache.size > 8) cache.clear();
}
