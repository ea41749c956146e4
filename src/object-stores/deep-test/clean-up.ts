import { type AppError, isAppError, toAppError } from '../../errors.ts';
import { abortUpload } from '../s3/abort-upload.ts';
import { versionQuery } from '../s3/address.ts';
import type { S3Connection } from '../s3/connection.ts';
import { removeObject } from '../s3/remove.ts';
import { send } from '../s3/request.ts';
import { listAll, listUploads, listVersions, type Version } from './list-page.ts';
import type { Remainder } from './result.ts';
import type { BucketTest } from './run.ts';

/** What is to be removed; `known` also where lists are refused. */
interface Found {
  readonly versions: readonly Version[];
  readonly uploads: readonly { readonly key: string; readonly uploadId: string }[];
  readonly versioning: 'kept' | 'off' | 'unknown';
}

export interface CleanedUp {
  readonly versioning: 'kept' | 'off' | 'unknown';
  readonly left: readonly Remainder[];
}

type Place = Pick<BucketTest, 'connection' | 'bucket'>;

/**
 * Removes everything that the deep test made, each version by its id, and looks whether it is gone. What stays is told with
 * the storage's reason. Also without the right to list: then what was sent is removed by its known ids.
 */
export async function cleanUp(run: BucketTest, signal: AbortSignal): Promise<CleanedUp> {
  const found = await findMade(run, signal);
  const left = await removeFound(run, found, signal);
  const seen = await allUnder(run, signal, run.folder);
  const unseen = seen === null ? [] : remaining(seen, left);
  return { versioning: found.versioning, left: [...left, ...unseen] };
}

/**
 * Removes what interrupted deep tests left under a reserved prefix and is older than that. Gives how much it was. Each has a folder of a
 * random name: whatever else somebody has put there, such as the backups of a database with that prefix, stays.
 */
export async function removeEarlier(
  place: Place,
  options: { readonly prefix: string; readonly olderThanMs: number; readonly signal: AbortSignal },
): Promise<number> {
  const { signal, prefix } = options;
  const found = await allUnder(place, signal, prefix);
  if (found === null || signal.aborted) return 0;
  const limit = place.connection.now().getTime() - options.olderThanMs;
  const isOld = (at: string) => Date.parse(at) <= limit;
  const isMade = (key: string) => RANDOM_FOLDER.test(key.slice(prefix.length));
  const old: Found = {
    versioning: found.versioning,
    versions: found.versions.filter(({ key, modifiedAt }) => isMade(key) && isOld(modifiedAt)),
    uploads: found.uploads.filter(({ key, initiatedAt }) => isMade(key) && isOld(initiatedAt)),
  };
  const left = await removeFound(place, old, signal);
  return old.versions.length + old.uploads.length - left.length;
}

const RANDOM_FOLDER = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\//;

async function findMade(run: BucketTest, signal: AbortSignal): Promise<Found> {
  const listed = await allUnder(run, signal, run.folder);
  const known = run.made.map(({ key, versionId }) => ({
    key,
    versionId,
    isDeleteMarker: false,
    modifiedAt: '',
  }));
  const keepsVersions = known.some(({ versionId }) => versionId !== null);
  if (listed === null) {
    return { versions: known, uploads: run.uploads, versioning: keepsVersions ? 'kept' : 'unknown' };
  }
  const uploads = new Map([...run.uploads, ...listed.uploads].map((upload) => [upload.uploadId, upload]));
  return {
    versions: listed.versions,
    uploads: [...uploads.values()],
    versioning: keepsVersions ? 'kept' : listed.versioning,
  };
}

/** Null where there is no list. */
async function allUnder(place: Place, signal: AbortSignal, prefix: string) {
  const versions = await ifListed(() => listVersions(place, signal, prefix));
  const objects = versions ?? (await ifListed(() => listAll(place, signal, prefix)));
  if (objects === null) return null;
  return {
    versions: objects,
    uploads: (await ifListed(() => listUploads(place, signal, prefix))) ?? [],
    versioning: versioningOf(versions),
  };
}

function versioningOf(versions: readonly Version[] | null): 'kept' | 'off' | 'unknown' {
  if (versions === null) return 'unknown';
  return versions.some(({ versionId, isDeleteMarker }) => isDeleteMarker || versionId !== null)
    ? 'kept'
    : 'off';
}

/**
 * Null for a storage that has no such list, a key that may not see it, and a list that fails or takes too long: what is
 * known without it is then removed all the same.
 */
async function ifListed<T>(list: () => Promise<T>): Promise<T | null> {
  try {
    return await list();
  } catch (error) {
    if (isAppError(error) && error.code !== 'internal') return null;
    throw error;
  }
}

async function removeFound(place: Place, found: Found, signal: AbortSignal): Promise<readonly Remainder[]> {
  const left: Remainder[] = [];
  for (const upload of found.uploads) {
    const target = { bucket: place.bucket, key: upload.key };
    const error = await failureOf(abortUpload(place.connection, target, upload.uploadId, signal));
    if (error)
      left.push({ kind: 'upload', key: upload.key, versionId: null, reason: error.message, until: null });
  }
  for (const version of found.versions) {
    const target = { bucket: place.bucket, key: version.key };
    const { versionId } = version;
    const error = await failureOf(removeObject(place.connection, target, { versionId, signal }));
    if (error) left.push(await toRemainder(place, version, error, signal));
  }
  return left;
}

async function failureOf(work: Promise<unknown>): Promise<AppError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    const known = toAppError(error);
    if (known.code === 'internal') throw error;
    return known;
  }
}

async function toRemainder(
  place: Place,
  version: Version,
  error: AppError,
  signal: AbortSignal,
): Promise<Remainder> {
  return {
    kind: version.isDeleteMarker ? 'delete marker' : 'object',
    key: version.key,
    versionId: version.versionId,
    reason: error.message,
    until: await lockedUntil(place.connection, place.bucket, version, signal),
  };
}

/** Until when object lock holds a version, as its HEAD says. */
async function lockedUntil(
  connection: S3Connection,
  bucket: string,
  { key, versionId }: Version,
  signal: AbortSignal,
): Promise<string | null> {
  const request = { operation: 'HeadObject', method: 'HEAD', bucket, key, signal, attempts: 2 } as const;
  const allow = [400, 403, 404, 405];
  const query = versionQuery(versionId);
  try {
    const { headers } = await send(connection, { ...request, query, allow });
    return headers.get('x-amz-object-lock-retain-until-date');
  } catch (error) {
    // That it stays is told already, with the storage's reason.
    if (isAppError(error)) return null;
    throw error;
  }
}

/** What is still listed although its removal did not fail. */
function remaining(
  seen: NonNullable<Awaited<ReturnType<typeof allUnder>>>,
  left: readonly Remainder[],
): readonly Remainder[] {
  const isTold = (key: string, versionId: string | null) =>
    left.some((one) => one.key === key && one.versionId === versionId);
  const reason = 'The storage answered that it is removed, and still lists it.';
  return [
    ...seen.versions.map((version) => ({
      kind: version.isDeleteMarker ? ('delete marker' as const) : ('object' as const),
      key: version.key,
      versionId: version.versionId,
    })),
    ...seen.uploads.map(({ key }) => ({ kind: 'upload' as const, key, versionId: null })),
  ]
    .filter(({ key, versionId }) => !isTold(key, versionId))
    .map((one) => ({ ...one, reason, until: null }));
}
