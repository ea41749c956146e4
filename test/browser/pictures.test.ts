import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '@hono/node-server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../dev/bucket/server.ts';
import { seedPast } from '../../dev/demo/past.ts';
import { takePictures } from '../../dev/demo/pictures.ts';
import { createApp } from '../../src/app.ts';
import { protectionOf } from '../../src/backups/protection-of.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createServices, type RunningServices } from '../../src/services.ts';

/** Days ago: the last backup of a database that nobody backs up any more, the last good one of one that fails, today. */
const DAYS_AGO = [4, 2, 0];
const LOGIN = { email: 'admin@demo.example', password: 'correct horse battery' };
const KEY = { accessKey: 'demo-access-key', secretKey: 'demo-secret-key-demo-secret-key' };

let folder: string;
let bucket: DevBucket;
let services: RunningServices;
let env: Readonly<Record<string, string>>;
let past: Awaited<ReturnType<typeof seedPast>>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  const samples = join(folder, 'databases');
  mkdirSync(samples);
  let now = () => new Date();
  bucket = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [KEY],
    buckets: ['demo-backups'],
    now: () => now(),
  });
  env = {
    DATA_DIR: join(folder, 'app'),
    LOCAL_PATHS: samples,
    STORAGE_CA_FILE: String(bucket.caFile),
    ADMIN_EMAIL: LOGIN.email,
    ADMIN_PASSWORD: LOGIN.password,
  };
  past = await seedPast({
    ...{ env, samples, bucket: 'demo-backups', daysAgo: DAYS_AGO },
    storage: { ...KEY, endpoint: new URL(bucket.endpoint).host },
    setNow: (clock) => {
      now = clock;
    },
  });
  const log = createLog(
    'error',
    () => {},
    () => new Date(),
  );
  services = await createServices(readConfig(env), { log, version: '0.0.0-test' });
});
afterAll(async () => {
  await services?.close();
  await bucket?.close();
  rmSync(folder, { recursive: true, force: true });
});

const isManifest = (key: string) => key.endsWith('.manifest.json');

it('The demo’s past has an object for each completed backup, and databases in every state', async () => {
  const rows = await services.db
    .selectFrom('backups')
    .leftJoin('backup_objects', 'backup_objects.backup_id', 'backups.id')
    .select(['backups.id', 'status', 'verification', 'kind', 'key', 'created_at'])
    .execute();
  const completed = rows.filter(({ status }) => status === 'completed');
  // A row for each object: some have their manifest by now, and one may have been stored as the worker stopped, before its row.
  expect([past.databases, past.backups]).toEqual([12, new Set(rows.map(({ id }) => id)).size]);
  const stored = bucket.objects('demo-backups').map(({ key }) => key);
  const dumps = completed.flatMap(({ kind, key }) => (kind === 'dump' && key !== null ? key : []));
  expect(stored.filter((key) => !isManifest(key)).sort()).toEqual(dumps.sort());
  expect(stored).toEqual(expect.arrayContaining(completed.map(({ key }) => key)));
  const manifests = dumps.map((key) => `${key}.manifest.json`);
  expect(manifests).toEqual(expect.arrayContaining(stored.filter(isManifest)));
  // One was read in full, and restored.
  expect(new Set(completed.map(({ verification }) => verification))).toEqual(new Set(['stored', 'drill']));
  // Each day's begin three hours before the time of day that it is now, which may be on either side of a midnight.
  const daysAgo = (at: string) => Math.round((Date.now() - 3 * 3_600_000 - Date.parse(at)) / 86_400_000);
  expect(new Set(completed.map(({ created_at }) => daysAgo(created_at)))).toEqual(new Set(DAYS_AGO));
  const databases = await services.db.selectFrom('databases').select(['id', 'name']).execute();
  const known = await protectionOf(
    services,
    databases.map(({ id }) => id),
  );
  const states = Object.fromEntries(databases.map(({ id, name }) => [name, known.get(id)?.state]));
  expect(states).toMatchObject({
    wiki: 'protected',
    library: 'late',
    feeds: 'failing',
    crm: 'never',
    forum: 'never',
  });
});

it('README’s pictures are taken from it', async () => {
  const app = createApp(services);
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const started = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, () => resolve(started));
  });
  try {
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const into = join(folder, 'pictures');
    const files = await takePictures({ url: `http://127.0.0.1:${port}`, login: LOGIN, folder: into });
    expect(files.map((file) => file.slice(into.length + 1)).sort()).toEqual(
      ['backup', 'database', 'overview'].flatMap((name) => [`${name}-dark.png`, `${name}-light.png`]),
    );
    const pictures = files.map((file) => readFileSync(file));
    // A page that failed would be the same in both.
    expect(new Set(pictures.map((bytes) => bytes.toString('base64'))).size).toBe(files.length);
    expect(Math.min(...pictures.map(({ length }) => length))).toBeGreaterThan(10_000);
  } finally {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  }
});
