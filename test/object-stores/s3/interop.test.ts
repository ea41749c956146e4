import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Bucket } from '../../../src/object-stores/s3/s3.ts';
import { chunked, collect, options } from '../../contracts/object-store.ts';
import type { Rgw } from '../../support/rgw.ts';
import { type OpenedS3, openTestS3 } from '../../support/s3.ts';
import { sharedRgw } from '../../support/shared/rgw.ts';

const run = promisify(execFile);
const MIB = 2 ** 20;
/** The second is in parts with every tool: ours are 16 MiB, the others' 5 to 15. */
const SIZES = [
  ['one part', 100_003],
  ['several parts', 17 * MIB + 5],
] as const;

let rgw: Rgw;
let folder: string;
let opened: OpenedS3;
let bucket: S3Bucket;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'interop-'));
  rgw = await sharedRgw();
  opened = openTestS3({ ...rgw, ...rgw.full });
  bucket = opened.s3.bucket(rgw.bucket);
  await writeFile(join(folder, 's3cmd.conf'), s3cmdConfiguration());
});
afterAll(async () => {
  await opened?.close();
  await rgw?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

interface Tool {
  readonly name: string;
  read(key: string, file: string): Promise<unknown>;
  write(file: string, key: string): Promise<unknown>;
}

const TOOLS: readonly Tool[] = [
  {
    name: 'aws',
    read: (key, file) => aws(['cp', `s3://${rgw.bucket}/${key}`, file]),
    write: (file, key) => aws(['cp', file, `s3://${rgw.bucket}/${key}`]),
  },
  {
    name: 'rclone',
    read: (key, file) => rclone(['copyto', `gateway:${rgw.bucket}/${key}`, file]),
    write: (file, key) => rclone(['copyto', file, `gateway:${rgw.bucket}/${key}`]),
  },
  {
    name: 's3cmd',
    read: (key, file) => s3cmd(['get', `s3://${rgw.bucket}/${key}`, file]),
    write: (file, key) => s3cmd(['put', file, `s3://${rgw.bucket}/${key}`]),
  },
];

function aws(args: readonly string[]) {
  return run('aws', ['--endpoint-url', rgw.endpoint, 's3', ...args, '--no-progress'], {
    env: {
      ...environment(),
      AWS_ACCESS_KEY_ID: rgw.full.accessKey,
      AWS_SECRET_ACCESS_KEY: rgw.full.secretKey,
      AWS_DEFAULT_REGION: rgw.region,
      AWS_CA_BUNDLE: rgw.caFile,
      AWS_EC2_METADATA_DISABLED: 'true',
      // Newer versions send aws-chunked bodies unless told otherwise, which this gateway refuses.
      AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
    },
  });
}

function rclone(args: readonly string[]) {
  const parts = ['--s3-upload-cutoff', '5M', '--s3-chunk-size', '5M'];
  return run('rclone', [...args, '--ca-cert', rgw.caFile, ...parts], {
    env: {
      ...environment(),
      RCLONE_CONFIG: join(folder, 'rclone.conf'),
      RCLONE_CONFIG_GATEWAY_TYPE: 's3',
      RCLONE_CONFIG_GATEWAY_PROVIDER: 'Ceph',
      RCLONE_CONFIG_GATEWAY_ENDPOINT: rgw.endpoint,
      RCLONE_CONFIG_GATEWAY_ACCESS_KEY_ID: rgw.full.accessKey,
      RCLONE_CONFIG_GATEWAY_SECRET_ACCESS_KEY: rgw.full.secretKey,
    },
  });
}

function s3cmd(args: readonly string[]) {
  return run('s3cmd', ['-c', join(folder, 's3cmd.conf'), '--no-progress', '--force', ...args], {
    env: environment(),
  });
}

function s3cmdConfiguration(): string {
  const { host } = new URL(rgw.endpoint);
  return `[default]
access_key = ${rgw.full.accessKey}
secret_key = ${rgw.full.secretKey}
host_base = ${host}
host_bucket = ${host}
bucket_location = ${rgw.region}
use_https = True
ca_certs_file = ${rgw.caFile}
`;
}

/** Nothing of this machine's own configuration of the tools. */
const environment = () => ({ PATH: process.env['PATH'] ?? '', HOME: folder, LC_ALL: 'C.UTF-8' });

const freshKey = () => `interop/${crypto.randomUUID()}/späte (1) + 'dump'.sql.gz`;

describe.each(TOOLS.map((tool) => [tool.name, tool] as const))('%s', (_, tool) => {
  it.each(SIZES)('reads an object that we wrote in %s', async (_name, bytes) => {
    const key = freshKey();
    const content = randomBytes(bytes);
    await bucket.put(key, chunked(content), options());
    const file = join(folder, crypto.randomUUID());
    await tool.read(key, file);
    expect(content.equals(await readFile(file))).toBe(true);
    await bucket.remove(key);
  });

  it.each(SIZES)('writes an object in %s that we read, whole and by range', async (_name, bytes) => {
    const key = freshKey();
    const content = randomBytes(bytes);
    const file = join(folder, `${crypto.randomUUID()}.sql.gz`);
    await writeFile(file, content);
    await tool.write(file, key);
    expect(await bucket.head(key)).toMatchObject({ bytes, token: null });
    expect(content.equals(await collect(await bucket.get(key)))).toBe(true);
    for (const range of [
      { start: 0, end: 0 },
      { start: bytes - 70_000, end: bytes - 1 },
    ]) {
      const part = await collect(await bucket.get(key, { range }));
      expect(part.equals(content.subarray(range.start, range.end + 1))).toBe(true);
    }
    await bucket.remove(key);
    expect(await bucket.head(key)).toBeNull();
  });
});

describe('a link, opened by curl', () => {
  const curl = async (url: string, ...args: string[]) => {
    const file = join(folder, crypto.randomUUID());
    const asked = ['-sS', '--cacert', rgw.caFile, '-o', file, '-w', '%{http_code}', ...args, url];
    const { stdout } = await run('curl', asked, { env: environment() });
    return { status: stdout, content: await readFile(file).catch(() => Buffer.alloc(0)) };
  };

  it('gives an object in parts, whole and by range', async () => {
    const key = freshKey();
    const content = randomBytes(17 * MIB + 5);
    await bucket.put(key, chunked(content), options());
    const url = await bucket.presignDownload(key, { fileName: 'a.sql.gz', expiresInSeconds: 60 });
    const whole = await curl(url);
    expect([whole.status, content.equals(whole.content)]).toEqual(['200', true]);
    const part = await curl(url, '-r', '16777210-16777220');
    expect([part.status, content.subarray(16777210, 16777221).equals(part.content)]).toEqual(['206', true]);
    await bucket.remove(key);
  });

  it('opens nothing else: no other object, no writing, no removing', async () => {
    const key = freshKey();
    await bucket.put(key, chunked(Buffer.from('content')), options());
    const url = await bucket.presignDownload(key, { fileName: 'a.sql', expiresInSeconds: 60 });
    expect((await curl(url.replace('.sql.gz?', '.sql?'))).status).toBe('403');
    expect((await curl(url, '-X', 'PUT', '-d', 'x')).status).toBe('403');
    expect((await curl(url, '-X', 'DELETE')).status).toBe('403');
    expect((await collect(await bucket.get(key))).toString()).toBe('content');
    await bucket.remove(key);
  });
});
