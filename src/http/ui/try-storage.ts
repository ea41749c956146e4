import type { Advice, TestResult } from '../../../views/parts/try-connection.tsx';
import type { DiagnosisKind } from '../../object-stores/diagnose/diagnosis.ts';
import type { Services } from '../../services-port.ts';
import { type BucketDetail, SCOPED_KEY, type StorageTest } from '../../storage/tried.ts';
import { tryStorage } from '../../storage/try-storage.ts';

/** The form's field for the names of a scoped key's buckets. */
export const BUCKETS_FIELD = '/admin/storage/edit#field-buckets';

/** Test Connection of the storage, in the words of the storage page. */
export async function tryStorageForPage(services: Services, signal: AbortSignal): Promise<TestResult> {
  return shownTest(await tryStorage(services, signal));
}

/** A test of the storage as the pages show it: result, each bucket that failed and why, and what to check. */
export function shownTest(test: StorageTest): TestResult {
  const diagnosed = test.diagnosis ?? [];
  const explained = new Set(diagnosed.flatMap(({ bucket }) => bucket ?? []));
  const asksForNames = test.message === SCOPED_KEY || (test.scopedKey && test.failedBuckets === undefined);
  return {
    success: test.success,
    // Green only where nothing was found that a backup would meet.
    isPartial: (test.failedBuckets ?? []).length > 0 || diagnosed.some(({ kind }) => kind !== 'clock'),
    message: test.message,
    link: !test.success && asksForNames ? { href: BUCKETS_FIELD, label: 'Go to the Buckets field' } : null,
    facts: [
      ...(test.buckets.length === 0 ? [] : [`Buckets: ${test.buckets.join(', ')}`]),
      ...(test.failures ?? [])
        .filter(({ bucket }) => !explained.has(bucket))
        .map(({ bucket, message }) => `${bucket}: ${message}`),
      ...(test.details ?? []).map(describeDetail),
      ...diagnosed.map(({ bucket, message }) => (bucket === null ? message : `${bucket}: ${message}`)),
    ],
    advice: adviceFor(test),
  };
}

/** The troubleshooting of the storage page that fits to what the test met. */
function adviceFor(test: StorageTest): readonly Advice[] {
  const kinds = new Set((test.diagnosis ?? []).map(({ kind }) => kind));
  const isListing = test.message === SCOPED_KEY;
  const isBucketDenied = (test.diagnosis ?? []).some(
    ({ kind, bucket }) => bucket !== null && kind === 'denied',
  );
  return [
    ...(isListing ? [LIST_BUCKETS] : []),
    ...(isBucketDenied ? [HEAD_BUCKET] : []),
    ...(UNREACHABLE.some((kind) => kinds.has(kind)) ? [ENDPOINT] : []),
  ];
}

const LIST_BUCKETS: Advice = {
  symptom: 'AccessDenied on ListBuckets',
  text: 'Your key does not have permission to list buckets. This is expected for scoped keys. Add bucket names manually in the Buckets field and the test will switch to HeadBucket mode.',
  points: [],
};

const HEAD_BUCKET: Advice = {
  symptom: 'AccessDenied on HeadBucket',
  text: 'The key does not have access to that specific bucket. Verify:',
  points: [
    'The bucket name is spelled correctly (case-sensitive)',
    'The key’s policy includes s3:GetBucketLocation or equivalent for that bucket (s3:ListBucket is what is used here)',
    'For AWS, the bucket is in the region you specified',
  ],
};

const ENDPOINT: Advice = {
  symptom: 'Wrong endpoint / connection refused',
  text: 'The endpoint is constructed as https://{endpoint}. Verify:',
  points: [
    'No https:// prefix in the endpoint field',
    'No trailing slash',
    'The hostname resolves and is reachable from the BRIDGEPORT server',
    'For DigitalOcean Spaces, the endpoint is derived from the region: check that the region code is valid',
  ],
};

const UNREACHABLE: readonly DiagnosisKind[] = [
  'dns',
  'tcp_refused',
  'tcp_timeout',
  'tcp_closed',
  'tls_wrong_name',
  'tls_plain_http',
  'not_s3',
];

function describeDetail({ bucket, by, prefix }: BucketDetail): string {
  if (by === 'HeadBucket') return `${bucket}: found with HeadBucket.`;
  const under = prefix === null || prefix === '' ? '' : ` under ${prefix}`;
  return `${bucket}: HeadBucket is refused, and a list${under} works.`;
}
