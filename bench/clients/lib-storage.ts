/** AWS's own upload of a stream: stdin to one object, with parts as large and as many at once as ours. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { destination } from './environment.ts';

const { endpoint, region, accessKey, secretKey, caFile, bucket, key } = destination();
const client = new S3Client({
  endpoint,
  region,
  forcePathStyle: true,
  credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  // As other storages than AWS need it, and cheaper.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  requestHandler: { httpsAgent: new Agent({ ca: readFileSync(caFile), keepAlive: true, maxSockets: 50 }) },
});
await new Upload({
  client,
  params: { Bucket: bucket, Key: key, Body: process.stdin, ContentType: 'application/sql' },
  queueSize: 4,
  partSize: 16 * 2 ** 20,
}).done();
client.destroy();
