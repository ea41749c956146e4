import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { deleteBackup } from '../../src/backups/delete-backup.ts';
import { sweepDeleted } from '../../src/backups/remove-deleted.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { AppError } from '../../src/errors.ts';
import { insertLeftover } from '../../src/leftovers/insert-leftover.ts';
import { sweepLeftovers } from '../../src/leftovers/sweep.ts';
import { listVersions } from '../../src/object-stores/deep-test/list-page.ts';
import type { ObjectStore } from '../../src/object-stores/object-store.ts';
import { send } from '../../src/object-stores/s3/request.ts';
import { saveSettings } from '../../src/settings/settings.ts';
import type { Rgw } from '../support/rgw.ts';
import { type OpenedS3, openTestS3 } from '../support/s3.ts';
import { sharedRgw } from '../support/shared/rgw.ts';
import { openState } from '../support/states.ts';
import { openWorld, type World } from './world.ts';

const DAY_MS = 86_400_000;
const LOCKED = 'full-kept';
const HELD = 'full-held';
const XMLNS = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';
const never = new AbortController().signal;

let rgw: Rgw;
let full: OpenedS3;
beforeAll(async () => {
  rgw = await sharedRgw();
  full = openTestS3({ ...rgw, ...rgw.full });
  const headers = { 'x-amz-bucket-object-lock-enabled': 'true' };
  for (const bucket of [LOCKED, HELD]) await put({ bucket, headers });
  const rule = '<DefaultRetention><Mode>COMPLIANCE</Mode><Days>2</Days></DefaultRetention>';
  const lock = `<ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule>${rule}</Rule>`;
  const configuration = `<ObjectLockConfiguration ${XMLNS}>${lock}</ObjectLockConfiguration>`;
  await put({ bucket: LOCKED, query: { 'object-lock': '' }, body: configuration });
});
/** What the product itself never asks for. */
async function put({ body = '', ...request }: PutRequest): Promise<void> {
  const bytes = new TextEncoder().encode(body);
  const headers = { 'content-md5': createHash('md5').update(bytes).digest('base64'), ...request.headers };
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const of = { operation: 'Test', method: 'PUT', body: bytes, sha256, signal: never } as const;
  await send(full.s3.connection, { ...of, ...request, headers });
}

interface PutRequest {
  readonly bucket: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

afterAll(async () => {
  await full?.close();
  await rgw?.stop();
});

describe('a backup in a bucket of the Ceph gateway that nobody may remove', () => {
  let db: Db;
  let world: World;
  let asked: { head: number; remove: number };
  let isAway: boolean;
  beforeEach(async () => {
    db = await openState('SQLite');
    world = await openWorld(db, new Date());
    asked = { head: 0, remove: 0 };
    isAway = false;
    const keepOne = { backupRetentionKeepLast: 1, backupRetentionMinFloor: 1, backupRetentionDaily: 0 };
    const policy = { backupRetentionPreset: 'custom', ...keepOne, backupRetentionWeekly: 0 } as const;
    await write(db, (trx) => saveSettings(trx, { ...policy, backupRetentionMonthly: 0 }, world.now));
    return () => db.destroy();
  });

  it('is retained when it is pruned: no failure, asked about once, and a person is told until when', async () => {
    const ids = [await stored(LOCKED, 3), await stored(LOCKED, 2), await stored(LOCKED, 1)];
    await world.work(services(LOCKED));
    expect(await world.seen()).toHaveLength(3);
    for (const id of ids.slice(0, 2)) {
      const row = await one(id);
      const days = (Date.parse(row?.retained_until ?? '') - Date.now()) / DAY_MS;
      expect([days > 1.9, days < 2.1]).toEqual([true, true]);
      expect(row).toMatchObject({
        retained_why: 'object lock of its bucket (compliance)',
        ...{ last_rotation_error: null, removal_tries: null, removal_next_try_at: null, deleted_at: null },
      });
    }
    expect(asked).toEqual({ head: 2, remove: 0 });
    await world.sweep();
    await world.work(services(LOCKED));
    expect(asked).toEqual({ head: 2, remove: 0 });
    // The newest is within the floor, so that nobody had asked about it.
    for (const id of [ids[2], ids[0]]) {
      await expect(deleteBackup(services(LOCKED), id ?? '')).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringMatching(/^This backup is retained until 20.* UTC: object lock of its bucket/),
      });
    }
    expect(asked).toEqual({ head: 3, remove: 0 });
    expect(await world.seen()).toHaveLength(3);
    const versions = await versionsIn(LOCKED);
    expect(versions.map(({ isDeleteMarker }) => isDeleteMarker)).toEqual([false, false, false]);
    expect(world.log.filter((line) => !line.includes('"level":"info"'))).toEqual([]);
  });

  it('goes when it is held no more, by its own version, and what others stored beside it stays', async () => {
    const id = await stored(HELD, 1);
    const { key, version_id: version } = await objectOf(id);
    const hold = (status: 'ON' | 'OFF') => {
      const body = `<LegalHold ${XMLNS}><Status>${status}</Status></LegalHold>`;
      return put({ bucket: HELD, key, query: { 'legal-hold': '', versionId: version ?? '' }, body });
    };
    await put({ bucket: HELD, key, body: 'of somebody else' });
    await hold('ON');
    await expect(deleteBackup(services(HELD), id)).rejects.toThrow('a legal hold lies on it');
    await hold('OFF');
    world.now = new Date(world.now.getTime() + DAY_MS + 1);
    await deleteBackup(services(HELD), id);
    expect(await one(id)).toBeUndefined();
    const left = await versionsIn(HELD);
    expect(left.map(({ isDeleteMarker }) => isDeleteMarker)).toEqual([false]);
    expect(left[0]?.versionId).not.toBe(version);
  });

  it('waits where it was deleted while nobody could ask: it is refused once, and not again and again', async () => {
    const id = await stored(LOCKED, 1);
    isAway = true;
    await deleteBackup(services(LOCKED), id);
    isAway = false;
    asked = { head: 0, remove: 0 };
    const { key, version_id } = await objectOf(id);
    const place = { endpoint: rgw.endpoint, region: rgw.region, bucket: LOCKED };
    const left = { ...place, backup_id: null, kind: 'object', key: 'nobody’s ü', upload_id: null } as const;
    await write(db, (trx) => insertLeftover(trx, { ...left, key, version_id }, world.now, 0));
    for (let hour = 0; hour < 3; hour += 1) {
      world.now = new Date(world.now.getTime() + 3_600_001);
      await sweep();
    }
    expect(asked).toEqual({ head: 1, remove: 1 });
    expect(await one(id)).toMatchObject({
      removal_tries: 2,
      removal_error: expect.stringMatching(/^Retained until 20.* UTC: object lock .* removed after that\.$/),
    });
    await db.deleteFrom('backups').execute();
    await sweepLeftovers(services(LOCKED), never);
    const kept = await db.selectFrom('leftovers').selectAll().executeTakeFirstOrThrow();
    expect(kept.last_error).toMatch(/^Retained until 20.* UTC: object lock/);
  });

  /** A good scheduled backup of so many days ago that lies in that bucket. */
  async function stored(bucket: string, daysAgo: number): Promise<string> {
    const created_at = new Date(world.now.getTime() - daysAgo * DAY_MS).toISOString();
    const id = await world.succeed({ created_at, size: 4 });
    const { key } = await objectOf(id);
    const { token } = (await one(id)) ?? { token: '' };
    const body = (async function* () {
      yield new TextEncoder().encode('dump');
    })();
    const named = { token, contentType: 'application/octet-stream', fileName: 'ü "x".dump' };
    const { versionId } = await full.s3.bucket(bucket).put(key, body, { ...named, signal: never });
    const place = { endpoint: rgw.endpoint, region: rgw.region, bucket };
    await db
      .updateTable('backup_objects')
      .set({ ...place, version_id: versionId })
      .where('backup_id', '=', id)
      .execute();
    return id;
  }

  /** Of the world, with the real storage, whose requests are counted. */
  function services(bucket: string) {
    const real = full.s3.bucket(bucket);
    const request = (kind: 'head' | 'remove') => {
      asked[kind] += 1;
      if (isAway) throw new AppError('storage_unreachable', 'The storage did not answer: try again later.');
    };
    const store: ObjectStore = {
      ...real,
      async head(...given) {
        request('head');
        return real.head(...given);
      },
      async remove(...given) {
        request('remove');
        return real.remove(...given);
      },
    };
    return {
      ...world.services(),
      now: () => world.now,
      openPlace: async () => ({ store, close: async () => {} }),
    };
  }

  const sweep = () => sweepDeleted(services(LOCKED), { completeMayTakeMs: 1000 }, never);
  const one = (id = '') => db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirst();
  const objectOf = (id: string) =>
    db.selectFrom('backup_objects').selectAll().where('backup_id', '=', id).executeTakeFirstOrThrow();
  const versionsIn = (bucket: string) =>
    listVersions({ connection: full.s3.connection, bucket }, AbortSignal.timeout(60_000), '');
});
