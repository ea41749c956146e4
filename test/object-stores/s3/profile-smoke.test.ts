import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BEHAVIOURS } from '../../../dev/bucket/behaviours.ts';
import { createProfile, PROFILE_NAMES } from '../../../dev/bucket/profiles.ts';
import { AppError } from '../../../src/errors.ts';
import { providerOf } from '../../../src/object-stores/providers.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import {
  BUCKET,
  FULL,
  listingOf,
  PLACES,
  PROFILES,
  SCOPED,
  startProvider,
} from '../../support/provider-place.ts';

/** 10 MiB of memory make parts of 5 MiB: two of them. */
const PART = 5 * 2 ** 20;
const LARGE = PART + 77;
/** Under keys that an encoder, a second one or a decoder would change. */
const FOLDER = "ä + b/100%25 'q' 😀/";

describe.each(PROFILES)('%s (profile) as an object store', (_, profile) => {
  it('does each operation once, under odd keys', async () => {
    expect(providerOf(PLACES[profile].endpoint).id).toBe(profile);
    const { server, as, close } = await startProvider(profile);
    onTestFinished(close);
    const store = as(listingOf(profile) === 'none' ? FULL : SCOPED).s3.bucket(BUCKET);

    const [small, large, broken] = [`${FOLDER}small`, `${FOLDER}large`, `${FOLDER}broken`];
    const content = randomBytes(1_003);
    expect(await store.head(small)).toBeNull();
    await store.put(small, chunked(content), options({ token: 'mine' }));
    expect(await store.head(small)).toMatchObject({ bytes: 1_003, token: 'mine' });
    await expect(store.put(small, chunked(content), options())).rejects.toMatchObject({
      code: 'storage_exists',
    });
    const range = await store.get(small, { range: { start: 990, end: 1_002 } });
    expect(content.subarray(990).equals(await collect(range))).toBe(true);

    const parts = randomBytes(LARGE);
    server.faults.add({ match: { operation: 'CompleteMultipartUpload' }, fault: { kind: 'reset-after' } });
    await store.put(large, chunked(parts), options());
    expect(parts.equals(await collect(await store.get(large)))).toBe(true);

    const failure = new AppError('dump_failed', 'the dump broke');
    let uploadId = '';
    const failing = store.put(broken, failingAfter(parts, failure), {
      ...options(),
      onUploadCreated: async (id) => {
        uploadId = id;
        expect(await store.listUploads(broken, { token: '' })).toEqual([id]);
      },
    });
    await expect(failing).rejects.toBe(failure);
    expect(await store.uploadExists(broken, uploadId)).toBe(false);
    expect(await store.head(broken)).toBeNull();
    expect(server.uploads(BUCKET)).toEqual([]);

    for (const key of [small, large]) await store.remove(key);
    for (const key of [small, large]) expect(await store.head(key)).toBeNull();
  });
});

describe.each(PROFILES)('%s', (_, profile) => {
  it('gives an object in parts the kind of ETag that its entry tells', async () => {
    const { client, close } = await startProvider(profile);
    onTestFinished(close);
    const store = client.s3.bucket(BUCKET);
    const parts = randomBytes(LARGE);
    await store.put('tagged', chunked(parts), options());
    const { multipartEtag } = providerOf(PLACES[profile].endpoint);
    expect((await store.head('tagged'))?.etag === etagOf(parts)).toBe(multipartEtag === 'md5');
  });
});

const limited = PROFILES.filter(([, profile]) => listingOf(profile) !== 'none');
describe.each(limited)('%s', (_, profile) => {
  it('shows a scoped key no bucket that it should not see, and lets it into its own alone', async () => {
    const { client, as, close } = await startProvider(profile);
    onTestFinished(close);
    expect(await client.s3.listBuckets()).toEqual([BUCKET, 'others']);
    const { s3 } = as(SCOPED);
    const listed = s3.listBuckets();
    const listing = listingOf(profile);
    if (listing === 'denied') await expect(listed).rejects.toMatchObject({ code: 'storage_denied' });
    else expect(await listed).toEqual(listing === 'own' ? [BUCKET] : [BUCKET, 'others']);
    await s3.checkBucket(BUCKET, { prefix: 'production/app/' });
    await expect(s3.checkBucket('others')).rejects.toMatchObject({ code: 'storage_denied' });
  });
});

describe('each profile', () => {
  it.each(PROFILE_NAMES)('%s limits and is addressed as the entry of its provider says', (name) => {
    const { parts, addressing } = providerOf(PLACES[name].endpoint);
    const { limits, virtualHosts } = createProfile(name, { bucketRegions: {} });
    expect({ equal: limits.equalParts ?? false, maxParts: limits.maxParts ?? 10_000 }).toEqual({
      equal: parts.equal,
      maxParts: parts.maxParts,
    });
    expect(virtualHosts.length > 0 ? 'virtual-host' : 'path').toBe(addressing);
  });

  it('has the contract run against it, or against one that behaves alike', () => {
    const covered = BEHAVIOURS.flatMap(({ by, alsoOf }) => [by, ...alsoOf]);
    expect(covered.toSorted()).toEqual(PROFILE_NAMES.toSorted());
  });
});

/** As AWS makes it: the MD5 of the parts' MD5s, and their number. */
function etagOf(content: Buffer): string {
  const md5 = (bytes: Buffer) => createHash('md5').update(bytes).digest();
  const parts = [content.subarray(0, PART), content.subarray(PART)].map(md5);
  return `"${md5(Buffer.concat(parts)).toString('hex')}-${parts.length}"`;
}

async function* failingAfter(content: Uint8Array, error: Error): AsyncGenerator<Uint8Array> {
  yield* chunked(content);
  throw error;
}
