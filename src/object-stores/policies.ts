import { PROVIDERS, type Provider } from './providers.ts';

/** The least that a key needs for what this program does with the named buckets, ready for the admin. */
export interface StoragePolicy {
  readonly provider: { readonly id: string; readonly name: string };
  readonly buckets: readonly string[];
  readonly prefix: string;
  /** A policy document as JSON text to paste, or null where the provider has none and the steps do it all. */
  readonly document: string | null;
  /** What to do, one sentence each, in order. */
  readonly steps: readonly string[];
  /** What is allowed, and for what. */
  readonly permissions: readonly Permission[];
  /** What can be allowed beside it, and what that would give. */
  readonly optional: readonly Permission[];
}

export interface Permission {
  readonly permission: string;
  readonly features: readonly string[];
}

export interface PolicyWish {
  readonly provider: Provider;
  readonly region: string;
  readonly buckets: readonly string[];
  /** Empty for the whole bucket. */
  readonly prefix: string;
}

/** Storages whose policies are AWS documents. */
const JSON_STEPS: Readonly<Record<string, readonly string[]>> = {
  aws: [
    'In the AWS console, open IAM > Policies > Create policy > JSON and paste the document.',
    'Create a user under IAM > Users without console access, and attach the policy to it.',
    'Open the user > Security credentials > Create access key, and enter the key and its secret here.',
    'Enter the bucket names in the Buckets field: the key may not list others.',
  ],
  minio: [
    'Save the document as bridgeport.json.',
    'Run: mc admin policy create ALIAS bridgeport bridgeport.json',
    'Run: mc admin user add ALIAS ACCESSKEY SECRETKEY',
    'Run: mc admin policy attach ALIAS bridgeport --user ACCESSKEY',
    'Enter that key, its secret and the bucket names here.',
  ],
  wasabi: [
    'In the Wasabi console, open Policies > Create Policy and paste the document.',
    'Create a user under Users with programmatic access, and attach the policy to it.',
    'Enter the key and the secret that are shown at the end, and the bucket names, here.',
  ],
  ceph: [
    'Create a user: radosgw-admin user create --uid=bridgeport --display-name=bridgeport --max-buckets=-1',
    'Save the document as bridgeport.json, and set it as the policy of that user: aws iam put-user-policy --user-name bridgeport --policy-name bridgeport --policy-document file://bridgeport.json, with the gateway as --endpoint-url.',
    'Enter the key and the secret of that user, and the bucket names, here.',
  ],
};

export function policyFor(wish: PolicyWish): StoragePolicy {
  const { provider, buckets, prefix } = wish;
  const about = { provider: { id: provider.id, name: provider.name }, buckets, prefix };
  const steps = JSON_STEPS[provider.id];
  if (steps === undefined) return { ...about, document: null, ...clicksFor(wish) };
  return {
    ...about,
    document: JSON.stringify(documentOf(wish), null, 2),
    steps: prefix === '' ? steps : [...steps, UNDER_PREFIX],
    permissions: [...LISTING, ...BUCKET, ...OBJECTS],
    optional: OPTIONAL,
  };
}

/** Every provider that a policy can be asked for. */
export const POLICY_PROVIDERS = PROVIDERS.map(({ id, name }) => ({ id, name }));

const UNDER_PREFIX =
  'Test Connection looks under the prefixes of databases: with this policy it succeeds once a database backs up to the bucket under the prefix.';

const LISTING: readonly Permission[] = [
  {
    permission: 's3:ListBucket',
    features: ['Test Connection', 'telling an absent object from a denied one'],
  },
  { permission: 's3:ListBucketVersions', features: ['removing what a deep test made, by version'] },
];
const BUCKET: readonly Permission[] = [
  {
    permission: 's3:ListBucketMultipartUploads',
    features: ['cleaning up uploads that a crash or a lost connection left'],
  },
  { permission: 's3:GetBucketObjectLockConfiguration', features: ['the capability card: object lock'] },
];
const OBJECTS: readonly Permission[] = [
  { permission: 's3:PutObject', features: ['uploading backups'] },
  { permission: 's3:GetObject', features: ['reading back after the upload', 'downloads', 'verifying'] },
  { permission: 's3:GetObjectVersion', features: ['the same in buckets that keep versions'] },
  { permission: 's3:DeleteObject', features: ['deleting and pruning backups'] },
  { permission: 's3:DeleteObjectVersion', features: ['the same in buckets that keep versions'] },
  { permission: 's3:AbortMultipartUpload', features: ['leaving no parts of a cancelled or failed backup'] },
  {
    permission: 's3:ListMultipartUploadParts',
    features: ['learning how an upload ended whose last answer was lost'],
  },
];
const OPTIONAL: readonly Permission[] = [
  {
    permission: 's3:ListAllMyBuckets',
    features: ['discovering buckets, so that their names need not be entered'],
  },
];

function documentOf({ region, buckets, prefix }: PolicyWish) {
  const arns = buckets.map((bucket) => `arn:${partition(region)}:s3:::${bucket}`);
  const listing = { Effect: 'Allow', Action: names(LISTING), Resource: arns };
  return {
    Version: '2012-10-17',
    Statement: [
      prefix === ''
        ? { Sid: 'List', ...listing }
        : {
            Sid: 'ListUnderPrefix',
            ...listing,
            Condition: { StringLike: { 's3:prefix': [`${literal(prefix)}*`] } },
          },
      { Sid: 'Bucket', Effect: 'Allow', Action: names(BUCKET), Resource: arns },
      {
        Sid: 'Backups',
        Effect: 'Allow',
        Action: names(OBJECTS),
        Resource: arns.map((arn) => `${arn}/${literal(prefix)}*`),
      },
    ],
  };
}

const names = (permissions: readonly Permission[]) => permissions.map(({ permission }) => permission);

/** Wildcards and variables of the policy language, taken by their letters. */
const literal = (prefix: string) => prefix.replaceAll(/[*?$]/g, (character) => `$\{${character}}`);

function partition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

type Clicks = Pick<StoragePolicy, 'steps' | 'permissions' | 'optional'>;

/** Where keys are limited by clicks. But for Backblaze's they reach whole buckets: a prefix is kept by this program alone. */
function clicksFor({ provider, buckets, prefix }: PolicyWish): Clicks {
  const list = buckets.join(', ');
  const clicks = CLICKS[provider.id] ?? OTHER;
  const whole = `Keys of ${provider.name} are limited to buckets, not to a prefix: use a bucket of its own for backups.`;
  return {
    ...clicks,
    steps: [
      ...clicks.steps.map((step) => step.replaceAll('{buckets}', list)),
      ...(prefix === '' || provider.limitsKeysToPrefix ? [] : [whole]),
    ],
  };
}

const READ_AND_WRITE = (permission: string): readonly Permission[] => [
  {
    permission,
    features: [
      'Test Connection',
      'uploading and reading back',
      'downloads',
      'deleting and pruning',
      'cleaning up',
    ],
  },
];

const CLICKS: Readonly<Record<string, Clicks>> = {
  digitalocean: {
    steps: [
      'In the DigitalOcean control panel, open Spaces Object Storage > Access Keys > Create Access Key.',
      'Choose Limited Access, select {buckets} and give Read/Write/Delete.',
      'Enter the key and its secret here; the secret is shown once.',
      'Enter {buckets} in the Buckets field: such a key may not list buckets.',
    ],
    permissions: READ_AND_WRITE('Read/Write/Delete on the bucket'),
    optional: [
      {
        permission: 'Full Access instead of Limited Access',
        features: ['discovering buckets, at the price of a key that reaches them all'],
      },
    ],
  },
  backblaze: {
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
  r2: {
    steps: [
      'In the Cloudflare dashboard, open R2 Object Storage > API > Manage API tokens > Create API token.',
      'Choose Object Read & Write, and Apply to specific buckets only: {buckets}.',
      'Enter the Access Key ID and the Secret Access Key here; they are shown once.',
      'Enter {buckets} in the Buckets field: such a token may not list buckets.',
    ],
    permissions: READ_AND_WRITE('Object Read & Write on the bucket'),
    optional: [
      {
        permission: 'Admin Read & Write',
        features: ['discovering buckets, at the price of a token that may change and delete them'],
      },
    ],
  },
};

const OTHER: Clicks = {
  steps: [
    'Create a key of its own for this program, if the provider lets you.',
    'Limit it to {buckets}, with the rights to list, read, write and delete objects and to list and abort multipart uploads.',
    'Leave out the rights to create, change and delete buckets: nothing here uses them.',
    'Enter the key, its secret and the bucket names here.',
  ],
  permissions: READ_AND_WRITE('list, read, write and delete objects'),
  optional: [{ permission: 'list buckets', features: ['discovering buckets'] }],
};
