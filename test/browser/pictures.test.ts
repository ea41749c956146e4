import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import * as z from 'zod';
import { startDevBucket } from '../../dev/bucket/server.ts';
import { SIZE } from '../../dev/demo/pictures.ts';
import { protectionOf } from '../../src/backups/protection-of.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createServices, type RunningServices } from '../../src/services.ts';
import { mainProgram } from '../support/main-process.ts';

/** Days ago: the last backup of a database that nobody backs up any more, the last good one of one that fails, today. */
const DAYS_AGO = [4, 2, 0];

let folder: string;
let into: string;
/** What the command printed. */
let printed: string;
let stored: readonly string[];
let services: RunningServices;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pictures-'));
  into = join(folder, 'pictures ü');
  const options = ['--days-ago', DAYS_AGO.join(','), '--app', await mainProgram(), '--keep', folder];
  ({ stdout: printed } = await promisify(execFile)(process.execPath, [
    commandOfPictures(),
    ...options,
    into,
  ]));
  const bucket = await startDevBucket({
    folder: join(folder, 'bucket'),
    keys: [],
    buckets: ['demo-backups'],
  });
  stored = bucket.objects('demo-backups').map(({ key }) => key);
  await bucket.close();
  const env = { DATA_DIR: join(folder, 'app'), STORAGE_CA_FILE: String(bucket.caFile) };
  const log = createLog(
    'error',
    () => {},
    () => new Date(),
  );
  services = await createServices(readConfig(env), { log, version: '0.0.0-test' });
});
afterAll(async () => {
  await services?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What `npm run pictures` runs, but for its build, which the tests have done. */
function commandOfPictures(): string {
  const { scripts } = z
    .object({ scripts: z.object({ pictures: z.string() }) })
    .parse(JSON.parse(readFileSync('package.json', 'utf8')));
  const [, file = ''] = /^exec node scripts\/with-node\.mjs --build (\S+)$/.exec(scripts.pictures) ?? [];
  return file;
}

const isManifest = (key: string) => key.endsWith('.manifest.json');

it('The demo’s past has an object for each completed backup, and databases in every state', async () => {
  const rows = await services.db
    .selectFrom('backups')
    .leftJoin('backup_objects', 'backup_objects.backup_id', 'backups.id')
    .select(['backups.id', 'status', 'verification', 'kind', 'key', 'created_at'])
    .execute();
  const completed = rows.filter(({ status }) => status === 'completed');
  // A row for each object: some have their manifest by now, and one may have been stored as the worker stopped, before its row.
  const dumps = completed.flatMap(({ kind, key }) => (kind === 'dump' && key !== null ? key : []));
  expect(stored.filter((key) => !isManifest(key)).sort()).toEqual(dumps.sort());
  expect(stored).toEqual(expect.arrayContaining(completed.map(({ key }) => key)));
  const manifests = dumps.map((key) => `${key}.manifest.json`);
  expect(manifests).toEqual(expect.arrayContaining(stored.filter(isManifest)));
  // One was read in full, and restored; the app that was shown may have read another since.
  const levels = completed.map(({ verification }) => verification);
  expect(levels).toEqual(expect.arrayContaining(['stored', 'drill']));
  expect(levels).not.toContain('failed');
  // Each day's begin three hours before the time of day that it is now, which may be on either side of a midnight.
  const daysAgo = (at: string) => Math.round((Date.now() - 3 * 3_600_000 - Date.parse(at)) / 86_400_000);
  expect(new Set(completed.map(({ created_at }) => daysAgo(created_at)))).toEqual(new Set(DAYS_AGO));
  const databases = await services.db.selectFrom('databases').select(['id', 'name']).execute();
  expect(databases).toHaveLength(12);
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

it('README’s pictures are taken from it by their command, each a picture of its own', () => {
  const files = printed.trim().split('\n');
  const shown = readFileSync('README.md', 'utf8').matchAll(/"docs\/pictures\/([^"]+)"/g);
  const names = files.map((file) => file.slice(into.length + 1));
  expect(names.toSorted()).toEqual([...shown].map(([, name]) => name).toSorted());
  expect(names).toHaveLength(6);
  const pictures = files.map((file) => readFileSync(file));
  // A page that failed would be the same in both.
  expect(new Set(pictures.map((bytes) => bytes.toString('base64'))).size).toBe(files.length);
  expect(Math.min(...pictures.map(({ length }) => length))).toBeGreaterThan(10_000);
  expect(pictures.map((bytes) => [bytes.readUInt32BE(16), bytes.readUInt32BE(20)])).toEqual(
    files.map(() => [SIZE.width, SIZE.height]),
  );
});
