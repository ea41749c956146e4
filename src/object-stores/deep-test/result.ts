import * as z from 'zod';

/**
 * One thing that was tried. `ok`: it works. `absent`: the storage doesn't offer it or the key may not, and backups do
 * without it. `failed`: backups need it. `skipped`: what it builds on had failed.
 */
const check = z.object({
  id: z.enum([
    'put',
    'head',
    'range',
    'list',
    'conditional',
    'multipart',
    'readBack',
    'metadata',
    'abort',
    'presign',
    'delete',
  ]),
  outcome: z.enum(['ok', 'absent', 'failed', 'skipped']),
  /** A sentence for the admin. */
  message: z.string(),
  /** The storage's own id of the request that failed. */
  requestId: z.string().nullable(),
});

/** Something that could not be removed. */
const remainder = z.object({
  kind: z.enum(['object', 'delete marker', 'upload']),
  key: z.string(),
  versionId: z.string().nullable(),
  reason: z.string(),
  /** Until when object lock holds it, as the storage says. */
  until: z.string().nullable(),
});

const objectLock = z.object({ mode: z.string(), retention: z.string().nullable() });

const testedBucket = z.object({
  bucket: z.string(),
  /** Where it wrote; other than at the bucket's root where the key may write under a prefix only. */
  prefix: z.string(),
  durationMs: z.number(),
  checks: z.array(check),
  /** Whether a DELETE keeps what it deletes. */
  versioning: z.enum(['kept', 'off', 'unknown']),
  /** Null where none is configured, or where the key may not see it. */
  objectLock: objectLock.nullable(),
  storageClass: z.string().nullable(),
  /** Null where the storage sent no time. Positive: its clock is ahead of ours. */
  clockOffsetMs: z.number().nullable(),
  uploadBytesPerSecond: z.number().nullable(),
  downloadBytesPerSecond: z.number().nullable(),
  writtenBytes: z.number(),
  /** Objects and uploads of an earlier deep test that was interrupted. */
  removedFromEarlier: z.number(),
  left: z.array(remainder),
});

export const testedStorage = z.object({
  endpoint: z.string(),
  provider: z.string(),
  /** Where the names of the buckets came from. */
  source: z.enum(['configured', 'in use', 'discovered']),
  buckets: z.array(testedBucket),
  /** Why buckets could not be tried, with the diagnosis. */
  problems: z.array(z.string()),
  /** What worked when it was tried before and doesn't any more. */
  lost: z.array(z.string()),
});

export type Check = z.infer<typeof check>;
export type CheckId = Check['id'];
export type Remainder = z.infer<typeof remainder>;
export type ObjectLock = z.infer<typeof objectLock>;
export type TestedBucket = z.infer<typeof testedBucket>;
export type TestedStorage = z.infer<typeof testedStorage>;

/** What each check tries, as people read it. */
export const CHECK_NAMES: Readonly<Record<CheckId, string>> = {
  put: 'Store an object',
  head: 'Look it up',
  range: 'Read a range',
  list: 'List in pages',
  conditional: 'Refuse to overwrite',
  multipart: 'Upload in parts',
  readBack: 'Read the parts back',
  metadata: 'Keep the token',
  abort: 'Abort an upload',
  presign: 'Download by link',
  delete: 'Delete',
};

/** True when backups can be stored, read and removed there. */
export function isSound(bucket: TestedBucket): boolean {
  return bucket.checks.every(({ outcome }) => outcome === 'ok' || outcome === 'absent');
}
