import type { Permission } from './providers/key-policy.ts';
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

export interface PolicyWish {
  readonly provider: Provider;
  readonly region: string;
  readonly buckets: readonly string[];
  /** Empty for the whole bucket. */
  readonly prefix: string;
}

export function policyFor(wish: PolicyWish): StoragePolicy {
  const { provider, buckets, prefix } = wish;
  const about = { provider: { id: provider.id, name: provider.name }, buckets, prefix };
  const { policy } = provider;
  const steps = policy.steps.map((step) => step.replaceAll('{buckets}', buckets.join(', ')));
  if (policy.kind === 'clicks') {
    const { permissions, optional } = policy;
    // But for Backblaze's, such keys reach whole buckets: a prefix is kept by this program alone.
    const whole = `Keys of ${provider.name} are limited to buckets, not to a prefix: use a bucket of its own for backups.`;
    const isWhole = prefix !== '' && !provider.limitsKeysToPrefix;
    return { ...about, document: null, steps: isWhole ? [...steps, whole] : steps, permissions, optional };
  }
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
  {
    permission: 's3:GetBucketVersioning',
    features: ['saying whether a bucket keeps versions before the deep test has found out'],
  },
];

function documentOf({ provider, region, buckets, prefix }: PolicyWish) {
  const arns = buckets.map((bucket) => `arn:${provider.partitionOf(region)}:s3:::${bucket}`);
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
