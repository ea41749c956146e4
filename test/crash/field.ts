import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { createEnvironment } from '../attack/ground.ts';
import { buildChildApp, type ChildApp, removeChildApp } from '../support/child-process.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

const KEY = { accessKey: 'CRASH-ACCESS-KEY', secretKey: 'crash-secret-key-crash-secret-key' };
/** Dumps of some hundred KiB are in several parts with it. */
const PART_BYTES = 256 * 1024;

/** What all installations of a proof work with: the program, a bucket for each, a host reached over SSH with a PostgreSQL. */
export interface Field {
  readonly program: string;
  readonly folder: string;
  readonly key: typeof KEY;
  readonly bucket: DevBucket;
  readonly sshd: Sshd;
  readonly postgres: TestPostgres;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** An environment with a host whose key is pinned (schedules never pin one), and a bucket that it may use. Gives their ids. */
export async function prepareField({ key, bucket, sshd }: Field, app: ChildApp, name: string) {
  const { environment, server } = await createEnvironment(app, sshd);
  const test = await app.ask('POST', `/api/servers/${server}/test-ssh`, {});
  if (test['success'] !== true) throw new Error(`the host was not reached: ${JSON.stringify(test)}`);
  const endpoint = new URL(bucket.endpoint).host;
  await app.ask('PUT', '/api/settings/spaces', {
    ...key,
    ...{ endpoint, region: bucket.region, buckets: [name] },
  });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
  return { environment, server };
}

export const DATABASE = `shop "ü" + 😀`;

export async function openField(buckets: readonly string[]): Promise<Field> {
  const folder = await mkdtemp(join(tmpdir(), 'crash-'));
  const program = await buildChildApp();
  const bucket = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [KEY],
    buckets,
    limits: { encodesSilently: true, smallestPartBytes: PART_BYTES },
  });
  const sshd = await startSshd();
  const postgres = await startPostgres();
  await postgres.createDatabase(DATABASE);
  await postgres.query(
    'create table noise as select n, md5(random()::text) || md5(random()::text) as text from generate_series(1, 12000) n',
    DATABASE,
  );
  return {
    ...{ program, folder, key: KEY, bucket, sshd, postgres },
    env: {
      STORAGE_CA_FILE: String(bucket.caFile),
      PART_MEMORY_MIB: '16',
      TEST_PART_BYTES: String(PART_BYTES),
    },
    async close() {
      await postgres.stop();
      await sshd.stop();
      await bucket.close();
      await rm(folder, { recursive: true, force: true });
      await removeChildApp(program);
    },
  };
}
