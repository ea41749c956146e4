import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { type DevBucket, type Fault, startDevBucket } from '../../dev/bucket/server.ts';
import type { Tuning } from '../../src/object-stores/s3/tuning.ts';
import type { Timing } from '../../src/services.ts';
import {
  type EndedBackup,
  type Installation,
  type Json,
  SMALL_PARTS,
  startInstallation,
} from '../support/installation.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { until } from '../support/until.ts';

export const BUCKET = 'backups';
export const KEY = { accessKey: 'FAULTS-ACCESS-KEY', secretKey: 'faults-secret-key-faults-secret-key' };

/** Three small parts in flight and one being filled, as with the 64 MiB of production: dumps need not be larger to be in parts. */
const PART_MEMORY = { PART_MEMORY_MIB: '20' };

/** Parts of 1 MiB, for where it counts that a dump is in several and not how large it is: most of a backup's CPU time goes by bytes. */
export const TINY_PARTS = { tuning: { usualPartBytes: 2 ** 20 }, smallestPartBytes: 2 ** 20 } as const;

/** An app, a database host of its own reached over SSH, and a bucket that can be told to fail. */
export interface Bed {
  readonly app: Installation;
  readonly sshd: Sshd;
  readonly bucket: DevBucket;
  readonly environment: string;
  readonly server: string;
  /** Its name gets odd signs. */
  addDatabase(body: Json): Promise<string>;
  /** A SQLite file on the host of about so many MiB of text that compresses little, 4 KiB at least. Gives its path. */
  makeSqlite(name: string, mebibytes: number): Promise<string>;
  close(): Promise<void>;
}

export async function startBed(
  options: {
    timing?: Timing;
    tuning?: Partial<Tuning>;
    /** That the bucket takes. */
    smallestPartBytes?: number;
    env?: Readonly<Record<string, string>>;
  } = {},
): Promise<Bed> {
  const folder = await mkdtemp(join(tmpdir(), 'bed-'));
  const bucket = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [KEY],
    buckets: [BUCKET, 'other'],
    limits: { encodesSilently: true, smallestPartBytes: options.smallestPartBytes ?? 5 * 2 ** 20 },
  });
  const sshd = await startSshd();
  await mkdir(join(folder, 'local'));
  const app = await startInstallation({
    env: {
      ...PART_MEMORY,
      STORAGE_CA_FILE: String(bucket.caFile),
      LOCAL_PATHS: join(folder, 'local'),
      ...options.env,
    },
    ...(options.timing ? { timing: options.timing } : {}),
    tuning: { ...SMALL_PARTS, ...options.tuning },
  });
  const environment = await prepareEnvironment(app, sshd);
  const server = await app.create('server', `/api/environments/${environment}/servers`, {
    name: `db-host ${ODD}`,
    hostname: sshd.host,
    sshPort: sshd.port,
  });
  await configureStorage(app, bucket, environment);
  return {
    app,
    sshd,
    bucket,
    environment,
    server,
    addDatabase: ({ name, ...body }) =>
      app.create('database', `/api/environments/${environment}/databases`, {
        serverId: server,
        name: `${name} ${ODD}`,
        ...body,
      }),
    makeSqlite: (name, mebibytes) => makeSqlite(sshd, name, mebibytes),
    async close() {
      await app.close();
      await sshd.stop();
      await bucket.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function prepareEnvironment(app: Installation, sshd: Sshd): Promise<string> {
  const environment = await app.create('environment', '/api/environments', { name: `production ${ODD}` });
  await app.ask('PATCH', `/api/environments/${environment}/settings/data`, { allowBackupDownload: true });
  await app.ask('PUT', `/api/environments/${environment}/ssh`, {
    sshPrivateKey: sshd.privateKey,
    sshUser: sshd.user,
  });
  return environment;
}

export async function configureStorage(
  app: Installation,
  bucket: DevBucket,
  environment: string,
  changes: Json = {},
): Promise<void> {
  await app.ask('PUT', '/api/settings/spaces', {
    ...KEY,
    region: bucket.region,
    endpoint: new URL(bucket.endpoint).host,
    buckets: [],
    ...changes,
  });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
}

/**
 * Of 1,920 bytes each make a dump that can't be under way as a whole: parts hold 20 MiB, a socket's receiver up to
 * 32 MiB where the kernel lets it grow, and its sender 4 MiB.
 */
export const ROWS_OF_HALF_WAY = 50_000;

/** Stands in every name and key: a space, a plus, letters and a sign beyond ASCII, and what an encoder would make of a space. */
export const ODD = 'ü + 😀 %20';

/** The settings of a database whose backups go to the bucket. */
export const TO_BUCKET = {
  backupStorageType: 'spaces',
  backupSpacesBucket: BUCKET,
  backupSpacesPrefix: `${ODD}/a+b c/`,
} as const;

async function makeSqlite(sshd: Sshd, name: string, mebibytes: number): Promise<string> {
  const path = `/var/backups/${name}`;
  const rows = Math.ceil(mebibytes * 256);
  await sshd.insideHost(
    `sqlite3 '${path}' "create table t (id integer primary key, noise text); with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows}) insert into t select i, hex(randomblob(2040)) from n;"; chmod 666 '${path}'`,
  );
  return path;
}

type Act = (backupId: string) => Promise<unknown>;

/** As `endHalfWay`; it ended sealed or absent, and told of nothing that it could not remove. */
export async function actHalfWay(bed: Bed, databaseId: string, act: Act): Promise<EndedBackup> {
  const backup = await endHalfWay(bed, databaseId, act);
  await expectSealedOrAbsent(bed, backup);
  return backup;
}

/**
 * Starts a backup and acts while it is half-way: every part is held, so that a dump larger than all part memory, and what
 * sockets hold of it, can't be further. Gives how it ended.
 */
export async function endHalfWay(bed: Bed, databaseId: string, act: Act): Promise<EndedBackup> {
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  bed.bucket.faults.add({
    match: { operation: 'UploadPart' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'hold', until: held },
  });
  const backupId = await bed.app.startBackup(databaseId);
  await untilMet(bed, backupId, 'hold');
  try {
    await act(backupId);
  } finally {
    release();
  }
  const backup = await bed.app.untilEnded(backupId);
  bed.bucket.faults.clear();
  return backup;
}

/**
 * Until a request of that backup has met such a fault. It is known by its key: a part of the backup before may reach the bucket
 * after that has ended, and what is swept meanwhile meets faults as well.
 */
export async function untilMet({ app, bucket }: Bed, backupId: string, fault: Fault['kind']): Promise<void> {
  await until(`a request of the backup to meet "${fault}"`, 60_000, async () => {
    const row = await app.services.db
      .selectFrom('backups')
      .select('storage_path')
      .where('id', '=', backupId)
      .executeTakeFirstOrThrow();
    return bucket.faults.hits().some(({ kind, key }) => kind === fault && key === row.storage_path);
  });
}

/**
 * The promise under every fault: the backup is completed and its object is there whole, or it failed and nothing of
 * it is left: no object, no multipart upload, no file and no process on the host, no open leftover.
 */
export async function expectSealedOrAbsent(bed: Bed, backup: EndedBackup): Promise<void> {
  const objects = bed.bucket.objects(BUCKET).filter(({ key }) => key === backup.storagePath);
  if (backup.status === 'completed') {
    expect(objects.map(({ bytes }) => bytes)).toEqual([backup.size]);
    expect(backup.size).toBeGreaterThan(0);
    expect(backup.sha256).toMatch(/^[0-9a-f]{64}$/);
  } else {
    expect(backup.status).toBe('failed');
    expect(backup.error?.message).toBeTruthy();
    expect(objects).toEqual([]);
  }
  // In this order: an upload may have appeared after the request for it was given up, and is removed a minute later.
  await expectLeftoversGone(bed, { onlyLate: true });
  expect(bed.bucket.uploads(BUCKET)).toEqual([]);
  await expectHostQuiet(bed);
}

/**
 * No leftover stays. `onlyLate`: those there were are what a request that was given up might still have made, which
 * is looked for after a minute and after a quarter of an hour; that time is skipped here.
 */
export async function expectLeftoversGone(bed: Bed, { onlyLate = false } = {}): Promise<void> {
  const { db, now } = bed.app.services;
  const leftovers = () => db.selectFrom('leftovers').selectAll().execute();
  if (onlyLate) {
    const known = (await leftovers()).filter(({ kind, upload_id: id }) => kind === 'file' || id !== null);
    expect(known).toEqual([]);
  }
  await until('the leftovers to be gone', 20_000, async () => {
    // Each time: a sweep that is on its way would write the later time of its row again.
    await db
      .updateTable('leftovers')
      .set({ next_try_at: now().toISOString(), created_at: new Date(0).toISOString() })
      .execute();
    return (await leftovers()).length === 0;
  });
}

/** No dump runs on the host any more and no unfinished file lies there. */
export async function expectHostQuiet(bed: Bed): Promise<void> {
  const isDump = (command: string) => /pg_dump|sqlite3|bp_status/.test(command);
  await until('the host to end every dump', 10_000, async () => !(await bed.sshd.processes()).some(isDump));
  expect((await Promise.all(WRITABLE.map((folder) => unfinishedIn(bed.sshd, folder)))).flat()).toEqual([]);
}

const WRITABLE = ['/var/backups', '/var/tmp', '/srv/small'];

/** Files and folders, read from outside: a process of the host for it, after each of hundreds of backups, costs more than the look. */
async function unfinishedIn(sshd: Sshd, folder: string): Promise<string[]> {
  const names = await readdir(sshd.hostPath(folder), { recursive: true });
  return names.filter((name) => /\.partial$|^\.bridgeport-/.test(basename(name)));
}
