/**
 * The main job on embedded defaults, through the public API: a sample database is backed up into a bucket, downloaded
 * by presigned URL, restored by stock means and through the app, and compared row by row. Then the app keeps serving, beside 60 days of
 * backups of twelve other databases, so that every page has something to show.
 *
 *   npm run demo              and click around
 *   npm run demo -- --once    and stop with exit status 0, or 1 naming the step that failed
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { startDevBucket } from '../bucket/server.ts';
import { startApp } from './app-process.ts';
import { openApi } from './client.ts';
import { lastDays, seedPast } from './past.ts';
import { download, restore } from './restore.ts';
import { compareRows, makeSampleDatabase, SAMPLE_ROWS } from './sample-database.ts';
import { createSteps, formatBytes } from './steps.ts';

const folder = resolve('data/demo');
const runsOnce = process.argv.includes('--once');
const steps = createSteps();
/** Of the installation that is clicked around in. */
const PAST_DAYS = 60;
/** The bucket's clock: while the past is made, it has to stand on the same day. */
let now = () => new Date();

/** Everything that must end with the demo, last opened first. */
const ending: (() => Promise<void> | void)[] = [];

try {
  await demo();
  if (runsOnce) await end(0);
} catch (error) {
  process.stderr.write(
    `\nFailed at "${steps.current()}": ${error instanceof Error ? error.message : error}\n`,
  );
  if (error instanceof Error && error.cause instanceof Error)
    process.stderr.write(`${error.cause.message}\n`);
  await end(1);
}
process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));

async function demo(): Promise<void> {
  const samples = join(folder, 'databases');
  const source = join(samples, 'shop.sqlite');
  const sampleBytes = await steps.run('Make a sample database', async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(samples, { recursive: true });
    const bytes = makeSampleDatabase(source);
    return { value: bytes, note: `${SAMPLE_ROWS.toLocaleString('en')} orders, ${formatBytes(bytes)}` };
  });

  const key = { accessKey: 'demo-access-key', secretKey: crypto.randomUUID() };
  const bucket = await steps.run('Start the development bucket (TLS)', async () => {
    const started = await startDevBucket({
      folder: join(folder, 'bucket'),
      keys: [key],
      buckets: ['demo-backups'],
      region: 'us-east-1',
      now: () => now(),
    });
    ending.push(() => started.close());
    return { value: started, note: started.endpoint };
  });

  const login = { email: 'admin@demo.example', password: crypto.randomUUID() };
  if (!runsOnce) {
    await steps.run(`Live through ${PAST_DAYS} days of backups (minutes)`, async () => {
      const { databases, backups } = await seedPast({
        env: {
          DATA_DIR: join(folder, 'app'),
          LOCAL_PATHS: samples,
          ADMIN_EMAIL: login.email,
          ADMIN_PASSWORD: login.password,
          ...(bucket.caFile === null ? {} : { STORAGE_CA_FILE: bucket.caFile }),
        },
        samples,
        storage: { ...key, endpoint: new URL(bucket.endpoint).host },
        bucket: 'demo-backups',
        daysAgo: lastDays(PAST_DAYS),
        setNow: (clock) => {
          now = clock;
        },
      });
      return { value: undefined, note: `${databases} databases of three engines, ${backups} backups` };
    });
  }

  const app = await steps.run('Start the app', async () => {
    const started = await startApp({
      dataDir: join(folder, 'app'),
      caFile: bucket.caFile,
      localPaths: [samples],
      admin: login,
      log: join(folder, 'app.log'),
    });
    ending.push(() => started.stop());
    return { value: started, note: `${started.url}, ${started.startedInMs} ms to its first answer` };
  });

  const api = openApi(app.url);
  await steps.run('Sign in as the first admin', async () => {
    const { token } = await api.post('/api/auth/login', login);
    api.use(String(token));
    return { value: undefined, note: login.email };
  });

  const environment = await steps.run('Create an environment that allows downloads', async () => {
    // "production" is the one with a past.
    const name = runsOnce ? 'production' : 'demo';
    const created = await api.post('/api/environments', { name });
    const id = api.id(created, 'environment');
    await api.patch(`/api/environments/${id}/settings/data`, { allowBackupDownload: true });
    return { value: id, note: name };
  });

  const server = await steps.run('Register this machine as a server', async () => {
    const created = await api.post(`/api/environments/${environment}/servers`, {
      name: 'here',
      hostname: 'localhost',
    });
    return { value: api.id(created, 'server'), note: 'localhost' };
  });

  await steps.run('Configure, test and enable the storage', async () => {
    const endpoint = new URL(bucket.endpoint).host;
    await api.put('/api/settings/spaces', { ...key, region: 'us-east-1', endpoint, buckets: [] });
    const test = await api.post('/api/settings/spaces/test', {});
    await api.put(`/api/settings/spaces/environments/${environment}`, { enabled: true });
    return { value: undefined, note: String(test['message']) };
  });

  const database = await steps.run('Register the database', async () => {
    const created = await api.post(`/api/environments/${environment}/databases`, {
      name: 'shop',
      type: 'sqlite',
      serverId: server,
      filePath: source,
      backupStorageType: 'spaces',
      backupSpacesBucket: 'demo-backups',
      backupCompression: 'gzip',
    });
    const id = api.id(created, 'database');
    const test = await api.post(`/api/environments/${environment}/databases/${id}/test-connection`, {});
    if (test['success'] !== true) throw new Error(String(test['error']));
    return { value: id, note: `sqlite ${test['serverVersion'] ?? ''}` };
  });

  const backup = await steps.run('Back it up', async () => {
    const startedAt = performance.now();
    const { backupId } = await api.post(`/api/databases/${database}/backups`, {});
    const done = await api.untilEnded(String(backupId));
    const seconds = (performance.now() - startedAt) / 1000;
    const read = Number(done['bytesRead']);
    return {
      value: done,
      note: `${formatBytes(read)} read at ${(read / 1048576 / seconds).toFixed(1)} MiB/s, ${formatBytes(Number(done['size']))} stored and read back as ${done['storagePath']}`,
    };
  });

  const file = join(folder, 'download', String(backup['filename']));
  await steps.run('Download it by presigned URL', async () => {
    const { downloadUrl } = await api.get(`/api/backups/${backup['id']}/download`);
    const { bytes, seconds, sha256 } = await download(String(downloadUrl), file, bucket.caPem);
    if (bytes !== backup['size']) throw new Error(`${bytes} bytes came instead of ${backup['size']}`);
    if (sha256 !== backup['sha256']) throw new Error('the SHA-256 differs from the one recorded');
    return {
      value: undefined,
      note: `${formatBytes(bytes)} at ${(bytes / 1048576 / seconds).toFixed(1)} MiB/s, SHA-256 equal`,
    };
  });

  await steps.run('Restore it into a fresh file and compare', async () => {
    const target = join(folder, 'restored.sqlite');
    await restore(file, target);
    const rows = compareRows(source, target);
    return { value: undefined, note: `${rows.toLocaleString('en')} rows equal, one by one` };
  });

  await steps.run('Restore it through the app into another file and compare', async () => {
    const newName = join(samples, 'restored.sqlite');
    const { runId } = await api.post(`/api/backups/${backup['id']}/restore`, { newName });
    const tables = await api.untilRestored(String(runId));
    const rows = compareRows(source, newName);
    const counted = tables.map(({ name, rows, expected }) => `${name} ${rows} of ${expected ?? rows}`);
    return {
      value: undefined,
      note: `rows: ${counted.join(', ')}; ${rows.toLocaleString('en')} equal, one by one`,
    };
  });

  if (!runsOnce) {
    await steps.run('Let backups begin by themselves, each night', async () => {
      // Those with a past keep the targets that it was made for.
      const rules = [
        { name: 'nightly', cronExpression: '0 2 * * *', environmentId: environment },
        { name: 'PostgreSQL, on weekdays', cronExpression: '30 1 * * MON-FRI', engine: 'postgres' },
      ];
      for (const rule of rules) await api.post('/api/schedules/rules', rule);
      return { value: undefined, note: rules.map(({ name }) => name).join('; ') };
    });
    await steps.run('Ask for a drill', async () => {
      await api.post(`/api/backups/${backup['id']}/drill`, {});
      return { value: undefined, note: 'it begins when nothing else has for half a minute' };
    });
  }

  process.stdout.write(
    `\nA database of ${formatBytes(sampleBytes)} is in the bucket, verified and restorable.` +
      ` Peak memory of the app: ${formatBytes(app.peakMemoryBytes())}.\n`,
  );
  if (runsOnce) return;
  process.stdout.write(
    `\nOpen ${app.url} and log in as ${login.email} with the password ${login.password}\nStop with Ctrl+C.\n`,
  );
}

async function end(status: number): Promise<never> {
  for (const close of ending.splice(0).reverse()) {
    try {
      await close();
    } catch (error) {
      process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    }
  }
  process.exit(status);
}
