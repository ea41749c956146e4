import { createHash, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Segment } from './segment.ts';

/** One version of an object, or a delete marker. It is written beside its data as `object.json`. */
export interface StoredVersion {
  readonly key: string;
  /** Null in a bucket without versioning. */
  readonly versionId: string | null;
  /** Name of the folder under the key's folder; later versions have later names. */
  readonly folder: string;
  readonly deleteMarker: boolean;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly segments: readonly Segment[];
  readonly modifiedAt: string;
  /** Content-Type, Content-Disposition and x-amz-meta-* as they were sent. */
  readonly headers: Readonly<Record<string, string>>;
  /** Listed and answered to HEAD, but not readable: as left by Ceph when an Abort meets a Complete. */
  readonly ghost: boolean;
}

export interface Part {
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  readonly segment: Segment;
  readonly modifiedAt: string;
}

export interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedAt: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly parts: Map<number, Part>;
}

export interface Bucket {
  readonly name: string;
  readonly folder: string;
  readonly createdAt: string;
  versioned: boolean;
  /** Newest version first. */
  readonly objects: Map<string, readonly StoredVersion[]>;
  readonly uploads: Map<string, Upload>;
}

/** Opens the bucket's folder and reads what an earlier run left; its unfinished uploads are gone. */
export async function openBucket(root: string, name: string, versioned: boolean): Promise<Bucket> {
  const folder = join(root, 'buckets', encodeURIComponent(name));
  await Promise.all(
    ['uploads', 'incoming'].map((area) => rm(join(folder, area), { recursive: true, force: true })),
  );
  for (const area of ['objects', 'uploads', 'incoming']) await mkdir(join(folder, area), { recursive: true });
  const bucket = {
    name,
    folder,
    createdAt: new Date().toISOString(),
    versioned,
    objects: new Map<string, readonly StoredVersion[]>(),
    uploads: new Map<string, Upload>(),
  };
  for (const keyFolder of await readdir(join(folder, 'objects'))) {
    const versions = await readVersions(join(folder, 'objects', keyFolder));
    const key = versions[0]?.key;
    if (key !== undefined) bucket.objects.set(key, versions);
  }
  return bucket;
}

async function readVersions(folder: string): Promise<StoredVersion[]> {
  const versions: StoredVersion[] = [];
  for (const name of await readdir(folder)) {
    const text = await readFile(join(folder, name, 'object.json'), 'utf8');
    versions.push(JSON.parse(text) as StoredVersion);
  }
  return versions.sort((a, b) => (a.folder < b.folder ? 1 : -1));
}

/** A new folder that becomes an object's by `publish`. */
export async function stage(bucket: Bucket): Promise<string> {
  const folder = join(bucket.folder, 'incoming', newId());
  await mkdir(folder);
  return folder;
}

/**
 * Makes the staged folder the key's newest version, by one rename. Without versioning the earlier one is removed.
 */
export async function publish(
  bucket: Bucket,
  staged: string,
  object: Omit<StoredVersion, 'folder' | 'versionId' | 'modifiedAt'>,
): Promise<StoredVersion> {
  const folder = versionName();
  const version = {
    ...object,
    folder,
    versionId: bucket.versioned ? folder : null,
    modifiedAt: new Date().toISOString(),
  };
  await writeFile(join(staged, 'object.json'), JSON.stringify(version));
  await mkdir(keyFolder(bucket, object.key), { recursive: true });
  await rename(staged, versionFolder(bucket, version));
  const earlier = bucket.objects.get(object.key) ?? [];
  const kept = bucket.versioned ? earlier : earlier.filter(({ versionId }) => versionId !== null);
  bucket.objects.set(object.key, [version, ...kept]);
  await removeFolders(
    bucket,
    earlier.filter((old) => !kept.includes(old)),
  );
  return version;
}

/** Removes one version for good. */
export async function removeVersion(bucket: Bucket, version: StoredVersion): Promise<void> {
  const left = (bucket.objects.get(version.key) ?? []).filter((other) => other !== version);
  if (left.length > 0) bucket.objects.set(version.key, left);
  else bucket.objects.delete(version.key);
  await removeFolders(bucket, [version]);
}

async function removeFolders(bucket: Bucket, versions: readonly StoredVersion[]): Promise<void> {
  for (const version of versions) await rm(versionFolder(bucket, version), { recursive: true, force: true });
}

/** The newest version, unless it is a delete marker. */
export function current(bucket: Bucket, key: string): StoredVersion | null {
  const newest = bucket.objects.get(key)?.[0];
  return newest === undefined || newest.deleteMarker ? null : newest;
}

export function versionFolder(bucket: Bucket, version: StoredVersion): string {
  return join(keyFolder(bucket, version.key), version.folder);
}

/** Keys may hold any bytes and length, so that the folder is named by the key's hash. */
function keyFolder(bucket: Bucket, key: string): string {
  return join(bucket.folder, 'objects', createHash('sha256').update(key).digest('hex'));
}

export function uploadFolder(bucket: Bucket, uploadId: string): string {
  return join(bucket.folder, 'uploads', uploadId);
}

/** Sorts as S3 lists: by the bytes of the UTF-8 key. */
export function compareKeys(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

let published = 0;

/** Sorts by time, and within a millisecond by order; the random end tells apart servers that share a clock. */
function versionName(): string {
  published += 1;
  const time = Date.now().toString(16).padStart(12, '0');
  const count = published.toString(16).padStart(8, '0');
  return `${time}${count}${randomBytes(6).toString('hex')}`;
}

export function newId(): string {
  return randomBytes(16).toString('hex');
}
