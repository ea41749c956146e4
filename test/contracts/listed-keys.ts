import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPage, listVersions } from '../../src/object-stores/deep-test/list-page.ts';
import type { S3Connection } from '../../src/object-stores/s3/connection.ts';
import { listKeys } from '../../src/object-stores/s3/list-objects.ts';
import { listUploads } from '../../src/object-stores/s3/list-uploads.ts';
import { send } from '../../src/object-stores/s3/request.ts';
import type { S3 } from '../../src/object-stores/s3/s3.ts';
import { parseXml, textOf } from '../../src/object-stores/s3/xml.ts';
import { options } from './object-store.ts';

export interface ListedKeysFixture {
  /** Its pages of lists hold two entries. */
  readonly s3: S3;
  readonly bucket: string;
  /** A storage that can't list versions leaves them out. */
  readonly listsVersions: boolean;
  close(): Promise<void>;
}

/** Each after its look-alikes: what an encoder, or a second one, would make of it, and what a decoder would. */
export const SPELLINGS = [
  ['a b/ü+😀.sql', 'a%20b/%C3%BC%2B%F0%9F%98%80.sql', 'a+b/%C3%BC%2B%F0%9F%98%80.sql'],
  ['100%25/x.sql', '100%/x.sql', '100%2525/x.sql'],
  ['c+d/x.sql', 'c d/x.sql', 'c%2Bd/x.sql', 'c%20d/x.sql'],
  [
    ' leading and double  space/x.sql',
    'leading and double  space/x.sql',
    '%20leading and double  space/x.sql',
  ],
  ['quo"te\'s & <tags>/x.sql', 'quo"te\'s &amp; &lt;tags&gt;/x.sql'],
] as const;

/** Keys of any spelling come out of every list as they are, and no other is taken for one. */
export function listedKeysContract(name: string, open: () => Promise<ListedKeysFixture>): void {
  describe(`${name} when it lists keys`, () => {
    let fixture: ListedKeysFixture;
    const folder = `listed ü ${crypto.randomUUID()}/`;

    beforeAll(async () => {
      fixture = await open();
    });
    afterAll(async () => {
      await fixture?.close();
    });

    for (const spellings of SPELLINGS) {
      it(`tells the unfinished uploads of ${spellings[0]} from those of keys that look alike`, async () => {
        const { s3, bucket } = fixture;
        const store = s3.bucket(bucket);
        const uploads = new Map<string, readonly string[]>();
        for (const spelling of spellings) {
          const key = folder + spelling;
          uploads.set(key, [
            await begin(s3.connection, bucket, key),
            await begin(s3.connection, bucket, key),
            await begin(s3.connection, bucket, key),
          ]);
        }
        for (const [key, ids] of uploads) {
          expect([...(await store.listUploads(key, { token: '' }))].sort()).toEqual([...ids].sort());
        }
        for (const [key, ids] of uploads) {
          for (const id of await store.listUploads(key, { token: '' })) await store.abortUpload(key, id);
          expect(await store.listUploads(key, { token: '' })).toEqual([]);
          for (const id of ids) expect(await store.uploadExists(key, id)).toBe(false);
          uploads.delete(key);
          for (const [other, left] of uploads) {
            for (const id of left) expect(await store.uploadExists(other, id)).toBe(true);
          }
        }
      });
    }

    it('goes through every page of uploads', async () => {
      const { s3, bucket } = fixture;
      const under = `${folder}pages/`;
      const keys = ['b%20c', 'a b', 'a+b', 'ü', '😀', 'z'].map((key) => under + key);
      for (const key of keys) await begin(s3.connection, bucket, key);
      const found = await listUploads(s3.connection, bucket, under, undefined);
      expect(found.map(({ key }) => key).sort()).toEqual([...keys].sort());
      for (const { key, uploadId } of found) await s3.bucket(bucket).abortUpload(key, uploadId);
    });

    it('gives the keys of objects in pages, as they are', async () => {
      const { s3, bucket } = fixture;
      const { connection } = s3;
      const store = s3.bucket(bucket);
      const under = `${folder}objects/`;
      const keys = SPELLINGS.flat().map((spelling) => under + spelling);
      for (const key of keys) await store.put(key, small(key), options());
      const sorted = [...keys].sort();

      const seen: string[] = [];
      let token: string | null = null;
      do {
        const page: { keys: readonly string[]; next: string | null } = await listPage(
          { connection, bucket, signal: AbortSignal.timeout(60_000) },
          under,
          { maxKeys: 2, token },
        );
        seen.push(...page.keys);
        token = page.next;
      } while (token !== null);
      expect(seen.sort()).toEqual(sorted);
      for (const key of keys) {
        expect(await listKeys(connection, bucket, { prefix: key, maxKeys: 1 })).toEqual([key]);
      }
      if (fixture.listsVersions) {
        const versions = await listVersions({ connection, bucket }, AbortSignal.timeout(60_000), under);
        expect(versions.map(({ key }) => key).sort()).toEqual(sorted);
      }
      for (const key of keys) await store.remove(key);
    });
  });
}

/** Begins an upload and leaves it so; gives its id. */
export async function begin(connection: S3Connection, bucket: string, key: string): Promise<string> {
  const request = { operation: 'CreateMultipartUpload', method: 'POST', bucket, key } as const;
  const { text } = await send(connection, { ...request, query: { uploads: '' }, signal: undefined });
  return textOf(parseXml(text)?.content, 'UploadId') ?? '';
}

async function* small(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
