import { readAndWrite } from './key-policy.ts';
import {
  COMMON,
  evidence,
  hosts,
  ownHost,
  type Provider,
  parts,
  regions,
  SLOW_DOWN,
  TB,
  TOO_MANY,
} from './provider.ts';

/** Storages that run the Ceph object gateway, with which these tests run. */

export const DIGITALOCEAN: Provider = {
  ...COMMON,
  id: 'digitalocean',
  name: 'DigitalOcean Spaces',
  endpointPattern: '{region}.digitaloceanspaces.com',
  ...hosts('[a-z]{3}\\d\\.digitaloceanspaces\\.com'),
  cdnHost: /^(?<bucket>.+)\.(?<region>[a-z]{3}\d)\.cdn\.digitaloceanspaces\.com$/,
  defaultRegion: 'fra1',
  regions: regions(
    'fra1 Frankfurt, nyc3 New York, sfo3 San Francisco, ams3 Amsterdam, sgp1 Singapore, syd1 Sydney, lon1 London, tor1 Toronto, blr1 Bangalore, sfo2 San Francisco 2',
  ),
  // Ten PUTs at once to one object are allowed.
  parts: parts({ maxObjectBytes: 5 * TB }),
  policy: {
    kind: 'clicks',
    steps: [
      'In the DigitalOcean control panel, open Spaces Object Storage > Access Keys > Create Access Key.',
      'Choose Limited Access, select {buckets} and give Read/Write/Delete.',
      'Enter the key and its secret here; the secret is shown once.',
      'Enter {buckets} in the Buckets field: such a key may not list buckets.',
    ],
    permissions: readAndWrite('Read/Write/Delete on the bucket'),
    optional: [
      {
        permission: 'Full Access instead of Limited Access',
        features: ['discovering buckets, at the price of a key that reaches them all'],
      },
    ],
  },
  evidence: evidence('SDSIKKD'),
};

export const HETZNER: Provider = {
  ...COMMON,
  id: 'hetzner',
  name: 'Hetzner Object Storage',
  endpointPattern: '{region}.your-objectstorage.com',
  ...hosts('[a-z]{3}\\d\\.your-objectstorage\\.com'),
  defaultRegion: 'fsn1',
  regions: regions('fsn1 Falkenstein, nbg1 Nuremberg, hel1 Helsinki'),
  parts: parts({ maxObjectBytes: 5 * TB }),
  throttling: [SLOW_DOWN, TOO_MANY],
  note: 'Keys belong to a project and reach all of its buckets.',
  evidence: evidence('KKSKKKK'),
};

export const LINODE: Provider = {
  ...COMMON,
  id: 'linode',
  name: 'Linode / Akamai',
  endpointPattern: '{region}.linodeobjects.com',
  ...hosts('[a-z]{2}-[a-z]+-\\d+\\.linodeobjects\\.com'),
  defaultRegion: 'us-east-1',
  regions: [],
  // A limited key lists all buckets of the account, and may use only its own.
  scopedKey: { listBuckets: 'all', missingObject: 404 },
  note: 'Name the bucket, also for a limited key: it can list all buckets and use only its own.',
  evidence: evidence('KKSDKKK'),
};

export const VULTR: Provider = {
  ...COMMON,
  id: 'vultr',
  name: 'Vultr Object Storage',
  endpointPattern: '{region}.vultrobjects.com',
  ...hosts('[a-z]{3}\\d\\.vultrobjects\\.com'),
  defaultRegion: 'ams1',
  regions: regions(
    'ams1 Amsterdam, ewr1 New Jersey, sjc1 Silicon Valley, lax1 Los Angeles, ord1 Chicago, blr1 Bangalore, del1 Delhi, sgp1 Singapore',
  ),
  // One key per subscription, which opens all of its buckets.
  scopedKey: { listBuckets: 'none', missingObject: 404 },
  evidence: evidence('KKKDKKK'),
};

export const CEPH: Provider = {
  ...COMMON,
  id: 'ceph',
  encryption: ['AES256', 'aws:kms'],
  name: 'Ceph object gateway',
  endpointPattern: 'ceph.example.com',
  ...ownHost('ceph|rgw|radosgw'),
  defaultRegion: 'us-east-1',
  regions: [],
  note: 'Needs a certificate that this machine trusts.',
  policy: {
    kind: 'document',
    steps: [
      'Create a user: radosgw-admin user create --uid=bridgeport --display-name=bridgeport --max-buckets=-1',
      'Save the document as bridgeport.json, and set it as the policy of that user: aws iam put-user-policy --user-name bridgeport --policy-name bridgeport --policy-document file://bridgeport.json, with the gateway as --endpoint-url.',
      'Enter the key and the secret of that user, and the bucket names, here.',
    ],
  },
  evidence: evidence('MKSMKKK'),
};
