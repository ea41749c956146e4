import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildChildApp, type ChildApp, removeChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import type { Rgw } from '../support/rgw.ts';
import { sharedRgw } from '../support/shared/rgw.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';
import { openWay, type Way } from '../support/way.ts';
import { ODD, TINY_PARTS } from './bed.ts';

/** The dump is of 12 MiB and four parts of 1 MiB are in flight at most: of so much, a part at least has arrived whole. */
const SENT_BYTES = 6 * 2 ** 20;

let program: string;
let folder: string;
let rgw: Rgw;
let way: Way;
let sshd: Sshd;
let app: ChildApp;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  [program, rgw, sshd] = await Promise.all([buildChildApp(), sharedRgw(), startSshd()]);
  way = await openWay(Number(new URL(rgw.endpoint).port));
});
afterAll(async () => {
  await app?.kill();
  way?.close();
  await sshd?.stop();
  await rgw?.stop();
  await rm(folder, { recursive: true, force: true });
  await removeChildApp(program);
});

const start = () =>
  startChildApp(program, {
    DATA_DIR: join(folder, 'data'),
    STORAGE_CA_FILE: rgw.caFile,
    PART_MEMORY_MIB: '16',
    TEST_PART_BYTES: String(TINY_PARTS.smallestPartBytes),
  });

test('an app killed while the Ceph gateway has parts of its dump: the next start leaves no object and no upload there', async () => {
  app = await start();
  const database = await addDatabase();
  const isHeld = way.swallowAfter(SENT_BYTES);
  const { backupId } = await app.ask('POST', `/api/databases/${database}/backups`, {});
  await isHeld;
  // First of all: a request that nobody answers is given up in time, and the run with it.
  await app.kill();
  const [upload, ...others] = await uploads();
  expect(others).toEqual([]);
  const key = String(upload?.['Key']);
  const parts = await s3('list-parts', '--key', key, '--upload-id', String(upload?.['UploadId']));
  expect(parts['Parts']).not.toHaveLength(0);

  way.carry();
  app = await start();
  const backup = await until('the backup to be settled', 60_000, async () => {
    const { backup } = (await app.ask('GET', `/api/backups/${backupId}`)) as { backup: Json };
    const isOpen = backup['status'] === 'in_progress' || backup['outcome'] === 'uncertain';
    return isOpen ? undefined : backup;
  });
  expect(backup).toMatchObject({ outcome: 'interrupted', storagePath: key });
  await until('no upload to be left', 60_000, async () => (await uploads()).length === 0);
  expect(await s3('list-objects-v2')).not.toHaveProperty('Contents');
});

async function s3(operation: string, ...args: string[]): Promise<Json> {
  const printed = await rgw.s3api(operation, '--bucket', rgw.bucket, ...args);
  return printed.trim() === '' ? {} : (JSON.parse(printed) as Json);
}

async function uploads(): Promise<readonly Json[]> {
  return ((await s3('list-multipart-uploads'))['Uploads'] ?? []) as readonly Json[];
}

/** Of a SQLite file on a host, whose text compresses little; kept in the gateway, which is reached by the way. */
async function addDatabase(): Promise<string> {
  const file = `/var/backups/gateway ${ODD}.sqlite`;
  await sshd.insideHost(
    `sqlite3 '${file}' "create table t (noise text); with recursive n(i) as (select 1 union all select i + 1 from n where i < 3000) insert into t select hex(randomblob(2040)) from n;"; chmod 666 '${file}'`,
  );
  const { environment } = (await app.ask('POST', '/api/environments', { name: `production ${ODD}` })) as {
    environment: Json;
  };
  const path = `/api/environments/${environment['id']}`;
  await app.ask('PUT', `${path}/ssh`, { sshPrivateKey: sshd.privateKey, sshUser: sshd.user });
  const host = { name: `db ${ODD}`, hostname: sshd.host, sshPort: sshd.port };
  const { server } = (await app.ask('POST', `${path}/servers`, host)) as { server: Json };
  const { accessKey, secretKey } = rgw.full;
  const endpoint = `127.0.0.1:${way.port}`;
  await app.ask('PUT', '/api/settings/spaces', { accessKey, secretKey, region: rgw.region, endpoint });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment['id']}`, { enabled: true });
  const made = (await app.ask('POST', `${path}/databases`, {
    ...{ type: 'sqlite', filePath: file, serverId: server['id'], name: `app ${ODD}` },
    ...{ backupStorageType: 'spaces', backupSpacesBucket: rgw.bucket, compressionType: 'none' },
  })) as { database: Json };
  return String(made.database['id']);
}
