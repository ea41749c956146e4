import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BackupRunContext } from '../../src/backups/context.ts';
import { createBackupKind } from '../../src/backups/node/backup-kind.ts';
import { sweepDeleted } from '../../src/backups/remove-deleted.ts';
import type { BackupObjectRow, BackupRow, Db } from '../../src/db/schema.ts';
import { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import type { ObjectStore } from '../../src/object-stores/object-store.ts';
import { superseded } from '../../src/runs/claim.ts';
import { repairExpired } from '../../src/runs/repair-expired.ts';
import { askUncertainNow } from '../../src/runs/take.ts';
import { insertBackup, runOf } from '../support/backup-row.ts';
import { openTestDatabase, setServerClock } from '../support/database.ts';

const BEGIN = Date.parse('2026-03-04T05:06:07.890Z');
const MINUTE = 60_000;
const COMPLETE_MAY_TAKE_MS = 10 * MINUTE;
const BUCKET = { endpoint: 'https://s3.example.com', region: 'fra1', bucket: 'backups' };
const HOST = { endpoint: 'host:local', region: null, bucket: '' };
const KEY = '/kept/app.dump';
const SIZE = 3;

let db: Db;
let now: number;
/** What the storage holds, and what its key may not do there. */
let storage: {
  object: 'ours' | null;
  openUploads: string[];
  mayNot: ('head' | 'list-parts')[];
  calls: string[];
  onHead?: (signal: AbortSignal | undefined) => Promise<void>;
};
beforeEach(async () => {
  db = await openTestDatabase();
  now = BEGIN;
  storage = { object: null, openUploads: [], mayNot: [], calls: [] };
});
afterEach(() => db.destroy());

describe('an uncertain run', () => {
  it('ends where the key may not list parts, once no Complete can be on its way', async () => {
    const backup = await uncertain({ upload_id: 'up' });
    storage.openUploads = ['up'];
    storage.mayNot = ['list-parts'];
    await repairAfter(MINUTE, backup);
    expect(await outcome(backup)).toBe('uncertain');
    await repairAfter(COMPLETE_MAY_TAKE_MS, backup);
    expect(await outcome(backup)).toBe('interrupted');
    expect(storage.openUploads).toEqual([]);
  });

  it('ends where the key may not look for what is not there, when its upload is still open', async () => {
    const backup = await uncertain({ upload_id: 'up' });
    storage.openUploads = ['up'];
    storage.mayNot = ['head'];
    await repairAfter(MINUTE, backup);
    expect(await outcome(backup)).toBe('uncertain');
    expect(storage.openUploads).toEqual(['up']);
    await repairAfter(COMPLETE_MAY_TAKE_MS, backup);
    expect(await outcome(backup)).toBe('interrupted');
    expect(storage.openUploads).toEqual([]);
  });

  it.each([
    ['in one request', null],
    ['with an upload that is not open', 'up'],
  ])('stays so where a key may not look for what was sent %s', async (_, upload_id) => {
    const backup = await uncertain({ upload_id });
    storage.object = 'ours';
    storage.mayNot = ['head'];
    await repairAfter(COMPLETE_MAY_TAKE_MS, backup);
    expect(await outcome(backup)).toBe('uncertain');
    storage.mayNot = [];
    await repairAfter(48 * 60 * MINUTE, backup);
    expect(await outcome(backup)).toBe('completed');
  });

  it('is asked about ever more rarely, and at least every hour', async () => {
    const backup = await uncertain({ upload_id: null });
    storage.mayNot = ['head'];
    const pauses: number[] = [];
    for (const minutes of [0, 1, 10, 600]) {
      await repairAfter(minutes * MINUTE, backup);
      pauses.push(Date.parse(String((await runOf(db, backup)).lease_until)) - now);
    }
    expect(pauses).toEqual([MINUTE / 2, MINUTE, 10 * MINUTE, 60 * MINUTE]);
  });

  it('is asked about when no Complete can be on its way any more, not up to as long again later', async () => {
    const backup = await uncertain({ upload_id: 'up' });
    storage.openUploads = ['up'];
    const asked: number[] = [];
    for (const minutes of [0, 4, 6, 9.9]) {
      await repairAfter(minutes * MINUTE, backup);
      asked.push((Date.parse(String((await runOf(db, backup)).lease_until)) - BEGIN) / MINUTE);
    }
    expect(asked).toEqual([0.5, 8, 10, 10]);
    await repairAfter(10 * MINUTE, backup);
    expect(await outcome(backup)).toBe('interrupted');
    expect(storage.openUploads).toEqual([]);
  });

  it('is asked about at the next look after a start, whatever its pause', async () => {
    const backup = await uncertain({ upload_id: null });
    storage.mayNot = ['head'];
    await repairAfter(600 * MINUTE, backup);
    storage = { ...storage, object: 'ours', mayNot: [] };
    now += MINUTE;
    await repair();
    expect(await outcome(backup)).toBe('uncertain');
    await askUncertainNow(db, new Date(now));
    await repair();
    expect(await outcome(backup)).toBe('completed');
  });

  it('is left alone by a repair that is no longer its own', async () => {
    const backup = await uncertain({ upload_id: 'up' });
    storage.openUploads = ['up'];
    const taken = { claimed_by: 'another', lease_until: new Date(BEGIN + 60 * MINUTE).toISOString() };
    const repairing = new Map<string, AbortController>();
    let ended = false;
    storage.onHead = async (signal) => {
      await db.updateTable('runs').set(taken).execute();
      repairing.get(backup.id)?.abort(superseded());
      ended = signal?.aborted ?? false;
      signal?.throwIfAborted();
    };
    now = BEGIN + COMPLETE_MAY_TAKE_MS;
    await repair(repairing);
    expect(ended).toBe(true);
    expect(await row(backup)).toMatchObject({ outcome: 'uncertain' });
    expect(await runOf(db, backup)).toMatchObject(taken);
    expect(storage.calls).toEqual([]);
    expect(storage.openUploads).toEqual(['up']);
  });

  it('is removed for good once it was deleted and no Complete can be on its way', async () => {
    const backup = await uncertain({ upload_id: 'up' });
    await db
      .updateTable('backups')
      .set({ deleted_at: new Date(now).toISOString() })
      .execute();
    storage.object = 'ours';
    storage.openUploads = ['up'];
    storage.mayNot = ['head', 'list-parts'];
    await sweepDeletedAfter(COMPLETE_MAY_TAKE_MS - 1);
    expect(storage.object).toBe('ours');
    await repairAfter(COMPLETE_MAY_TAKE_MS, backup);
    expect(await outcome(backup)).toBe('uncertain');
    await sweepDeletedAfter(COMPLETE_MAY_TAKE_MS);
    expect(storage).toMatchObject({ object: null, openUploads: [] });
    expect(storage.calls.slice(-2)).toEqual(['abort up', 'remove']);
    expect(await db.selectFrom('backups').selectAll().execute()).toEqual([]);
  });

  it('is told of no failure when the app stops while it is removed', async () => {
    const backup = await uncertain({ upload_id: null });
    const deletedAt = new Date(now).toISOString();
    await db.updateTable('backups').set({ deleted_at: deletedAt }).execute();
    const stop = new AbortController();
    storage.onHead = async (signal) => {
      stop.abort(new AppError('shutdown', 'The app was stopped.'));
      signal?.throwIfAborted();
    };
    await sweepDeletedAfter(COMPLETE_MAY_TAKE_MS, stop.signal);
    const nothing = { removal_tries: null, removal_error: null, removal_next_try_at: null };
    expect(await row(backup)).toMatchObject({ deleted_at: deletedAt, ...nothing });
    delete storage.onHead;
    await sweepDeletedAfter(COMPLETE_MAY_TAKE_MS);
    expect(await db.selectFrom('backups').selectAll().execute()).toEqual([]);
  });

  it('keeps the time of its first end, but none from the future', async () => {
    const backup = await uncertain({ upload_id: null });
    storage.mayNot = ['head'];
    await repairAfter(5 * MINUTE, backup);
    expect((await row(backup)).completed_at).toBe(new Date(BEGIN).toISOString());
    await repairAfter(-60 * MINUTE, backup);
    expect((await row(backup)).completed_at).toBe(new Date(BEGIN - 60 * MINUTE).toISOString());
  });
});

it('takes a run over whose lease lies too far ahead, as after a clock that was set back', async () => {
  const backup = await insertBackup(db, new Date(now), {
    status: 'in_progress',
    outcome: null,
    lease_until: new Date(BEGIN + 5 * MINUTE).toISOString(),
  });
  await repair();
  expect(await outcome(backup)).toBe('interrupted');
});

it('records the unfinished name of a file whose host died before it was gone', async () => {
  const backup = await uncertain({ ...HOST, upload_id: '/kept/.app.dump.x.partial' });
  storage.object = 'ours';
  await repair();
  expect(await outcome(backup)).toBe('completed');
  const leftovers = await db.selectFrom('leftovers').selectAll().execute();
  expect(leftovers).toMatchObject([{ kind: 'file', key: '/kept/.app.dump.x.partial', ...HOST }]);
});

it.each([
  ['zstd-3', 0],
  ['none', SIZE],
])(
  'does not take what was noted on the way for all bytes of a dump, compressed by %s',
  async (compression, bytes) => {
    const backup = await uncertain({ upload_id: null });
    await db.updateTable('backups').set({ compression, bytes_read: 1 }).execute();
    storage.object = 'ours';
    await repair();
    expect(await outcome(backup)).toBe('completed');
    expect(Number((await row(backup)).bytes_read)).toBe(bytes);
  },
);

async function uncertain(object: Partial<BackupObjectRow>): Promise<BackupRow> {
  const at = new Date(now).toISOString();
  const backup = await insertBackup(db, new Date(now), {
    ...{ status: 'failed', outcome: 'uncertain', completed_at: at, lease_until: at },
  });
  await db
    .insertInto('backup_objects')
    .values({
      ...{ id: newId(), backup_id: backup.id, kind: 'dump', number: 0, ...BUCKET, key: KEY },
      ...{ version_id: null, upload_id: null, bytes: SIZE, sha256: 'a'.repeat(64) },
      ...object,
    })
    .execute();
  return backup;
}

function store(token: string): ObjectStore {
  const refuseIf = (what: 'head' | 'list-parts') => {
    if (storage.mayNot.includes(what)) throw new AppError('storage_denied', `${what} is not allowed`);
  };
  return {
    label: 'a bucket of the test',
    head: async (_key: string, { signal }: { signal?: AbortSignal } = {}) => {
      await storage.onHead?.(signal);
      refuseIf('head');
      return storage.object && { bytes: SIZE, token, etag: null, versionId: null };
    },
    get: async () => ({
      totalBytes: SIZE,
      bytes: 1,
      async *[Symbol.asyncIterator]() {
        yield new Uint8Array(1);
      },
    }),
    remove: async () => {
      storage.calls.push('remove');
      storage.object = null;
    },
    listUploads: async () => storage.openUploads,
    uploadExists: async (_key: string, id: string) => {
      refuseIf('list-parts');
      return storage.openUploads.includes(id);
    },
    abortUpload: async (_key: string, id: string) => {
      storage.calls.push(`abort ${id}`);
      storage.openUploads = storage.openUploads.filter((open) => open !== id);
    },
  } as Partial<ObjectStore> as ObjectStore;
}

async function services(): Promise<BackupRunContext> {
  const token = (await db.selectFrom('backups').select('token').executeTakeFirst())?.token ?? '';
  const clock = () => new Date(now);
  return {
    db,
    now: clock,
    log: createLog('error', () => {}, clock),
    openPlace: async () => ({ store: store(token), close: async () => {} }),
  } as Partial<BackupRunContext> as BackupRunContext;
}

async function repair(repairing = new Map<string, AbortController>()): Promise<void> {
  await setServerClock(db, new Date(now));
  const rules = { completeMayTakeMs: COMPLETE_MAY_TAKE_MS, askAgainMs: 30_000 };
  const kinds = { backup: createBackupKind(await services(), rules) };
  const taker = { db, kinds, claimedBy: 'me', leaseMs: 30_000, now: () => new Date(now) };
  await repairExpired(taker, { repairing, running: () => [], signal: AbortSignal.timeout(60_000) });
}

/** Without waiting for the pause of that run. */
async function repairAfter(ms: number, backup: BackupRow): Promise<void> {
  now = BEGIN + ms;
  const due = new Date(now).toISOString();
  await db.updateTable('runs').set({ lease_until: due }).where('id', '=', backup.id).execute();
  await repair();
}

async function sweepDeletedAfter(ms: number, signal = AbortSignal.timeout(60_000)): Promise<void> {
  now = BEGIN + ms;
  await sweepDeleted(await services(), { completeMayTakeMs: COMPLETE_MAY_TAKE_MS }, signal);
}

function row({ id }: BackupRow): Promise<BackupRow> {
  return db.selectFrom('backups').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
}

async function outcome(backup: BackupRow): Promise<string | null> {
  return (await row(backup)).outcome;
}
