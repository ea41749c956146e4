import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { type GatewayPlace, launchGateway, OPERATOR } from './ceph.ts';

/** A running Ceph RADOS gateway, the software behind DigitalOcean Spaces and others, with users and buckets to use. */
export interface Rgw extends GatewayPlace {
  /** Certificate to trust, as PEM; `caFile` holds it too. */
  readonly ca: string;
  readonly region: string;
  /** May do everything, in its own buckets. */
  readonly full: RgwKey;
  /** May not list buckets; may use the buckets named `scoped-*`, of which `scoped-bucket` exists. */
  readonly scoped: RgwKey;
  readonly bucket: string;
  readonly scopedBucket: string;
  /** Makes a user who may make no bucket of their own, and nothing else until somebody allows it. */
  createUser(name: string): Promise<RgwKey>;
  /** Gives such a user that policy, instead of the one before. */
  allow(name: string, policyDocument: string): Promise<void>;
  /** Runs `aws s3api` with the full key and gives what it printed. A run is a second of CPU time, one of what is below a fiftieth. */
  s3api(...args: string[]): Promise<string>;
  /** By the full key, as all that is done to buckets here. */
  createBucket(name: string): Promise<void>;
  /** Has a bucket keep the versions of what is stored from now on. */
  keepVersions(bucket: string): Promise<void>;
  putBucketPolicy(bucket: string, policyDocument: string): Promise<void>;
  /** Creates a bucket under object lock: what is stored there stays for two days, whoever asks. */
  createLockedBucket(name: string): Promise<void>;
  stop(): Promise<void>;
}

export interface RgwKey {
  readonly accessKey: string;
  readonly secretKey: string;
}

const run = promisify(execFile);

/** Starts a gateway of its own, as `launchGateway` does. In tests, `sharedRgw` has one at once. */
export async function startRgw(): Promise<Rgw> {
  const { stop, ...place } = await launchGateway();
  try {
    return { ...(await openRgw(place, { tenant: '', keySuffix: '0000001' })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/**
 * Makes the users and buckets of an `Rgw` in a tenant of a running gateway: names of users and buckets are a tenant's
 * own, so that two tenants' don't meet. The tenant '' is that of users without one. Access keys are the whole
 * gateway's: `keySuffix`, of seven signs, tells them apart.
 */
export async function openRgw(
  place: GatewayPlace,
  { tenant, keySuffix }: { readonly tenant: string; readonly keySuffix: string },
): Promise<Omit<Rgw, 'stop'>> {
  const uid = (name: string) => (tenant === '' ? name : `${tenant}$${name}`);
  const createUser = async (name: string, more: Readonly<Record<string, string>> = {}) => {
    const accessKey = `${name.toUpperCase()}ACCESSKEY`.slice(0, 13) + keySuffix;
    const secretKey = `${name}-secret-for-tests-`.padEnd(40, '0');
    await askOperator(place, 'PUT', {
      ...{ uid: uid(name), 'display-name': name, 'access-key': accessKey, 'secret-key': secretKey },
      // -1: may make no bucket of its own.
      ...{ 'max-buckets': '-1', ...more },
    });
    return { accessKey, secretKey };
  };
  const allow = (name: string, document: string) => putPolicy(place, uid(name), document);

  const full = await createUser('full', { 'max-buckets': '0', 'user-caps': 'users=*;user-policy=*' });
  const scoped = await createUser('scoped');
  await allow('scoped', SCOPED_POLICY);
  const put = (path: string, change?: Change) => putBucket(place, full, path, change);
  for (const name of ['full-bucket', 'scoped-bucket']) await put(name);
  return {
    ...place,
    ca: await readFile(place.caFile, 'utf8'),
    region: 'us-east-1',
    full,
    scoped,
    bucket: 'full-bucket',
    scopedBucket: 'scoped-bucket',
    createUser: (name) => createUser(name),
    allow,
    s3api: (...args) => runS3api(place, full, args),
    createBucket: (name) => put(name),
    keepVersions: (name) => put(`${name}?versioning=`, { body: VERSIONS }),
    putBucketPolicy: (name, body) => put(`${name}?policy=`, { body }),
    async createLockedBucket(name) {
      await put(name, { headers: { 'x-amz-bucket-object-lock-enabled': 'true' } });
      await put(`${name}?object-lock=`, { body: TWO_DAYS });
    },
  };
}

const SCOPED_POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Deny', Action: ['s3:ListAllMyBuckets'], Resource: '*' },
    {
      Effect: 'Allow',
      Action: ['s3:*'],
      Resource: ['arn:aws:s3:::scoped-*', 'arn:aws:s3:::scoped-*/*'],
    },
  ],
});

const VERSIONS = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>';
const TWO_DAYS =
  '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>COMPLIANCE</Mode><Days>2</Days></DefaultRetention></Rule></ObjectLockConfiguration>';

/** Removes users of no tenant with all that is theirs. */
export async function removeUsers(place: GatewayPlace, names: readonly string[]): Promise<void> {
  for (const uid of names) await askOperator(place, 'DELETE', { uid, 'purge-data': 'true' });
}

/** The gateway's API for operators: https://docs.ceph.com/en/pacific/radosgw/adminops/ */
async function askOperator(
  place: GatewayPlace,
  method: string,
  fields: Readonly<Record<string, string>>,
): Promise<void> {
  // Sorted and spelled as the signature wants it: curl signs a query as it stands.
  const encode = (text: string) => encodeURIComponent(text).replaceAll('*', '%2A');
  const query = Object.entries(fields).map(([name, value]) => `${encode(name)}=${encode(value)}`);
  const url = `${place.endpoint}/admin/user?${query.sort().join('&')}`;
  await curl(place, OPERATOR, 's3', ['-X', method, '-H', 'x-amz-content-sha256: UNSIGNED-PAYLOAD', url]);
}

async function putPolicy(place: GatewayPlace, user: string, document: string): Promise<void> {
  const fields = {
    Action: 'PutUserPolicy',
    UserName: user,
    PolicyName: 'of-the-tests',
    PolicyDocument: document,
    Version: '2010-05-08',
  };
  await curl(place, OPERATOR, 'iam', [
    ...['-H', 'content-type: application/x-www-form-urlencoded', `${place.endpoint}/`],
    ...Object.entries(fields).flatMap(([name, value]) => ['--data-urlencode', `${name}=${value}`]),
  ]);
}

async function runS3api(place: GatewayPlace, key: RgwKey, args: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: key.accessKey,
    AWS_SECRET_ACCESS_KEY: key.secretKey,
    AWS_DEFAULT_REGION: 'us-east-1',
  };
  const to = ['--endpoint-url', place.endpoint, '--ca-bundle', place.caFile];
  return (await run('aws', [...to, 's3api', ...args], { env })).stdout;
}

interface Change {
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Creates a bucket, or changes what follows its name in the path. */
async function putBucket(
  place: GatewayPlace,
  key: RgwKey,
  path: string,
  { body = '', headers = {} }: Change = {},
): Promise<void> {
  const sent = {
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'content-type': 'application/octet-stream',
    'content-md5': createHash('md5').update(body).digest('base64'),
    ...headers,
  };
  const named = Object.entries(sent).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const url = `${place.endpoint}/${path}`;
  await curl(place, key, 's3', [...named, '-X', 'PUT', '--data-binary', body, url]);
}

/** Signed by curl, so that what prepares the test is not what is tested. */
async function curl(
  { caFile }: GatewayPlace,
  { accessKey, secretKey }: RgwKey,
  service: string,
  args: readonly string[],
): Promise<void> {
  const signing = ['--aws-sigv4', `aws:amz:us-east-1:${service}`, '-u', `${accessKey}:${secretKey}`];
  await run('curl', ['-sSf', '--cacert', caFile, ...signing, ...args]);
}
