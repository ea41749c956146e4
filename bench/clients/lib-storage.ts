/**
 * AWS's own upload of a stream: stdin to one object. With its own settings it sends parts of 5 MiB with a CRC32 each;
 * BENCH_TUNED makes the parts as large as ours, and leaves the checksum out, which other storages than AWS may not know.
 */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { destination } from './environment.ts';

const { endpoint, region, accessKey, secretKey, caFile, bucket, key } = destination();
const isTuned = process.env['BENCH_TUNED'] === '1';
const client = new S3Client({
  endpoint,
  region,
  forcePathStyle: true,
  credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  ...(isTuned
    ? { requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' }
    : {}),
  requestHandler: { httpsAgent: new Agent({ ca: readFileSync(caFile), keepAlive: true, maxSockets: 50 }) },
});
await new Upload({
  client,
  params: { Bucket: bucket, Key: key, Body: process.stdin, ContentType: 'application/sql' },
  ...(isTuned ? { queueSize: 4, partSize: 16 * 2 ** 20 } : {}),
}).done();
client.destroy();
