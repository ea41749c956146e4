import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Installation, SMALL_PARTS, startInstallation } from '../support/installation.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import type { Rgw } from '../support/rgw.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedMariadb } from '../support/shared/mariadb.ts';
import { sharedRgw } from '../support/shared/rgw.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;
const SOURCE = ownName('source');
const RESTORED = ownName('restored');
const MEBIBYTES = 12;

let rgw: Rgw;
let sshd: Sshd;
let mariadb: TestMariadb;
let app: Installation;
let folder: string;
let environment: string;
let server: string;
let expected: Awaited<ReturnType<typeof mariadbChecksums>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mysql-round-trip-'));
  [rgw, sshd, mariadb] = await Promise.all([sharedRgw(), startSshd(), sharedMariadb()]);
  await mariadb.createDatabase(SOURCE);
  await fillMariadb(mariadb, SOURCE, MEBIBYTES);
  expected = await mariadbChecksums(mariadb, SOURCE);
  app = await startInstallation({ env: { STORAGE_CA_FILE: rgw.caFile }, tuning: SMALL_PARTS });
  environment = await app.create('environment', '/api/environments', { name: 'production' });
  await app.ask('PATCH', `/api/environments/${environment}/settings/data`, { allowBackupDownload: true });
  await app.ask('PUT', `/api/environments/${environment}/ssh`, {
    sshPrivateKey: sshd.privateKey,
    sshUser: sshd.user,
  });
  server = await app.create('server', `/api/environments/${environment}/servers`, {
    name: 'database host',
    hostname: sshd.host,
    sshPort: sshd.port,
  });
  await app.ask('PUT', '/api/settings/spaces', {
    ...rgw.scoped,
    region: rgw.region,
    endpoint: new URL(rgw.endpoint).host,
    buckets: [rgw.scopedBucket],
  });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
}, TIMEOUT_MS);

afterAll(async () => {
  await app.close();
  await Promise.all([sshd.stop(), mariadb.stop(), rgw.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** MariaDB over SSH, from a host with its own file system, into the Ceph gateway over TLS, and back by stock means. */
test.each([
  ['none', '.sql', (bytes: Buffer) => bytes],
  ['gzip', '.sql.gz', (bytes: Buffer) => gunzipSync(bytes)],
  ['zstd', '.sql.zst', (bytes: Buffer) => zstdDecompressSync(bytes)],
])(
  'MariaDB with %s restores with equal content',
  async (backupCompression, extension, unpack) => {
    const database = await app.create('database', `/api/environments/${environment}/databases`, {
      name: `shop ${backupCompression}`,
      type: 'mysql',
      serverId: server,
      host: '127.0.0.1',
      port: mariadb.port,
      databaseName: SOURCE,
      ...mariadb.superuser,
      backupStorageType: 'spaces',
      backupSpacesBucket: rgw.scopedBucket,
      backupCompression,
    });
    const backup = await app.backUp(database, TIMEOUT_MS);
    expect(backup.error).toBeNull();
    expect(backup.filename.endsWith(extension)).toBe(true);
    expect(backup.raw).toMatchObject({ status: 'completed', verification: 'stored', progress: 100 });

    const { downloadUrl } = await app.ask('GET', `/api/backups/${backup.id}/download`);
    await run('curl', [
      '-sS',
      '--fail',
      '--cacert',
      rgw.caFile,
      '-OJ',
      '--output-dir',
      folder,
      String(downloadUrl),
    ]);
    const file = join(folder, backup.filename);
    expect((await stat(file)).size).toBe(backup.size);

    await mariadb.dropDatabase(RESTORED);
    await mariadb.createDatabase(RESTORED);
    await mariadb.restore(unpack(await readFile(file)), RESTORED);
    const restored = await mariadbChecksums(mariadb, RESTORED);
    expect(Object.keys(restored).length).toBeGreaterThan(10);
    expect(restored).toEqual(expected);
  },
  TIMEOUT_MS,
);
