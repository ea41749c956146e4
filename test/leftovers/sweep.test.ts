import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addLeftover } from '../../src/backups/settle.ts';
import type { Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { sweepLeftovers } from '../../src/leftovers/sweep.ts';
import { createLog } from '../../src/log.ts';
import type { ObjectStore } from '../../src/object-stores/object-store.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';

const PLACE = { endpoint: 'https://s3.example.com', region: 'fra1', bucket: 'backups' };
const KEY = 'production/app/app.dump';
const BEGIN = Date.parse('2026-03-04T05:06:07.890Z');
const MINUTE = 60_000;

let db: Db;
let now: number;
let listed: string[];
let aborted: string[];
let removed: string[];
let isThere: boolean;
beforeEach(async () => {
  db = await openTestDatabase();
  [now, listed, aborted, removed, isThere] = [BEGIN, [], [], [], false];
});
afterEach(() => db.destroy());

describe('an upload that may appear after a lost answer', () => {
  it('is looked for after a minute and after a quarter of an hour, and then given up', async () => {
    await addLost(null);
    await sweepAfter(30_000);
    expect(await tries()).toHaveLength(1);
    listed = ['early'];
    await sweepAfter(MINUTE);
    expect(aborted).toEqual(['early']);
    await sweepAfter(5 * MINUTE);
    listed = ['late'];
    await sweepAfter(15 * MINUTE);
    expect(aborted).toEqual(['early', 'late']);
    expect(await tries()).toEqual([]);
  });

  it('is told once, however often it is recorded', async () => {
    const backupId = await addBackup('in_progress', null);
    await addLost(backupId);
    await addLost(backupId);
    expect(await tries()).toHaveLength(1);
  });

  it.each([
    ['in_progress', null],
    ['failed', 'uncertain'],
  ] as const)('is not looked for while its backup is %s %s', async (status, outcome) => {
    await addLost(await addBackup(status, outcome));
    listed = ['own'];
    await sweepAfter(30 * MINUTE);
    expect(aborted).toEqual([]);
    expect(await tries()).toHaveLength(1);
  });

  it('is told from the upload that became the backup, which a list may still show', async () => {
    const backupId = await addBackup('completed', 'completed');
    const object = { id: newId(), backup_id: backupId, kind: 'dump', number: 0, ...PLACE, key: KEY } as const;
    await db
      .insertInto('backup_objects')
      .values({ ...object, upload_id: 'own' })
      .execute();
    await addLost(backupId);
    listed = ['own', 'stray'];
    await sweepAfter(30 * MINUTE);
    expect(aborted).toEqual(['stray']);
    expect(await tries()).toEqual([]);
  });

  it('is left alone where its backup is known no more and the object is there', async () => {
    await addLost(null);
    isThere = true;
    listed = ['own'];
    await sweepAfter(30 * MINUTE);
    expect(aborted).toEqual([]);
  });

  it('is given up in time also after the clock was set back', async () => {
    now = BEGIN + 30 * 24 * 60 * MINUTE;
    await addLost(null);
    for (let minutes = 2; minutes <= 20; minutes += 1) await sweepAfter(minutes * MINUTE);
    expect(await tries()).toEqual([]);
  });
});

describe('an object that may appear after a lost answer', () => {
  it('is looked for after a minute and after a quarter of an hour', async () => {
    const item = { kind: 'object', key: KEY, uploadId: null, versionId: null } as const;
    await write(db, (trx) => addLeftover(trx, null, PLACE, item, new Date(now)));
    await sweepAfter(MINUTE);
    expect(removed).toEqual([KEY]);
    await sweepAfter(5 * MINUTE);
    expect(removed).toEqual([KEY]);
    await sweepAfter(15 * MINUTE);
    expect(removed).toEqual([KEY, KEY]);
    expect(await tries()).toEqual([]);
  });
});

function addLost(backupId: string | null): Promise<void> {
  const item = { kind: 'upload', key: KEY, uploadId: null, versionId: null } as const;
  return write(db, (trx) => addLeftover(trx, backupId, PLACE, item, new Date(now)));
}

const tries = () => db.selectFrom('leftovers').select('tries').execute();

async function sweepAfter(ms: number): Promise<void> {
  now = BEGIN + ms;
  const store = {
    label: 'a bucket of the test',
    head: async () => (isThere ? { bytes: 1, token: null, etag: null, versionId: null } : null),
    remove: async (key: string) => void removed.push(key),
    listUploads: async () => listed.splice(0),
    abortUpload: async (_key: string, uploadId: string) => void aborted.push(uploadId),
  } as Partial<ObjectStore> as ObjectStore;
  const services = {
    db,
    vault: await createVault(new Uint8Array(32).fill(5)),
    now: () => new Date(now),
    log: createLog(
      'error',
      () => {},
      () => new Date(now),
    ),
    openPlace: async () => ({ store, close: async () => {} }),
    servers: { open: () => Promise.reject(new Error('no host is asked')) },
  };
  await sweepLeftovers(
    services as unknown as Parameters<typeof sweepLeftovers>[0],
    AbortSignal.timeout(60_000),
  );
}

async function addBackup(
  status: 'in_progress' | 'completed' | 'failed',
  outcome: 'completed' | 'uncertain' | null,
) {
  return (await insertBackup(db, new Date(now), { status, outcome, storage_path: KEY })).id;
}
