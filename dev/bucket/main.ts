/** Starts the development bucket from the command line and prints, as one line of JSON, how to reach it. */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { isProfileName, PROFILE_NAMES } from './profiles.ts';
import { startDevBucket } from './server.ts';

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    port: { type: 'string', default: '0' },
    region: { type: 'string', default: 'us-east-1' },
    bucket: { type: 'string', multiple: true, default: ['backups'] },
    versioned: { type: 'string', multiple: true, default: [] },
    tls: { type: 'boolean', default: false },
    discard: { type: 'boolean', default: false },
    'access-key': { type: 'string', default: 'devbucket' },
    'secret-key': { type: 'string' },
    profile: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
});

const { profile } = values;
if (values.folder === undefined || (profile !== undefined && !isProfileName(profile))) {
  console.error(
    `Usage: node dev/bucket/main.ts --folder FOLDER [--port N] [--tls] [--discard] [--region R] [--bucket NAME]… [--versioned NAME]… [--access-key K] [--secret-key S] [--profile ${PROFILE_NAMES.join('|')}] [--verbose]`,
  );
  process.exit(2);
}

const key = {
  accessKey: values['access-key'],
  secretKey: values['secret-key'] ?? randomBytes(20).toString('hex'),
};
const bucket = await startDevBucket({
  folder: values.folder,
  port: Number(values.port),
  region: values.region,
  tls: values.tls,
  discard: values.discard,
  keys: [key],
  buckets: values.bucket,
  versioned: values.versioned,
  ...(profile === undefined ? {} : { profile }),
  ...(values.verbose ? { log: (line: string) => console.error(line) } : {}),
});

// Before the line that tells others that they may talk to it, and end it.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void bucket.close());
}

const { endpoint, region, caFile } = bucket;
console.log(JSON.stringify({ endpoint, region, caFile, ...key, buckets: values.bucket, pid: process.pid }));
