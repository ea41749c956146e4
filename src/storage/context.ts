import type { S3Opener } from '../object-stores/s3/s3.ts';
import type { VaultContext } from '../secrets/context.ts';

/** For what speaks to the storage with its stored keys. */
export interface StorageContext extends VaultContext {
  readonly openS3: S3Opener;
}
