import { abortUpload, uploadExists } from './abort-upload.ts';
import { checkBucket } from './check-bucket.ts';
import { connect, type S3Connection } from './connection.ts';
import { getObject } from './get.ts';
import { headObject } from './head.ts';
import { checkBucketName, checkKey } from './keys.ts';
import { listBuckets } from './list-buckets.ts';
import { uploadsOf } from './list-uploads.ts';
import type { S3Platform } from './platform.ts';
import { presignDownload } from './presign.ts';
import { putObject } from './put.ts';
import { removeWholly } from './remove.ts';
import type { S3, S3Bucket } from './s3.ts';
import type { S3Settings } from './settings.ts';
import { DEFAULT_TUNING, type Tuning } from './tuning.ts';

/** Opens an account. No request is sent yet; sockets and memory are the platform's and are shared. */
export function createS3(settings: S3Settings, platform: S3Platform, tuning: Partial<Tuning> = {}): S3 {
  const connection = connect(settings, platform, { ...DEFAULT_TUNING, ...tuning });
  return {
    listBuckets: (signal) => listBuckets(connection, signal),
    checkBucket: (bucket, options = {}) => checkBucket(connection, bucket, options),
    bucket: (name) => openBucket(connection, name),
    connection,
    // Idle sockets end by themselves after seconds; all of them end with the platform.
    close: async () => {},
  };
}

function openBucket(connection: S3Connection, bucket: string): S3Bucket {
  checkBucketName(bucket);
  const target = (key: string) => {
    checkKey(key);
    return { bucket, key };
  };
  const host = connection.settings.endpoint.replace(/^https?:\/\//, '');
  return {
    label: `bucket ${bucket} at ${host}`,
    put: (key, body, options) => putObject(connection, { bucket, key }, body, options),
    head: async (key, options) => headObject(connection, bucket, target(key).key, options),
    get: async (key, options) => getObject(connection, bucket, target(key).key, options),
    remove: async (key, options = {}) => removeWholly(connection, target(key), options),
    abortUpload: async (key, uploadId, options = {}) =>
      abortUpload(connection, target(key), uploadId, options.signal),
    uploadExists: async (key, uploadId, options = {}) =>
      uploadExists(connection, target(key), uploadId, options.signal),
    listUploads: async (key, options) => uploadsOf(connection, target(key), options.signal),
    presignDownload: async (key, options) => presignDownload(connection, target(key), options),
  };
}
