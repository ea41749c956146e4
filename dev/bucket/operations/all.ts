import type { OperationName } from '../request.ts';
import { S3Error } from '../s3-error.ts';
import {
  createBucket,
  deleteBucket,
  getBucketLocation,
  getBucketVersioning,
  headBucket,
  listBuckets,
  putBucketVersioning,
} from './buckets.ts';
import type { Operation } from './exchange.ts';
import { listMultipartUploads, listObjects, listObjectsV2, listObjectVersions } from './listing.ts';
import { deleteObject, deleteObjects, putObject } from './objects.ts';
import { getObject, headObject } from './read-object.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
} from './uploads.ts';

export const operations: Readonly<Record<OperationName, Operation>> = {
  ListBuckets: listBuckets,
  HeadBucket: headBucket,
  CreateBucket: createBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  GetBucketVersioning: getBucketVersioning,
  PutBucketVersioning: putBucketVersioning,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
  NotImplemented: async () => {
    throw new S3Error(
      501,
      'NotImplemented',
      'A header or parameter you provided implies functionality that is not implemented.',
    );
  },
};
