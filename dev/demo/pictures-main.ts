/**
 * The pictures that README shows, made anew from a filled installation:
 *
 *   npm run pictures                into docs/pictures
 *   npm run pictures -- FOLDER      into that folder
 *
 * For tests: `--days-ago 4,2,0` backs up on those days alone, `--app FILE` is the app that is started, `--keep FOLDER` where the
 * installation (`app`) and its bucket (`bucket`) are made and left.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startDevBucket } from '../bucket/server.ts';
import { startApp } from './app-process.ts';
import { lastDays, seedPast } from './past.ts';
import { takePictures } from './pictures.ts';

const DAYS = 60;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'days-ago': { type: 'string', default: lastDays(DAYS).join(',') },
    app: { type: 'string', default: 'dist/main.js' },
    keep: { type: 'string' },
  },
});
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'bridgeport-pictures-'));
// The pictures name it: short.
const samples = mkdtempSync(join(tmpdir(), 'demo-'));
const login = { email: 'admin@demo.example', password: crypto.randomUUID() };
const key = { accessKey: 'demo-access-key', secretKey: crypto.randomUUID() };
let now = () => new Date();
const bucket = await startDevBucket({
  folder: join(folder, 'bucket'),
  keys: [key],
  buckets: ['demo-backups'],
  now: () => now(),
});
try {
  await seedPast({
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
    daysAgo: values['days-ago'].split(',').map(Number),
    setNow: (clock) => {
      now = clock;
    },
  });
  const app = await startApp({
    dataDir: join(folder, 'app'),
    caFile: bucket.caFile,
    localPaths: [samples],
    admin: login,
    log: join(folder, 'app.log'),
    program: resolve(values.app),
  });
  try {
    const into = resolve(positionals[0] ?? 'docs/pictures');
    for (const file of await takePictures({ url: app.url, login, folder: into }))
      process.stdout.write(`${file}\n`);
  } finally {
    await app.stop();
  }
} finally {
  await bucket.close();
  rmSync(samples, { recursive: true, force: true });
  if (values.keep === undefined) rmSync(folder, { recursive: true, force: true });
}
