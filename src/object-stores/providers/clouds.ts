import { awsHost, awsHostFor, awsPartition, isAwsRegion, regionInAwsHost } from './aws-host.ts';
import { readAndWrite } from './key-policy.ts';
import {
  COMMON,
  evidence,
  hosts,
  oneForAll,
  type Provider,
  parts,
  regions,
  SLOW_DOWN,
  TB,
  TIB,
  TOO_MANY,
} from './provider.ts';

/** Storages with software of their own. */

export const AWS: Provider = {
  ...COMMON,
  id: 'aws',
  encryption: ['AES256', 'aws:kms'],
  name: 'AWS S3',
  endpointPattern: 's3.{region}.amazonaws.com',
  // Every label is spelled out: anybody may run a server under the other names that Amazon gives away.
  ...hosts(
    '(?:s3(?:-fips)?(?:\\.dualstack)?(?:\\.[a-z0-9-]+)?|s3-(?!website)[a-z0-9-]+|(?:bucket\\.)?vpce-[a-z0-9-]+\\.s3\\.[a-z0-9-]+\\.vpce)\\.amazonaws\\.com(?:\\.cn)?',
  ),
  // AWS in China is another AWS.
  accountOf: (host) => (host.endsWith('.cn') ? 'china' : 'world'),
  // One without a region says nothing of where the bucket lies.
  behindBucket: (endpoint, region) =>
    regionInAwsHost(endpoint) === null && isAwsRegion(region) ? awsHost(region) : endpoint,
  byRegion: { owner: 'AWS', isRegion: isAwsRegion, regionIn: regionInAwsHost, hostIn: awsHostFor },
  partitionOf: awsPartition,
  checksObjectSize: true,
  namesRegion: true,
  defaultRegion: 'us-east-1',
  regions: regions(
    'us-east-1 N. Virginia, us-east-2 Ohio, us-west-1 N. California, us-west-2 Oregon, ca-central-1 Canada, eu-central-1 Frankfurt, eu-west-1 Ireland, eu-west-2 London, eu-west-3 Paris, eu-north-1 Stockholm, eu-south-1 Milan, ap-south-1 Mumbai, ap-southeast-1 Singapore, ap-southeast-2 Sydney, ap-northeast-1 Tokyo, ap-northeast-2 Seoul, sa-east-1 São Paulo',
  ),
  parts: parts({ maxObjectBytes: 48.8 * TIB }),
  ifNoneMatch: true,
  // A key without s3:ListBucket.
  scopedKey: { listBuckets: 'denied', missingObject: 403 },
  policy: {
    kind: 'document',
    steps: [
      'In the AWS console, open IAM > Policies > Create policy > JSON and paste the document.',
      'Create a user under IAM > Users without console access, and attach the policy to it.',
      'Open the user > Security credentials > Create access key, and enter the key and its secret here.',
      'Enter the bucket names in the Buckets field: the key may not list others.',
    ],
  },
  evidence: evidence('DDSDKKK'),
};

export const BACKBLAZE: Provider = {
  ...COMMON,
  id: 'backblaze',
  encryption: ['AES256'],
  name: 'Backblaze B2',
  endpointPattern: 's3.{region}.backblazeb2.com',
  ...hosts('s3\\.[a-z]{2}-[a-z]+-\\d{3}\\.backblazeb2\\.com'),
  limitsKeysToPrefix: true,
  defaultRegion: 'us-west-004',
  regions: regions(
    'us-west-000 US West, us-west-001 US West, us-west-002 US West, us-west-004 US West, us-east-005 US East, eu-central-003 Amsterdam, ca-east-006 Toronto',
  ),
  parts: parts({ maxObjectBytes: 10 * TB }),
  scopedKey: { listBuckets: 'denied', missingObject: 403 },
  versions: 'always',
  throttling: [{ status: 503, code: 'ServiceUnavailable' }, { status: 500, code: 'InternalError' }, TOO_MANY],
  freshConnections: true,
  note: 'The master key does not work here: create an application key. Its buckets keep old versions.',
  policy: {
    kind: 'clicks',
    steps: [
      'In the Backblaze console, open Application Keys > Add a New Application Key; the master key does not work with S3.',
      'Under Allow access to Bucket(s), select {buckets}.',
      'Choose Read and Write, and tick Allow List All Bucket Names.',
      'Set a File name prefix only if every database of this bucket backs up under it; the deep test writes under .bridgeport-probe/, which such a key may not.',
      'Enter the keyID and the applicationKey here; the latter is shown once.',
    ],
    permissions: [
      { permission: 'listFiles', features: ['Test Connection', 'cleaning up'] },
      { permission: 'writeFiles', features: ['uploading backups'] },
      { permission: 'readFiles', features: ['reading back', 'downloads', 'verifying'] },
      { permission: 'deleteFiles', features: ['deleting and pruning backups'] },
    ],
    optional: [{ permission: 'listAllBucketNames', features: ['discovering buckets'] }],
  },
  evidence: evidence('DKSIKKI'),
};

export const WASABI: Provider = {
  ...COMMON,
  id: 'wasabi',
  encryption: ['AES256'],
  name: 'Wasabi',
  endpointPattern: 's3.{region}.wasabisys.com',
  ...hosts('s3(?:\\.[a-z]{2}(?:-[a-z]+)?-\\d)?\\.wasabisys\\.com'),
  defaultRegion: 'us-east-1',
  regions: regions(
    'us-east-1 N. Virginia, us-east-2 N. Virginia 2, us-central-1 Texas, us-west-1 Oregon, ca-central-1 Toronto, eu-central-1 Amsterdam, eu-central-2 Frankfurt, eu-west-1 London, eu-west-2 Paris, eu-west-3 London 2, eu-south-1 Milan, ap-northeast-1 Tokyo, ap-northeast-2 Osaka, ap-southeast-1 Singapore, ap-southeast-2 Sydney',
  ),
  parts: parts({ maxObjectBytes: 5 * TB }),
  minimumDays: 90,
  throttling: [{ status: 400, code: 'RequestRateLimitExceeded' }, SLOW_DOWN],
  note: 'The region must be the one in which the bucket was created. Every object is paid for 90 days.',
  policy: {
    kind: 'document',
    steps: [
      'In the Wasabi console, open Policies > Create Policy and paste the document.',
      'Create a user under Users with programmatic access, and attach the policy to it.',
      'Enter the key and the secret that are shown at the end, and the bucket names, here.',
    ],
  },
  evidence: evidence('DKSKKDI'),
};

export const R2: Provider = {
  ...COMMON,
  id: 'r2',
  name: 'Cloudflare R2',
  endpointPattern: '{account}.r2.cloudflarestorage.com',
  ...hosts('[a-z0-9]+(?:\\.(?:eu|fedramp))?\\.r2\\.cloudflarestorage\\.com'),
  accountOf: (host) => host.split('.')[0] ?? '',
  hostIsAccount: true,
  accountPattern: /^[0-9a-f]{32}$/i,
  bareHost: 'r2.cloudflarestorage.com',
  adminsListBuckets: true,
  defaultRegion: 'auto',
  regions: regions('auto Automatic'),
  signingRegion: 'auto',
  // Parts of unequal size are refused only at the very end (InvalidPart 10048).
  parts: parts({ equal: true, maxInFlight: 3, maxObjectBytes: 4.995 * TIB, maxPartBytes: 4.995 * 2 ** 30 }),
  multipartEtag: 'opaque',
  versions: 'never',
  dropsUploadsAfterHours: 7 * 24,
  throttling: [TOO_MANY, SLOW_DOWN],
  note: 'Use a token for the bucket and name the bucket; only an admin token may list buckets.',
  policy: {
    kind: 'clicks',
    steps: [
      'In the Cloudflare dashboard, open R2 Object Storage > API > Manage API tokens > Create API token.',
      'Choose Object Read & Write, and Apply to specific buckets only: {buckets}.',
      'Enter the Access Key ID and the Secret Access Key here; they are shown once.',
      'Enter {buckets} in the Buckets field: such a token may not list buckets.',
    ],
    permissions: readAndWrite('Object Read & Write on the bucket'),
    optional: [
      {
        permission: 'Admin Read & Write',
        features: ['discovering buckets, at the price of a token that may change and delete them'],
      },
    ],
  },
  evidence: evidence('DDSDKKD'),
};

export const SCALEWAY: Provider = {
  ...COMMON,
  id: 'scaleway',
  name: 'Scaleway',
  endpointPattern: 's3.{region}.scw.cloud',
  ...hosts('s3\\.[a-z]{2}-[a-z]{3}\\.scw\\.cloud'),
  defaultRegion: 'fr-par',
  regions: regions('fr-par Paris, nl-ams Amsterdam, pl-waw Warsaw'),
  parts: parts({ maxParts: 1_000, maxObjectBytes: 5 * TB }),
  evidence: evidence('KSSKKKK'),
};

export const OVH: Provider = {
  ...COMMON,
  id: 'ovh',
  name: 'OVHcloud',
  endpointPattern: 's3.{region}.io.cloud.ovh.net',
  ...hosts('s3\\.[a-z0-9-]+\\.(?:io|perf)\\.cloud\\.ovh\\.(?:net|us)'),
  defaultRegion: 'gra',
  regions: regions(
    'gra Gravelines, rbx Roubaix, sbg Strasbourg, de Frankfurt, uk London, waw Warsaw, bhs Beauharnois, eu-west-par Paris',
  ),
  parts: parts({ maxObjectBytes: 48 * TIB }),
  evidence: evidence('KDSKKKK'),
};

export const IDRIVE: Provider = {
  ...COMMON,
  id: 'idrive',
  name: 'IDrive e2',
  endpointPattern: '{account}.idrivee2.com',
  // Every account has a host of its own, of one or more labels.
  host: /^(?:[a-z0-9-]+\.)+idrivee2(?:-\d+)?\.com$/,
  bucketHost: null,
  accountOf: oneForAll,
  defaultRegion: 'us-east-1',
  regions: [],
  note: 'Copy the endpoint of your region from the console: every account has its own.',
  evidence: evidence('SKSKKKK'),
};

export const TIGRIS: Provider = {
  ...COMMON,
  id: 'tigris',
  name: 'Tigris',
  endpointPattern: 't3.storage.dev',
  ...hosts('t3\\.storage\\.dev|fly\\.storage\\.tigris\\.dev'),
  defaultRegion: 'auto',
  regions: regions('auto Automatic'),
  signingRegion: 'auto',
  addressing: 'virtual-host',
  throttling: [{ status: 408, code: 'RequestCanceled' }, SLOW_DOWN],
  evidence: evidence('DKKKKKI'),
};

export const STORJ: Provider = {
  ...COMMON,
  id: 'storj',
  name: 'Storj',
  endpointPattern: 'gateway.storjshare.io',
  ...hosts('gateway(?:\\.[a-z0-9]+)?\\.storjshare\\.io'),
  defaultRegion: 'us-east-1',
  regions: [],
  keepsMetadata: false,
  scopedKey: { listBuckets: 'own', missingObject: 404 },
  versions: 'never',
  throttling: [SLOW_DOWN, TOO_MANY],
  evidence: evidence('KIKKKKK'),
};

export const GCS: Provider = {
  ...COMMON,
  id: 'gcs',
  name: 'Google Cloud Storage (HMAC keys)',
  endpointPattern: 'storage.googleapis.com',
  ...hosts('storage\\.googleapis\\.com'),
  defaultRegion: 'auto',
  regions: regions('auto Automatic'),
  multipartEtag: 'opaque',
  throttling: [TOO_MANY, SLOW_DOWN],
  note: 'Unfinished uploads stay for ever: give the bucket a lifecycle rule that aborts them.',
  evidence: evidence('KKKKKKK'),
};
