import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DevBucket, startDevBucket } from '../../../dev/bucket/server.ts';
import { type EndedBackup, type Installation, startInstallation } from '../../support/installation.ts';
import { until } from '../../support/until.ts';

const KEY = { accessKey: 'ORPHANKEY00000000001', secretKey: 'orphan-secret-orphan-secret-01' };
const PREFIX = 'größe "1"/ü +/';

let folder: string;
let store: DevBucket;
let app: Installation;
let databaseId: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'orphans-'));
  store = await startDevBucket({ folder: join(folder, 'bucket'), keys: [KEY], buckets: ['backups'] });
  app = await startInstallation({ env: { STORAGE_CA_FILE: store.caFile ?? '', LOCAL_PATHS: tmpdir() } });
  const source = new Database(join(folder, 'source.db'));
  source.exec("create table t (x); insert into t values ('one')");
  source.close();
  const environmentId = await app.create('environment', '/api/environments', { name: 'production' });
  await app.ask('PUT', '/api/settings/spaces', {
    ...{ region: store.region, endpoint: store.endpoint.replace('https://', ''), ...KEY },
  });
  await app.ask('PUT', `/api/settings/spaces/environments/${environmentId}`, { enabled: true });
  databaseId = await app.create('database', `/api/environments/${environmentId}/databases`, {
    name: `"appdb" ü 🐘`,
    type: 'sqlite',
    filePath: join(folder, 'source.db'),
    backupStorageType: 'spaces',
    backupSpacesBucket: 'backups',
    backupSpacesPrefix: PREFIX,
  });
});
afterAll(async () => {
  await app?.close();
  await store?.close();
  rmSync(folder, { recursive: true });
});

const keyOf = async ({ id }: EndedBackup) => {
  const row = app.services.db.selectFrom('backup_objects').select('key').where('backup_id', '=', id);
  return (await row.executeTakeFirstOrThrow()).key;
};
const bucket = async <T>(
  action: (of: ReturnType<ReturnType<typeof app.services.openS3>['bucket']>) => Promise<T>,
) => {
  const s3 = app.services.openS3({ endpoint: store.endpoint, region: store.region, ...KEY });
  try {
    return await action(s3.bucket('backups'));
  } finally {
    await s3.close();
  }
};
const isThere = (key: string) => bucket(async (of) => (await of.head(key)) !== null);

describe('what lies in the storage', () => {
  it('is pruned by the policy, objects and rows, after the next backup too', async () => {
    const backups: EndedBackup[] = [];
    for (let count = 0; count < 3; count += 1) backups.push(await app.backUp(databaseId));
    const keys = await Promise.all(backups.map(keyOf));
    // As a schedule makes them.
    await app.services.db.updateTable('backups').set({ type: 'scheduled' }).execute();
    const policy = { preset: 'custom', keepLast: 1, daily: 0, weekly: 0, monthly: 0, yearly: 0, minFloor: 1 };
    const { rotation } = await app.ask('PUT', `/api/databases/${databaseId}/backup-policy`, policy);
    expect(rotation).toMatchObject({ prune: [backups[1]?.id, backups[0]?.id] });
    expect(await Promise.all(keys.map(isThere))).toEqual([false, false, true]);
    await app.backUp(databaseId);
    await app.services.db.updateTable('backups').set({ type: 'scheduled' }).execute();
    await app.backUp(databaseId);
    await until('the oldest one to be pruned', 60_000, async () => !(await isThere(keys[2] ?? '')));
  });

  it('and that nobody knows is told, and removed on request alone, as is what is known and gone', async () => {
    const [lost, orphan] = [await app.backUp(databaseId), await app.backUp(databaseId)];
    const [lostKey, orphanKey] = [await keyOf(lost), await keyOf(orphan)];
    await bucket((of) => of.remove(lostKey));
    await app.services.db.deleteFrom('backups').where('id', '=', orphan.id).execute();
    const foreign = `${PREFIX}notes <b>.txt`;
    await bucket((of) =>
      of.put(foreign, bytes(), {
        ...{ signal: AbortSignal.timeout(60_000), token: 'x', contentType: 'text/plain', fileName: 'notes' },
      }),
    );
    const report = await app.ask('GET', '/api/settings/spaces/orphans');
    const found = report['orphans'] as readonly { bucket: string; key: string }[];
    expect(found.map(({ key }) => key).sort()).toEqual([orphanKey, foreign].sort());
    expect(report['missing']).toEqual([{ backupId: lost.id, databaseId, bucket: 'backups', key: lostKey }]);
    expect(await isThere(orphanKey)).toBe(true);

    const remove = (key: string) =>
      app.call('POST', '/api/settings/spaces/orphans/remove', { bucket: 'backups', key });
    expect((await remove(lostKey)).status).toBe(404);
    expect((await remove('elsewhere.txt')).status).toBe(409);
    const kept = await keyOf(await app.backUp(databaseId));
    expect((await remove(kept)).status).toBe(409);
    expect(await remove(orphanKey)).toMatchObject({ status: 200, body: { success: true } });
    expect((await remove(orphanKey)).status).toBe(409);
    const audited = app.services.db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'remove_orphan');
    expect((await audited.execute()).map(({ details }) => JSON.parse(details ?? ''))).toEqual([
      { bucket: 'backups', key: orphanKey },
    ]);
    const left = await app.services.db.selectFrom('leftovers').select(['key', 'backup_id']).execute();
    expect(left).toEqual([{ key: orphanKey, backup_id: null }]);
    expect(await isThere(kept)).toBe(true);
  });
});

describe('what was stored while the storage had another address', () => {
  it('is no orphan, whichever address it has now', async () => {
    const before = await app.backUp(databaseId);
    const key = await keyOf(before);
    const [from, to] = store.endpoint.includes('//localhost')
      ? ['localhost', '127.0.0.1']
      : ['127.0.0.1', 'localhost'];
    const endpoint = store.endpoint.replace('https://', '').replace(from, to);
    await app.ask('PUT', '/api/settings/spaces', { region: store.region, endpoint, ...KEY });
    const after = await app.backUp(databaseId);
    expect(after.error).toBeNull();
    const { orphans } = await app.ask('GET', '/api/settings/spaces/orphans');
    expect((orphans as readonly { key: string }[]).map((orphan) => orphan.key)).not.toContain(key);
    const removal = await app.call('POST', '/api/settings/spaces/orphans/remove', { bucket: 'backups', key });
    expect(removal.status).toBe(409);
    expect(
      await app.services.db.selectFrom('leftovers').select('id').where('key', '=', key).execute(),
    ).toEqual([]);
  });
});

async function* bytes() {
  yield new TextEncoder().encode('notes');
}
