import { AppError, isAppError } from '../errors.ts';
import type { ObjectStore, ReadOptions } from '../object-stores/object-store.ts';

/** What must be found under the key. First and last byte are left out where they are not known (after a crash). */
export interface ExpectedObject {
  readonly bytes: number;
  readonly token: string;
  readonly versionId: string | null;
  readonly firstByte?: number | null;
  readonly lastByte?: number | null;
}

/**
 * Reads the stored object back: its size, its token where the store keeps one, its first and its last byte. A listing
 * or a HEAD alone is no proof: some gateways list and HEAD an object whose GET answers 404 (ceph PR 60771).
 * `isPatient`: a run is lost if the store does not answer. Throws `storage_mismatch`, `storage_missing` and whatever the store throws.
 */
export async function readBack(
  store: ObjectStore,
  key: string,
  expected: ExpectedObject,
  signal: AbortSignal,
  { isPatient = false }: { readonly isPatient?: boolean } = {},
): Promise<void> {
  const options: ReadOptions = { versionId: expected.versionId, signal, isPatient };
  const head = await store.head(key, options);
  if (!head) throw mismatch(store, `the object is not there after the upload`);
  if (head.bytes !== expected.bytes) {
    throw mismatch(store, `it has ${head.bytes} bytes instead of ${expected.bytes}`);
  }
  if (head.token !== null && head.token !== expected.token) {
    throw mismatch(store, `it carries another run's token`);
  }
  await compareByte(store, key, 0, expected.firstByte, options);
  await compareByte(store, key, expected.bytes - 1, expected.lastByte, options);
}

async function compareByte(
  store: ObjectStore,
  key: string,
  position: number,
  expected: number | null | undefined,
  options: ReadOptions,
): Promise<void> {
  const { found, bytes } = await readByte(store, key, position, options);
  if (bytes !== 1) throw mismatch(store, `reading its byte ${position} gave ${bytes} bytes`);
  if (expected !== undefined && expected !== null && found !== expected) {
    throw mismatch(store, `its byte ${position} differs from what was sent`);
  }
}

const BODY_TRIES = 3;

/** The store itself asks again for an answer that does not come, but not for one whose connection breaks within. */
async function readByte(store: ObjectStore, key: string, position: number, options: ReadOptions) {
  for (let tries = 1; ; tries += 1) {
    const body = await store.get(key, { ...options, range: { start: position, end: position } });
    let found: number | undefined;
    let bytes = 0;
    try {
      for await (const chunk of body) {
        found ??= chunk[0];
        bytes += chunk.byteLength;
      }
      return { found, bytes };
    } catch (error) {
      const helps = options.isPatient && tries < BODY_TRIES && !options.signal?.aborted;
      if (!helps || !isAppError(error, 'storage_unreachable')) throw error;
    }
  }
}

function mismatch(store: ObjectStore, what: string): AppError {
  return new AppError(
    'storage_mismatch',
    `The backup was read back from ${store.label} and is not what was sent: ${what}. It was not kept; run the backup again, and test the storage if it happens twice.`,
  );
}
