import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import Database from 'better-sqlite3';
import { listAll } from '../../src/object-stores/deep-test/list-page.ts';
import { listUploads } from '../../src/object-stores/s3/list-uploads.ts';
import { type ChildApp, startChildApp } from '../support/child-process.ts';
import type { Json } from '../support/installation.ts';
import { type Rgw, startRgw } from '../support/rgw.ts';
import { openTestS3 } from '../support/s3.ts';
import { type Sshd, startSshd } from '../support/sshd.ts';
import { backupsOf, create, createEnvironment, type Ground, isOpen, ODD } from './ground.ts';
import { pick } from './verdict.ts';

const run = promisify(execFile);

/** Rows of about 4 KiB of text: one request, and several parts of 5 MiB. */
const DATABASES = [
  { name: `small ${ODD}`, rows: 200 },
  { name: `large ${ODD}`, rows: 3_500 },
] as const;
const MAX_KEPT = 6;
const SETTLED_WITHIN_MS = 180_000;

interface Field extends Ground {
  readonly rgw: Rgw;
  readonly sshd: Sshd;
  readonly folder: string;
  /** Ids by name. */
  readonly databases: Map<string, string>;
  /** How long one round of backups took, undisturbed: kills fall into that time. */
  roundMs: number;
  readonly counts: Record<'kills' | 'started' | 'deleted' | 'cancelled' | 'completed', number>;
}

/**
 * Kills the app at random instants of uploads, seals, read-backs, removals and repairs, against the Ceph gateway. After
 * each kill everything in the bucket is the object of a backup, or is recorded somewhere as still to be settled. In the
 * end the bucket and the host hold the completed backups, each of them restorable, and nothing else.
 */
export async function attackWithKills(ground: Ground, kills: number): Promise<void> {
  const startedAt = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'attack-kills-'));
  const rgw = await startRgw();
  const sshd = await startSshd();
  const counts = { kills: 0, started: 0, deleted: 0, cancelled: 0, completed: 0 };
  const field: Field = { ...ground, rgw, sshd, folder, databases: new Map(), counts, roundMs: 0 };
  try {
    let app = await start(field);
    await prepare(field, app);
    field.roundMs = await measureRound(field, app);
    for (let kill = 1; kill <= kills; kill += 1) {
      await stir(field, app);
      await pause(ground.random() * 1.2 * field.roundMs);
      await app.kill();
      counts.kills += 1;
      await checkRecorded(field, `after kill ${kill}`);
      app = await start(field);
      if (kill % 10 === 0) console.log(`kills: ${JSON.stringify(counts)} ${seconds(startedAt)} s`);
    }
    await settle(field, app);
    await checkEnd(field);
  } finally {
    await sshd.stop();
    await rgw.stop();
    await rm(folder, { recursive: true, force: true });
  }
  console.log(`kills: ${JSON.stringify(counts)} in ${seconds(startedAt)} s`);
}

function start({ program, folder, rgw }: Field): Promise<ChildApp> {
  return startChildApp(program, {
    DATA_DIR: join(folder, 'data'),
    STORAGE_CA_FILE: rgw.caFile,
    LOG_LEVEL: 'debug',
    // Parts of 5 MiB.
    PART_MEMORY_MIB: '16',
  });
}

async function prepare(field: Field, app: ChildApp): Promise<void> {
  const { rgw, sshd, databases } = field;
  const { environment, server } = await createEnvironment(app, sshd);
  await app.ask('PUT', '/api/settings/spaces', {
    ...rgw.full,
    region: rgw.region,
    endpoint: new URL(rgw.endpoint).host,
  });
  await app.ask('PUT', `/api/settings/spaces/environments/${environment}`, { enabled: true });
  for (const { name, rows } of DATABASES) {
    const filePath = `/var/backups/${rows} ü+.sqlite`;
    await sshd.insideHost(
      `sqlite3 '${filePath}' "create table t (noise text); with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rows}) insert into t select hex(randomblob(2040)) from n;"; chmod 666 '${filePath}'`,
    );
    const body = { type: 'sqlite', filePath, serverId: server };
    const path = `/api/environments/${environment}/databases`;
    const inBucket = {
      ...body,
      name,
      backupStorageType: 'spaces',
      backupSpacesBucket: rgw.bucket,
      backupSpacesPrefix: `${ODD}/a+b c/`,
    };
    databases.set(name, await create(app, 'database', path, inBucket));
    const onHost = {
      ...body,
      name: `${name} on the host`,
      backupStorageType: 'local',
      backupLocalPath: `/var/backups/kept ${rows} ü+`,
    };
    databases.set(onHost.name, await create(app, 'database', path, onHost));
  }
}

async function measureRound(field: Field, app: ChildApp): Promise<number> {
  const ids = [...field.databases.values()];
  const startedAt = performance.now();
  for (const id of ids) await app.ask('POST', `/api/databases/${id}/backups`, {});
  field.verdict.check('an undisturbed round of backups ends', await untilClosed(app, ids));
  return performance.now() - startedAt;
}

/** Starts some backups, and sometimes deletes or cancels one, or lets all of them end first. */
async function stir(field: Field, app: ChildApp): Promise<void> {
  const { random, databases, counts } = field;
  const ids = [...databases.values()];
  if (random() < 0.25) await untilClosed(app, ids);
  for (const id of ids) {
    const backups = await backupsOf(app, id);
    const completed = backups.filter(({ status }) => status === 'completed');
    if (completed.length > MAX_KEPT || (completed.length > 0 && random() < 0.2)) {
      const doomed = pick(random, completed);
      await app.ask('DELETE', `/api/backups/${doomed?.['id']}`);
      counts.deleted += 1;
    }
    if (random() < 0.6) {
      await app.ask('POST', `/api/databases/${id}/backups`, {});
      counts.started += 1;
    }
    const running = backups.find(({ status }) => status === 'in_progress');
    if (running !== undefined && random() < 0.2) {
      await app.ask('POST', `/api/backups/${running['id']}/cancel`, {}).catch((error: unknown) => {
        if (!/conflict|has ended/i.test(String(error))) throw error;
      });
      counts.cancelled += 1;
    }
  }
}

async function untilClosed(app: ChildApp, ids: readonly string[]): Promise<boolean> {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  while (Date.now() < deadline) {
    const lists = await Promise.all(ids.map((id) => backupsOf(app, id)));
    if (!lists.flat().some(isOpen)) return true;
    await pause(200);
  }
  return false;
}

interface Recorded {
  readonly key: string;
  readonly status: string;
  readonly outcome: string | null;
  readonly deleted_at: string | null;
}

/** Opens the database of the app that is not running. */
function withDatabase<T>({ folder }: Field, use: (db: Database.Database) => T): T {
  const db = new Database(join(folder, 'data/bridgeport.sqlite'));
  try {
    return use(db);
  } finally {
    db.close();
  }
}

async function inBucket({ rgw }: Field): Promise<{ objects: readonly string[]; uploads: readonly string[] }> {
  const { s3, close } = openTestS3({ ...rgw, ...rgw.full });
  const place = { connection: s3.connection, bucket: rgw.bucket };
  try {
    const objects = await listAll(place, AbortSignal.timeout(60_000), '');
    const uploads = await listUploads(s3.connection, rgw.bucket, '', AbortSignal.timeout(60_000));
    return { objects: objects.map(({ key }) => key), uploads: uploads.map(({ key }) => key) };
  } finally {
    await close();
  }
}

/** Nothing lies in the bucket that the app has no record of. */
async function checkRecorded(field: Field, when: string): Promise<void> {
  const { verdict, rgw } = field;
  // The bucket first: what is begun later is recorded earlier.
  const { objects, uploads } = await inBucket(field);
  const { rows, leftovers } = withDatabase(field, (db) => ({
    rows: db
      .prepare(
        'select o.key, b.status, b.outcome, b.deleted_at from backup_objects o join backups b on b.id = o.backup_id where o.bucket = ?',
      )
      .all(rgw.bucket) as Recorded[],
    leftovers: db.prepare('select key from leftovers where bucket = ?').all(rgw.bucket) as { key: string }[],
  }));
  const listed = new Set(leftovers.map(({ key }) => key));
  const isOpenRow = ({ status, outcome }: Recorded) => status === 'in_progress' || outcome === 'uncertain';
  const open = new Set(rows.filter(isOpenRow).map(({ key }) => key));
  const stored = new Set(rows.filter(({ status }) => status === 'completed').map(({ key }) => key));
  const unlistedObjects = objects.filter((key) => !stored.has(key) && !open.has(key) && !listed.has(key));
  const unlistedUploads = uploads.filter((key) => !open.has(key) && !listed.has(key));
  verdict.check(`${when}: no object without a record`, unlistedObjects.length === 0, unlistedObjects);
  verdict.check(
    `${when}: no unfinished upload without a record`,
    unlistedUploads.length === 0,
    unlistedUploads,
  );
}

/** Lets every repair end. The quarter of an hour in which a lost request may still land is skipped. */
async function settle(field: Field, running: ChildApp): Promise<void> {
  let app = running;
  for (let round = 1; round <= 10; round += 1) {
    field.verdict.check('every run is settled', await untilClosed(app, [...field.databases.values()]));
    await pause(3_000);
    await app.stop();
    const { leftovers, doomed } = withDatabase(field, (db) => {
      const count = (sql: string) => Number(db.prepare(sql).pluck().get());
      db.prepare('update leftovers set next_try_at = ?, created_at = ?').run(
        new Date(0).toISOString(),
        new Date(0).toISOString(),
      );
      return {
        leftovers: count('select count(*) from leftovers'),
        doomed: count('select count(*) from backups where deleted_at is not null'),
      };
    });
    if (leftovers === 0 && doomed === 0) return;
    app = await start(field);
  }
  await app.kill();
  field.verdict.check('all that was left behind is removed', false);
}

/** What lies there of a completed backup. */
function withManifest({ storagePath }: Json): readonly string[] {
  return [String(storagePath), `${storagePath}.manifest.json`];
}

async function checkEnd(field: Field): Promise<void> {
  const { verdict, counts, databases, sshd } = field;
  const app = await start(field);
  const lists = await Promise.all([...databases.values()].map((id) => backupsOf(app, id)));
  const completed = lists.flat().filter(({ status }) => status === 'completed');
  counts.completed = completed.length;
  const { objects, uploads } = await inBucket(field);
  const expected = completed.filter(({ storageType }) => storageType === 'spaces').flatMap(withManifest);
  verdict.check('the bucket holds the completed backups', same(objects, expected), { objects, expected });
  verdict.check('the bucket holds no unfinished upload', uploads.length === 0, uploads);
  const files = (await sshd.insideHost("find /var/backups -path '*/kept *' -type f"))
    .split('\n')
    .filter(Boolean);
  const kept = completed.filter(({ storageType }) => storageType === 'local').flatMap(withManifest);
  verdict.check('the host holds the completed backups', same(files, kept), { files, kept });
  const dumping = (await sshd.processes()).filter((command) => /sqlite3|bp_status/.test(command));
  verdict.check('no dump runs on the host', dumping.length === 0, dumping);
  for (const backup of completed) await checkRestorable(field, app, backup);
  await app.stop();
}

async function checkRestorable(field: Field, app: ChildApp, backup: Json): Promise<void> {
  const { verdict, folder, rgw, sshd } = field;
  const path = String(backup['storagePath']);
  const dump = join(folder, 'dump');
  if (backup['storageType'] === 'spaces') {
    const { downloadUrl } = await app.ask('GET', `/api/backups/${backup['id']}/download`);
    await run('curl', ['-sSf', '--cacert', rgw.caFile, '-o', dump, String(downloadUrl)]);
  } else {
    await run('cp', [sshd.hostPath(path), dump]);
  }
  const sha256 = createHash('sha256')
    .update(await readFile(dump))
    .digest('hex');
  verdict.check(`${path} has its sum`, sha256 === backup['sha256'], { sha256, of: backup['sha256'] });
  const unpack = path.endsWith('.gz') ? 'zcat' : path.endsWith('.zst') ? 'zstd -dc' : 'cat';
  const restored = join(folder, 'restored.sqlite');
  await run('sh', ['-c', `rm -f "$2"; ${unpack} <"$1" | sqlite3 -bail "$2"`, 'restore', dump, restored]);
  const db = new Database(restored, { readonly: true });
  const rows = Number(db.prepare('select count(*) from t where length(noise) = 4080').pluck().get());
  db.close();
  verdict.check(
    `${path} restores`,
    DATABASES.some((database) => database.rows === rows),
    { rows },
  );
}

function same(found: readonly unknown[], expected: readonly unknown[]): boolean {
  return JSON.stringify([...found].sort()) === JSON.stringify([...expected].sort());
}

function seconds(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 1000);
}
