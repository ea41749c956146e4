import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { newId } from '../../../src/ids.ts';
import { openTestApp, type TestApp } from '../../support/app.ts';
import { insertBackup } from '../../support/backup-row.ts';

const KEY = { accessKey: 'LEFTKEY', secretKey: 'left-behind-secret-for-tests' };
const OBJECT = 'ü + 😀 %20/a.sql';

let folder: string;
let bucket: DevBucket;
let site: TestApp;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'left-'));
  bucket = await startDevBucket({ folder, keys: [KEY], buckets: ['backups'] });
  site = await openTestApp({ ca: String(bucket.caPem) });
  const endpoint = new URL(bucket.endpoint).host;
  await site.call('PUT', '/api/settings/spaces', { body: { ...KEY, region: bucket.region, endpoint } });
});
afterEach(async () => {
  await site.close();
  await bucket.close();
  await rm(folder, { recursive: true, force: true });
});

async function storedBackup(): Promise<string> {
  const { db, now, openPlace } = site.services;
  const backup = await insertBackup(db, now(), { status: 'completed', outcome: 'completed' });
  const { endpoint, region } = await db
    .selectFrom('spaces_config')
    .select(['endpoint', 'region'])
    .executeTakeFirstOrThrow();
  const place = { endpoint, region, bucket: 'backups' };
  await db
    .insertInto('backup_objects')
    .values({
      ...{ id: newId(), backup_id: backup.id, kind: 'dump', number: 0, ...place, key: OBJECT },
      ...{ version_id: null, upload_id: null, bytes: 3, sha256: null },
    })
    .execute();
  const { store, close } = await openPlace(place);
  await store.put(
    OBJECT,
    (async function* () {
      yield new TextEncoder().encode('abc');
    })(),
    { signal: new AbortController().signal, token: 't', contentType: 'text/plain', fileName: 'a.sql' },
  );
  await close();
  return backup.id;
}

const rows = () => site.services.db.selectFrom('backups').select('id').execute();

test('deleting a backup has removed its object when it answers', async () => {
  const id = await storedBackup();
  expect(bucket.objects('backups')).toHaveLength(1);
  const { status, body } = await site.call('DELETE', `/api/backups/${id}`);
  expect([status, body]).toEqual([200, { success: true }]);
  expect(bucket.objects('backups')).toEqual([]);
  expect(await rows()).toEqual([]);
});

test('a deleted backup that the storage keeps is listed with its reason, since when and the next try', async () => {
  const id = await storedBackup();
  bucket.faults.add({
    match: { operation: 'DeleteObject' },
    times: Number.POSITIVE_INFINITY,
    fault: { kind: 'status', status: 403, code: 'AccessDenied' },
  });
  expect((await site.call('DELETE', `/api/backups/${id}`)).status).toBe(200);
  expect((await site.call('GET', `/api/backups/${id}`)).status).toBe(404);
  const { body } = await site.call('GET', '/api/settings/spaces/left-behind');
  expect(body.leftBehind).toEqual([
    {
      id,
      kind: 'deleted backup',
      place: expect.stringContaining(OBJECT),
      since: expect.any(String),
      reason: expect.stringContaining('AccessDenied'),
      tries: 1,
      nextTryAt: expect.any(String),
    },
  ]);
  expect(JSON.stringify(body)).not.toContain(KEY.secretKey);
});

test('what a lost answer may have made says so', async () => {
  const { db, now } = site.services;
  const at = now().toISOString();
  await db
    .insertInto('leftovers')
    .values({
      ...{
        id: 'lost',
        backup_id: null,
        kind: 'upload',
        endpoint: 'https://x',
        region: null,
        bucket: 'backups',
      },
      ...{ key: OBJECT, upload_id: null, version_id: null, tries: 0, last_error: null },
      ...{ created_at: at, next_try_at: at },
    })
    .execute();
  const { body } = await site.call('GET', '/api/settings/spaces/left-behind');
  expect(body.leftBehind).toMatchObject([
    { id: 'lost', reason: expect.stringContaining('looked for again') },
  ]);
  const none = await site.call('GET', '/api/settings/spaces/left-behind?limit=0');
  expect([none.status, none.body]).toEqual([200, { leftBehind: [] }]);
});

test('no link is given to what lies in an archive, until a copy of it can be read', async () => {
  const id = await storedBackup();
  const { db } = site.services;
  await db.updateTable('environments').set({ allow_backup_download: 1 }).execute();
  const { id: environment } = await db.selectFrom('environments').select('id').executeTakeFirstOrThrow();
  await site.call('PUT', `/api/settings/spaces/environments/${environment}`, { body: { enabled: true } });
  const inArchive = (headers: Readonly<Record<string, string>>) =>
    bucket.faults.add({
      match: { operation: 'HeadObject' },
      fault: { kind: 'headers', headers: { 'x-amz-storage-class': 'GLACIER', ...headers } },
    });
  inArchive({});
  const refused = await site.call('GET', `/api/backups/${id}/download`);
  expect(refused.status).toBeGreaterThanOrEqual(400);
  expect(refused.status).toBeLessThan(500);
  expect(JSON.stringify(refused.body)).toContain('lies in the archive GLACIER');
  inArchive({ 'x-amz-restore': 'ongoing-request="true"' });
  expect((await site.call('GET', `/api/backups/${id}/download`)).status).toBe(refused.status);
  inArchive({ 'x-amz-restore': 'ongoing-request="false", expiry-date="Fri, 21 Dec 2030 00:00:00 GMT"' });
  expect((await site.call('GET', `/api/backups/${id}/download`)).status).toBe(200);
});
