import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tuning } from '../../src/object-stores/s3/tuning.ts';
import { type EndedBackup, type Installation, startInstallation } from '../support/installation.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import type { Rgw } from '../support/rgw.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { sharedRgw } from '../support/shared/rgw.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';

const run = promisify(execFile);
const SOURCE = ownName('source');
const SMALL = ownName('small source');
const RESTORED = ownName('restored');
const HOUR_MS = 3_600_000;

/** The shapes that a dump can have, and how stock tools read each back. */
const SHAPES = [
  { backupFormat: 'plain', backupCompression: 'none', extension: '.sql' },
  { backupFormat: 'plain', backupCompression: 'gzip', extension: '.sql.gz' },
  { backupFormat: 'plain', backupCompression: 'zstd', extension: '.sql.zst' },
  { backupFormat: 'custom', backupCompression: 'none', extension: '.dump' },
  { backupFormat: 'custom', backupCompression: 'gzip', extension: '.dump' },
  { backupFormat: 'custom', backupCompression: 'zstd', extension: '.dump.zst' },
  { backupFormat: 'tar', backupCompression: 'none', extension: '.tar' },
  { backupFormat: 'tar', backupCompression: 'gzip', extension: '.tar' },
  { backupFormat: 'tar', backupCompression: 'zstd', extension: '.tar.zst' },
] as const;

/**
 * The main job against real servers: PostgreSQL over SSH, from a host with its own file system, into the Ceph gateway
 * over TLS, in each format and compression and with each kind of key; downloaded by presigned URL with curl, restored
 * into an empty database by stock tools, and compared table by table.
 */
export function proveRoundTrips(mebibytes: number, timeoutMs: number, tuning: Partial<Tuning> = {}): void {
  let rgw: Rgw;
  let sshd: Sshd;
  let postgres: TestPostgres;
  let app: Installation;
  let folder: string;
  let environment: string;
  let server: string;
  /** What is in each database that is backed up. */
  const expected = new Map<string, Awaited<ReturnType<typeof checksums>>>();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'round-trip-'));
    [rgw, sshd, postgres] = await Promise.all([sharedRgw(), startSshd(), sharedPostgres()]);
    for (const [source, size] of [
      [SOURCE, mebibytes],
      [SMALL, 1],
    ] as const) {
      await postgres.createDatabase(source);
      await fillDatabase(postgres, source, size);
      expected.set(source, await checksums(postgres, source));
    }
    app = await startInstallation({ env: { STORAGE_CA_FILE: rgw.caFile }, tuning });
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
  }, timeoutMs);

  afterAll(async () => {
    await app.close();
    await Promise.all([sshd.stop(), postgres.stop(), rgw.stop()]);
    await rm(folder, { recursive: true, force: true });
  });

  for (const keyName of ['full', 'scoped'] as const) {
    describe(`with the ${keyName} key`, () => {
      beforeAll(async () => {
        const key = keyName === 'full' ? rgw.full : rgw.scoped;
        await app.ask('PUT', '/api/settings/spaces', {
          ...key,
          region: rgw.region,
          endpoint: new URL(rgw.endpoint).host,
          buckets: keyName === 'full' ? [] : [rgw.scopedBucket],
        });
        await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
        const tested = await app.ask('POST', '/api/settings/spaces/test', {});
        expect(tested['message']).toBe(
          keyName === 'full'
            ? 'Connection successful (full API access)'
            : 'Connected. Access to 1/1 buckets.',
        );
      });

      for (const shape of SHAPES) {
        test(
          `${shape.backupFormat} with ${shape.backupCompression} restores with equal content`,
          async () => {
            // A dump in several parts by each key, and compressed ones by one of them: the other one's are small.
            const source = keyName === 'full' || shape.backupCompression === 'none' ? SOURCE : SMALL;
            const { backup, file } = await backUpAndDownload(keyName, shape, source);
            await restoreAndCompare(file, shape, source);
            await rm(file);
            await app.ask('DELETE', `/api/backups/${backup.id}`);
          },
          timeoutMs,
        );
      }
    });
  }

  async function backUpAndDownload(
    keyName: string,
    shape: (typeof SHAPES)[number],
    databaseName: string,
  ): Promise<{ backup: EndedBackup; file: string }> {
    const { extension, ...options } = shape;
    const database = await app.create('database', `/api/environments/${environment}/databases`, {
      name: `${keyName} ${shape.backupFormat} ${shape.backupCompression}`,
      type: 'postgres',
      serverId: server,
      host: '127.0.0.1',
      port: postgres.port,
      databaseName,
      ...postgres.superuser,
      backupStorageType: 'spaces',
      backupSpacesBucket: rgw.scopedBucket,
      ...options,
    });
    const backup = await app.backUp(database, timeoutMs);
    expect(backup.error).toBeNull();
    expect(backup.filename.endsWith(extension)).toBe(true);
    expect(backup.raw).toMatchObject({ status: 'completed', verification: 'stored', progress: 100 });

    const { downloadUrl } = (await app.ask('GET', `/api/backups/${backup.id}/download`)) as {
      downloadUrl: string;
    };
    await mkdir(folder, { recursive: true });
    await run('curl', ['-sS', '--fail', '--cacert', rgw.caFile, '-OJ', '--output-dir', folder, downloadUrl]);
    // curl takes the name from the answer's Content-Disposition, as a browser does.
    const file = join(folder, backup.filename);
    expect((await stat(file)).size).toBe(backup.size);
    expect(await sha256(file)).toBe(backup.sha256);
    return { backup, file };
  }

  async function restoreAndCompare(
    file: string,
    shape: (typeof SHAPES)[number],
    source: string,
  ): Promise<void> {
    await postgres.dropDatabase(RESTORED);
    await postgres.createDatabase(RESTORED);
    const unpack = shape.extension.endsWith('.gz')
      ? 'gzip -dc'
      : shape.extension.endsWith('.zst')
        ? 'zstd -dc'
        : 'cat';
    const restore =
      shape.backupFormat === 'plain'
        ? 'psql -q -v ON_ERROR_STOP=1 -f -'
        : 'pg_restore --exit-on-error -d "$PGDATABASE"';
    await run(
      'bash',
      [
        '-o',
        'pipefail',
        '-c',
        `${unpack} "$1" | PATH="$2:$PATH" ${restore}`,
        'bash',
        file,
        postgres.programs,
      ],
      {
        env: {
          ...process.env,
          PGHOST: '127.0.0.1',
          PGPORT: String(postgres.port),
          PGUSER: postgres.superuser.username,
          PGPASSWORD: postgres.superuser.password,
          PGDATABASE: RESTORED,
        },
        timeout: HOUR_MS,
        maxBuffer: 1 << 26,
      },
    );
    const restored = await checksums(postgres, RESTORED);
    expect(Object.keys(restored).length).toBeGreaterThan(3);
    expect(restored).toEqual(expected.get(source));
  }
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}
