import type { Provider } from '../providers.ts';
import { refusalOf, type S3Answer } from '../s3/answer.ts';
import { LACKS_TOKEN } from '../s3/errors.ts';
import { describeServer, isFromBetween } from '../s3/in-between.ts';
import { namedRegion } from '../s3/named-region.ts';
import { type Diagnosis, diagnosis } from './diagnosis.ts';

/** What was asked, and how. */
export interface Asked {
  /** `https://host[:port]`. */
  readonly endpoint: string;
  readonly signingRegion: string;
  readonly provider: Provider;
  readonly bucket: string | null;
  /** The access key is a temporary one, and its session token was not entered. */
  readonly lacksToken: boolean;
}

/** Why the answer is no success, or no answer of S3 at all. */
export function diagnoseAnswer(answer: S3Answer, asked: Asked): Diagnosis {
  return betweenUs(answer, asked) ?? refused(answer, asked);
}

const UNKNOWN_KEY = new Set(['InvalidAccessKeyId', 'InvalidSecurity', 'UserSuspended']);
const REGION_CODES = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'AuthorizationQueryParametersError',
  'IllegalLocationConstraintException',
]);
const VIRTUAL_HOST = /virtual[- ]?host|SecondLevelDomainForbidden|PathStyleDomainForbidden/i;

/** A proxy, a sign-in page or another web server that answered instead of a storage. */
function betweenUs(answer: S3Answer, asked: Asked): Diagnosis | null {
  const { status, headers, text } = answer;
  const { bucket } = asked;
  const host = hostOf(asked);
  if (status === 407) return diagnosis('proxy', wantsSignIn(host), { bucket });
  const isHtml =
    /^text\/html/i.test(headers.get('content-type') ?? '') || /^\s*<(!doctype html|html)/i.test(text);
  const target = headers.get('location');
  const isElsewhere = status >= 300 && status < 400 && target !== null && refusalOf(answer).code === null;
  if (status === 511 || (isElsewhere && !isSameHost(target, asked))) {
    const to = target === null ? '' : ` to ${hostIn(target)}`;
    const sentence = `Something between this machine and ${host} sends requests elsewhere${to}: a sign-in page of the network, or a web server that is not the storage.`;
    return diagnosis('proxy', sentence, { bucket });
  }
  if (!isHtml && isFromBetween(answer, { method: 'GET' }) && status !== 400) {
    const sentence = `Not the storage at ${host}, but a proxy, a firewall or another web server${describeServer(headers)} answered ${status}: the answer has no S3 error code. Nothing is known of the keys. Look at what is in between, and that the endpoint is an S3 address.`;
    return diagnosis(status >= 500 || status === 429 ? 'busy' : 'proxy', sentence, { bucket });
  }
  if (!isHtml) return null;
  const server = headers.get('server') ?? headers.get('via');
  const by = server === null ? '' : ` by ${server.slice(0, 60)}`;
  const isGateway = status === 502 || status === 503 || status === 504;
  const sentence = isGateway
    ? `A proxy in front of ${host} answered ${status} with a web page${by}: the storage behind it does not answer.`
    : `${host} answered ${status} with a web page${by}, not as an S3 storage does. Check that the endpoint is the storage's API and not its web console, and that no proxy or sign-in page is in between.`;
  return diagnosis('not_s3', sentence, { bucket });
}

/** What a 407 says. */
export function wantsSignIn(host: string): string {
  return `A proxy between this machine and ${host} wants a sign-in. Let this machine reach the storage without it.`;
}

function refused(answer: S3Answer, asked: Asked): Diagnosis {
  const { code, message, requestId } = refusalOf(answer);
  const { bucket, provider } = asked;
  const about = { bucket, requestId };
  const host = hostOf(asked);
  const { status } = answer;
  const wantsVirtualHost = VIRTUAL_HOST.test(`${code} ${message}`) || namesBucketAsHost(answer, asked);
  if (wantsVirtualHost) {
    const sentence = `${host} wants bucket names in the host (virtual-hosted), and is asked with the bucket in the path. Choose its provider in the settings; on a server of your own, allow path-style requests.`;
    return diagnosis('addressing', sentence, about);
  }
  if (asked.lacksToken && (status === 401 || (code !== null && UNKNOWN_KEY.has(code)))) {
    return diagnosis('wrong_key_id', `${host} does not know this access key. ${LACKS_TOKEN}`, about);
  }
  if (code === 'ExpiredToken' || code === 'TokenRefreshRequired') {
    const sentence = `${host} knows these temporary keys, and they have expired. Get new ones (STS) and enter access key, secret key and session token.`;
    return diagnosis('expired', sentence, about);
  }
  if (code === 'InvalidToken') {
    const sentence = `${host} does not accept the session token: it belongs to another access key, or was not pasted whole.`;
    return diagnosis('wrong_key_id', sentence, about);
  }
  if (code !== null && UNKNOWN_KEY.has(code)) {
    const sentence = `${host} does not know this access key. Check it for missing characters, and that it belongs to this provider, account and region.`;
    return diagnosis('wrong_key_id', sentence, about);
  }
  if (code === 'SignatureDoesNotMatch') {
    const sentence = `${host} knows the access key, but the secret key does not fit to it. Paste the secret key again; a blank or a missing character is enough. A proxy that rewrites requests has the same effect.`;
    return diagnosis('wrong_secret', sentence, about);
  }
  if (code === 'RequestTimeTooSkewed') {
    return diagnosis('clock', `${host} refuses the time of this machine. Set its clock (NTP).`, about);
  }
  const region = regionIn(answer);
  if ((code !== null && REGION_CODES.has(code)) || status === 301 || (region !== null && status === 400)) {
    return diagnosis('wrong_region', regionSentence(region, asked), about);
  }
  if (status === 401) {
    const sentence =
      provider.adminsListBuckets && bucket === null
        ? `${host} answers 401 when the token is limited to buckets, and also when it is wrong or revoked. Name the buckets; if they fail too, check the access key and the secret key.`
        : `${host} does not accept these keys. Check the access key and the secret key.`;
    return diagnosis('wrong_key_id', sentence, about);
  }
  if (status === 403 && (code === 'AccessDenied' || code === null)) {
    return diagnosis('denied', `${deniedSentence(asked)}${capitalsIn(bucket)}`, about);
  }
  if (status === 403) {
    const reason = message === null ? '' : ` (${message.slice(0, 300)})`;
    return diagnosis('denied', `${host} refuses this key: ${said(status, code)}${reason}.`, about);
  }
  if (status === 404 && bucket !== null) {
    const sentence = `There is no bucket ${bucket} at ${host}. Check its spelling (names are case-sensitive) and the region; buckets are created at the provider.${capitalsIn(bucket)}`;
    return diagnosis('no_bucket', sentence, about);
  }
  if (status === 408 || status === 429 || status >= 500 || code === 'RequestRateLimitExceeded') {
    const sentence = `${host} is busy or out of order (${said(status, code)}). Look at the provider's status page, and try again.`;
    return diagnosis('busy', sentence, about);
  }
  const sentence = `${host} answered ${said(status, code)}. ${capitalsIn(bucket).trim() || 'Check that the endpoint is an S3 address.'}`;
  return diagnosis('other', sentence, about);
}

function deniedSentence(asked: Asked): string {
  const { bucket } = asked;
  if (bucket === null) {
    return 'The key may not list buckets. That is usual for keys that are limited to buckets: add the bucket names.';
  }
  return `The key may not use the bucket ${bucket}. The key is known, and its secret and the clock are right; what is left: the spelling (names are case-sensitive), the key's policy, which has to name this bucket and its objects, the bucket's own policy, and the region, which is taken to be ${asked.signingRegion}. A key that is limited to a prefix may list under that alone: it is tried under the prefixes of databases, and works once one backs up there.`;
}

/** Old ones may have some, so that it is no more than a hint. */
function capitalsIn(bucket: string | null): string {
  if (bucket === null || !/[A-Z]/.test(bucket)) return '';
  return ` Bucket names have no capital letters: it may be ${bucket.toLowerCase()}.`;
}

function regionSentence(region: string | null, { bucket, signingRegion }: Asked): string {
  const what = bucket === null ? 'The storage' : `The bucket ${bucket}`;
  return region === null
    ? `${what} is in another region than ${signingRegion}. Enter the region in which it was created, and its endpoint.`
    : `${what} is in the region ${region}, not in ${signingRegion}. Enter ${region} as the region, and the endpoint of that region.`;
}

function regionIn(answer: S3Answer): string | null {
  // MinIO and others: "the region is wrong; expecting 'eu-west-1'".
  const expected = /expecting '([a-z0-9-]+)'/.exec(refusalOf(answer).message ?? '')?.[1];
  return namedRegion(answer) ?? expected ?? null;
}

/** A redirect to `bucket.host` where only the addressing differs. */
function namesBucketAsHost(answer: S3Answer, { bucket, endpoint }: Asked): boolean {
  const named = refusalOf(answer).endpoint;
  if (bucket === null || named === null) return false;
  return named.replace(/^https?:\/\//, '').replace(/:\d+$/, '') === `${bucket}.${new URL(endpoint).hostname}`;
}

const hostOf = ({ endpoint }: Asked) => new URL(endpoint).host;
const said = (status: number, code: string | null) => (code === null ? String(status) : `${status} ${code}`);

function hostIn(location: string): string {
  return URL.canParse(location) ? new URL(location).host : 'another page';
}

function isSameHost(location: string, { endpoint, bucket }: Asked): boolean {
  if (!URL.canParse(location)) return false;
  const { hostname } = new URL(endpoint);
  return [hostname, `${bucket}.${hostname}`].includes(new URL(location).hostname);
}
