/**
 * The port to a place where objects are kept. Two adapters: the S3 client (`s3/`) and files on a host (`host-files.ts`).
 * Keys are relative to the store: an S3 bucket's key, or an absolute path on a host.
 */
export interface ObjectStore {
  /** How messages name this place, such as `bucket backups at s3.example.com`. */
  readonly label: string;

  /**
   * Stores the body under the key: the whole object appears, or nothing does. The object is made visible only after
   * the body ended without throwing; a chunk of it is not used any more when the next one is asked for. When this throws, nothing is left behind, but for two cases that the caller must
   * settle: `storage_uncertain` (the outcome of the last request is unknown; never abort or delete blindly, see
   * `details.uploadId`) and a `StoreFailure`, which names its `Leftover` (clean-up was refused or impossible).
   * Throws `storage_exists` when the key is taken.
   */
  put(key: string, body: AsyncIterable<Uint8Array>, options: PutOptions): Promise<StoredObject>;

  /** What is stored under the key, or null. */
  head(key: string, options?: ReadOptions): Promise<ObjectHead | null>;

  /**
   * The object's bytes, or those of an inclusive range. Throws `storage_missing` when there is none, and `storage_mismatch` where
   * another object than that of `ifMatch` lies there by now.
   */
  get(key: string, options?: GetOptions): Promise<ObjectBody>;

  /** Removes the object (that version, where one is given). An absent object is a success. */
  remove(key: string, options?: ReadOptions): Promise<void>;

  /**
   * Ends an unfinished upload and confirms that it is gone. An absent upload is a success.
   * Never call it while a Complete of the same upload may be in flight.
   */
  abortUpload(key: string, uploadId: string, options?: { signal?: AbortSignal }): Promise<void>;

  /**
   * Ids of the unfinished uploads of that key, also of one whose id could not be recorded before a crash. The token
   * names the run's own temporary file where the store is a host's folder.
   */
  listUploads(key: string, options: { token: string; signal?: AbortSignal }): Promise<readonly string[]>;

  /** True while the store still knows the unfinished upload. */
  uploadExists(key: string, uploadId: string, options?: { signal?: AbortSignal }): Promise<boolean>;
}

export interface PutOptions {
  readonly signal: AbortSignal;
  /** Unique to the run, kept with the object (`x-amz-meta-bridgeport-token`); it tells our object from a foreign one. */
  readonly token: string;
  readonly contentType: string;
  /** The name a download should get. */
  readonly fileName: string;
  /** Expected size in bytes; decides the part size. */
  readonly estimatedBytes?: number;
  /** Awaited after an upload id exists and before the first part is sent, so that a crash can be cleaned up. */
  readonly onUploadCreated?: (uploadId: string) => Promise<void>;
  /**
   * Awaited as soon as something may appear under the key after this call ended, however it ends: an answer was lost, and
   * the request was sent again. It is to be looked for later, once the run is over.
   */
  readonly onMayAppear?: (item: Leftover) => Promise<void>;
  /** Awaited when all bytes are stored and before the request that makes the object visible. */
  readonly beforeSeal?: (sealed: { bytes: number }) => Promise<void>;
  /** Bytes that the store has accepted so far. */
  readonly onProgress?: (bytes: number) => void;
}

export interface ReadOptions {
  readonly versionId?: string | null;
  /** A running backup depends on it: a store that fails for the moment is asked again for minutes. */
  readonly isPatient?: boolean;
  readonly signal?: AbortSignal;
}

export interface GetOptions extends ReadOptions {
  readonly range?: ByteRange;
  /** The `etag` of an earlier body of this object, of which more is to be read; null: its store tells none. */
  readonly ifMatch?: string | null;
}

/** Both ends inclusive, as in HTTP. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface StoredObject {
  readonly bytes: number;
  readonly etag: string | null;
  readonly versionId: string | null;
}

export interface ObjectHead {
  readonly bytes: number;
  readonly etag: string | null;
  /** The run's token, or null where the store keeps none (a file on a host). */
  readonly token: string | null;
  readonly versionId: string | null;
  /** The archive in which it lies, where it can't be read before it was restored from there. */
  readonly archive?: string;
  /** What keeps everybody from removing it, where the storage tells. */
  readonly lock?: ObjectLock;
}

export interface ObjectLock {
  /** ISO-8601 UTC with milliseconds; null where it holds until somebody lifts it. */
  readonly until: string | null;
  /** In words, such as `object lock (COMPLIANCE)`. */
  readonly why: string;
}

export interface ObjectBody extends AsyncIterable<Uint8Array> {
  /** Size of the whole object. */
  readonly totalBytes: number;
  /** Bytes that this body will give; the iteration throws when fewer come. */
  readonly bytes: number;
  /** Of the object as it lies there now; null, or absent, where the store tells none that could be compared. */
  readonly etag?: string | null;
}

/** Something that could not be removed, and where. */
export interface Leftover {
  readonly kind: 'object' | 'upload' | 'file';
  readonly key: string;
  readonly uploadId: string | null;
  readonly versionId: string | null;
}
