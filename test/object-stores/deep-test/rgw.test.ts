import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { deepTestBucket } from '../../../src/object-stores/deep-test/deep-test.ts';
import { listVersions } from '../../../src/object-stores/deep-test/list-page.ts';
import { isSound } from '../../../src/object-stores/deep-test/result.ts';
import type { Rgw } from '../../support/rgw.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';
import { sharedRgw } from '../../support/shared/rgw.ts';

let rgw: Rgw;
let full: OpenedS3;
let scoped: OpenedS3;
beforeAll(async () => {
  rgw = await sharedRgw();
  full = openTestS3({ ...rgw, ...rgw.full });
  scoped = openTestS3({ ...rgw, ...rgw.scoped });
});
afterAll(async () => {
  await full?.close();
  await scoped?.close();
  await rgw?.stop();
});

const probe = (opened: OpenedS3, bucket: string, prefixes: readonly string[] = []) =>
  deepTestBucket(opened.s3.connection, bucket, { prefixes, signal: AbortSignal.timeout(60_000) });
const left = (bucket: string) =>
  listVersions({ connection: full.s3.connection, bucket }, AbortSignal.timeout(60_000), '.bridgeport-probe/');

describe('the deep test of a bucket of the Ceph gateway', () => {
  it.each([
    ['full', () => full, () => rgw.bucket],
    ['scoped', () => scoped, () => rgw.scopedBucket],
  ] as const)('finds everything there with a %s key, soon, and leaves nothing', async (_, opened, bucket) => {
    const result = await probe(opened(), bucket());
    expect(result.checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(result).toMatchObject({ versioning: 'off', objectLock: null, left: [] });
    // The clock is this machine's own: none, unless an answer took four seconds, of which half would count.
    const offsetMs = Math.abs(result.clockOffsetMs ?? Number.NaN);
    expect(offsetMs).toSatisfy((ms: number) => ms === 0 || (ms >= 2_000 && ms < 15_000));
    expect(result.durationMs).toBeLessThan(30_000);
    expect(await left(bucket())).toEqual([]);
  });

  it('removes every version and delete marker where versions are kept', async () => {
    await rgw.createBucket('full-versions');
    await rgw.keepVersions('full-versions');
    const result = await probe(full, 'full-versions');
    expect(isSound(result)).toBe(true);
    expect(result).toMatchObject({ versioning: 'kept', left: [] });
    expect(await left('full-versions')).toEqual([]);
  });

  it('says what stays under object lock, and until when', async () => {
    await rgw.createLockedBucket('full-locked');
    const result = await probe(full, 'full-locked');
    expect(isSound(result)).toBe(true);
    expect(result.objectLock).toEqual({ mode: 'COMPLIANCE', retention: '2 days' });
    expect(result.versioning).toBe('kept');
    expect(result.left.length).toBeGreaterThanOrEqual(4);
    for (const { kind, until } of result.left) {
      expect(kind).toBe('object');
      const days = (Date.parse(until ?? '') - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(1.9);
      expect(days).toBeLessThan(2.1);
    }
    // The delete markers are not locked: they are gone.
    expect((await left('full-locked')).every(({ isDeleteMarker }) => !isDeleteMarker)).toBe(true);
  });

  it('works under the prefix in use with a key that may write there only', async () => {
    const policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Action: 's3:*',
          NotResource: ['arn:aws:s3:::scoped-bucket/production/*', 'arn:aws:s3:::scoped-bucket'],
          Principal: '*',
        },
      ],
    };
    await rgw.putBucketPolicy(rgw.scopedBucket, JSON.stringify(policy));
    const result = await probe(scoped, rgw.scopedBucket, ['production/app/']);
    expect(result.prefix).toMatch(/^production\/app\/\.bridgeport-probe\//);
    expect(isSound(result)).toBe(true);
    expect(result.left).toEqual([]);
  });

  it('tells that the key may not write', async () => {
    const result = await probe(scoped, rgw.bucket);
    expect(isSound(result)).toBe(false);
    expect(result.checks[0]).toMatchObject({ id: 'put', outcome: 'failed' });
    expect(result.checks[0]?.message).toContain('403 AccessDenied');
    expect(result.checks[0]?.requestId).toMatch(/^tx/);
    expect(result.left).toEqual([]);
  });
});
