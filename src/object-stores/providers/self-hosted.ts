import { COMMON, evidence, ownHost, type Provider } from './provider.ts';

/** Servers of one's own: only their name can hint at the software, and anything may be behind it. */

export const MINIO: Provider = {
  ...COMMON,
  id: 'minio',
  encryption: ['AES256', 'aws:kms'],
  name: 'MinIO',
  endpointPattern: 'minio.example.com',
  ...ownHost('minio'),
  defaultRegion: 'us-east-1',
  regions: [],
  ifNoneMatch: true,
  scopedKey: { listBuckets: 'own', missingObject: 404 },
  dropsUploadsAfterHours: 24,
  throttling: [
    { status: 503, code: 'SlowDownWrite' },
    { status: 503, code: 'SlowDownRead' },
  ],
  note: 'Needs a certificate that this machine trusts. MinIO drops an upload that takes longer than a day unless stale_uploads_expiry is raised.',
  policy: {
    kind: 'document',
    steps: [
      'Save the document as bridgeport.json.',
      'Run: mc admin policy create ALIAS bridgeport bridgeport.json',
      'Run: mc admin user add ALIAS ACCESSKEY SECRETKEY',
      'Run: mc admin policy attach ALIAS bridgeport --user ACCESSKEY',
      'Enter that key, its secret and the bucket names here.',
    ],
  },
  evidence: evidence('KSSSKKI'),
};

export const GARAGE: Provider = {
  ...COMMON,
  id: 'garage',
  name: 'Garage',
  endpointPattern: 'garage.example.com',
  ...ownHost('garage'),
  defaultRegion: 'garage',
  regions: [],
  multipartEtag: 'opaque',
  scopedKey: { listBuckets: 'own', missingObject: 404 },
  versions: 'never',
  note: 'The region must be the one in garage.toml (s3_region).',
  evidence: evidence('DKKKDKK'),
};

export const SEAWEEDFS: Provider = {
  ...COMMON,
  id: 'seaweedfs',
  name: 'SeaweedFS',
  endpointPattern: 'seaweedfs.example.com',
  ...ownHost('seaweedfs'),
  defaultRegion: 'us-east-1',
  regions: [],
  multipartEtag: 'opaque',
  scopedKey: { listBuckets: 'own', missingObject: 404 },
  evidence: evidence('KKSKKKK'),
};

export const OTHER: Provider = {
  ...COMMON,
  id: 'other',
  name: 'Another S3-compatible storage',
  endpointPattern: 's3.example.com',
  host: /^/,
  accountOf: null,
  bucketHost: null,
  defaultRegion: 'us-east-1',
  regions: [],
  multipartEtag: 'opaque',
  evidence: evidence('KKKKKKK'),
};
