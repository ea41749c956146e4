import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { type Bench, bytesOf, md5, owner, region, startBench, temporaryFolder } from './harness.ts';

const run = promisify(execFile);
const bytes = 20 * 1024 * 1024;

interface Client {
  readonly bench: Bench;
  readonly folder: string;
  readonly source: string;
  readonly copy: string;
  readonly content: Buffer;
  /** Runs the program in an environment of its own, without the user's settings; gives what it printed. */
  readonly call: (program: string, args: readonly string[], env?: Record<string, string>) => Promise<string>;
}

async function startClient(): Promise<Client> {
  const bench = await startBench();
  const folder = await temporaryFolder();
  const source = join(folder, 'source');
  const content = randomBytes(bytes);
  await writeFile(source, content);
  const path = process.env['PATH'] ?? '';
  const call: Client['call'] = async (program, args, env = {}) => {
    const { stdout } = await run(program, args, { env: { PATH: path, HOME: folder, ...env } });
    return stdout;
  };
  return { bench, folder, source, copy: join(folder, 'copy'), content, call };
}

function operations(bench: Bench): Set<string> {
  return new Set(bench.requests.map(({ operation }) => operation));
}

const key = 'dir/a b+ü.bin';

test('the AWS command line puts, lists, gets, presigns and removes over TLS', async () => {
  const { bench, source, copy, content, call } = await startClient();
  const env = {
    AWS_ACCESS_KEY_ID: owner.accessKey,
    AWS_SECRET_ACCESS_KEY: owner.secretKey,
    AWS_DEFAULT_REGION: region,
    AWS_EC2_METADATA_DISABLED: 'true',
    // Newer versions send aws-chunked bodies unless told otherwise, which many S3 services refuse, as this one does.
    AWS_REQUEST_CHECKSUM_CALCULATION: 'when_required',
  };
  const common = ['--endpoint-url', bench.endpoint, '--ca-bundle', bench.caFile ?? '', 's3'];
  const aws = (...args: string[]) => call('aws', [...common, ...args], env);
  await aws('cp', '--no-progress', source, `s3://backups/${key}`);
  expect(await aws('ls')).toContain('backups');
  expect(await aws('ls', 's3://backups/dir/')).toContain(`${bytes} a b+ü.bin`);
  await aws('cp', '--no-progress', `s3://backups/${key}`, copy);
  expect((await readFile(copy)).equals(content)).toBe(true);
  const presigned = await bench.plain((await aws('presign', `s3://backups/${key}`)).trim());
  expect(md5(await bytesOf(presigned))).toBe(md5(content));
  await aws('rm', `s3://backups/${key}`);
  expect(bench.objects('backups')).toEqual([]);
  expect(operations(bench)).toContain('CompleteMultipartUpload');
});

test('rclone puts, lists, checks, gets and removes over TLS', async () => {
  const { bench, folder, source, copy, content, call } = await startClient();
  const env = {
    RCLONE_CONFIG: join(folder, 'absent.conf'),
    RCLONE_CONFIG_DEV_TYPE: 's3',
    RCLONE_CONFIG_DEV_PROVIDER: 'Other',
    RCLONE_CONFIG_DEV_ENDPOINT: bench.endpoint,
    RCLONE_CONFIG_DEV_REGION: region,
    RCLONE_CONFIG_DEV_ACCESS_KEY_ID: owner.accessKey,
    RCLONE_CONFIG_DEV_SECRET_ACCESS_KEY: owner.secretKey,
    RCLONE_CA_CERT: bench.caFile ?? '',
    RCLONE_S3_UPLOAD_CUTOFF: '6M',
    RCLONE_S3_CHUNK_SIZE: '6M',
    RCLONE_RETRIES: '1',
  };
  const rclone = (...args: string[]) => call('rclone', args, env);
  await rclone('copyto', source, `dev:backups/${key}`);
  expect(bench.objects('backups')[0]?.etag).toMatch(/-4$/);
  expect(await rclone('lsl', 'dev:backups')).toContain(key);
  await rclone('copyto', `dev:backups/${key}`, copy);
  expect((await readFile(copy)).equals(content)).toBe(true);
  await rclone('deletefile', `dev:backups/${key}`);
  expect(bench.objects('backups')).toEqual([]);
});

test('s3cmd puts, lists, gets and removes over TLS', async () => {
  const { bench, source, copy, content, call } = await startClient();
  const host = new URL(bench.endpoint).host;
  const settings = [
    ...['--config', '/dev/null', '--access_key', owner.accessKey, '--secret_key', owner.secretKey],
    ...['--host', host, '--host-bucket', host, '--region', region, '--ca-certs', bench.caFile ?? ''],
    ...['--multipart-chunk-size-mb', '6', '--no-progress'],
  ];
  const s3cmd = (...args: string[]) => call('s3cmd', [...settings, ...args]);
  await s3cmd('put', source, `s3://backups/${key}`);
  expect(bench.objects('backups')[0]?.etag).toMatch(/-4$/);
  expect(await s3cmd('ls', 's3://backups/dir/')).toContain(key);
  await s3cmd('get', `s3://backups/${key}`, copy);
  expect((await readFile(copy)).equals(content)).toBe(true);
  await s3cmd('rm', `s3://backups/${key}`);
  expect(bench.objects('backups')).toEqual([]);
});
