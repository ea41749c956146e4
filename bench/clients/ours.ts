/** Our upload path on its own, wired as src/services.ts does: stdin to one object. */
import { readFileSync } from 'node:fs';
import { holdLittleMemory } from '../../src/node/hold-little-memory.ts';
import { createPartMemory } from '../../src/object-stores/part-memory.ts';
import { createS3 } from '../../src/object-stores/s3/client.ts';
import { createNodePlatform } from '../../src/object-stores/s3/node/platform.ts';
import { destination } from './environment.ts';
import { readStdin } from './stdin.ts';

const { endpoint, region, accessKey, secretKey, caFile, bucket, key } = destination();
const quiet = () => {};
const platform = createNodePlatform({
  log: { debug: quiet, info: quiet, warn: console.error, error: console.error },
  now: () => new Date(),
  ca: readFileSync(caFile, 'utf8'),
  partMemory: createPartMemory(64 * 2 ** 20, holdLittleMemory),
  publicEndpoint: null,
});
await createS3({ endpoint, region, accessKey, secretKey }, platform).bucket(bucket).put(key, readStdin(), {
  signal: new AbortController().signal,
  token: crypto.randomUUID(),
  contentType: 'application/sql',
  fileName: 'dump.sql',
});
await platform.close();
