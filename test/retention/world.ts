import { recordNewest } from '../../src/backups/newest-backups.ts';
import { sweepDeleted } from '../../src/backups/remove-deleted.ts';
import { settleCompleted, settleFailed } from '../../src/backups/settle.ts';
import type { BackupRow, Db } from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import type { DumpContents } from '../../src/engines/contents.ts';
import { AppError } from '../../src/errors.ts';
import { newId } from '../../src/ids.ts';
import { createLog } from '../../src/log.ts';
import type { ObjectLock, ObjectStore } from '../../src/object-stores/object-store.ts';
import { createPruneKind } from '../../src/retention/prune-kind.ts';
import { sweepRetention } from '../../src/retention/sweep.ts';
import type { RunContext } from '../../src/runs/kind.ts';
import { takeExpired, takeNext } from '../../src/runs/take.ts';
import { addRun } from '../support/backup-row.ts';

export const PLACE = { endpoint: 'https://s3.example.com', region: 'fra1', bucket: 'größe "1" 🐘' };
export const DATABASE = 'd"atabase ü';

/** What a storage does with requests: as they should be, or one of these. */
export type Mood =
  | 'well'
  /** Refuses to remove, with 403. */
  | 'refuses'
  /** Does not answer anything, and does nothing. */
  | 'away'
  /** Removes, and its answer is lost. */
  | 'loses answers'
  /** Does not answer, and removes all the same, some requests later. */
  | 'lags';

/** A database with its backups, their storage and a clock, without a process: runs are worked off when a test says so. */
export interface World {
  readonly db: Db;
  readonly objects: Map<string, { bytes: number; token: string; lock?: ObjectLock }>;
  readonly log: string[];
  now: Date;
  mood: Mood;
  /** The process stops dead at the so many-th request to the storage from now; null: it does not. */
  diesAtRequest: number | null;
  /** A backup that runs now and ends well. */
  succeed(
    more?: Partial<Pick<BackupRow, 'type' | 'created_at' | 'is_pinned'>> & {
      size?: number;
      isBad?: boolean;
      /** Names of the tables that it holds. */
      tables?: readonly string[];
    },
  ): Promise<string>;
  /** Its verification has failed. */
  spoil(id: string): Promise<void>;
  fail(more?: Partial<Pick<BackupRow, 'created_at'>>): Promise<string>;
  /** Works off the prunes that wait, until none does or the process dies. Gives whether it lives. */
  work(services?: Parameters<typeof createPruneKind>[0]): Promise<boolean>;
  /** As a new start does after a death: takes over what the dead one had claimed. */
  restart(): Promise<void>;
  /** What a storage that lagged does at last. */
  settleLate(): void;
  sweep(): Promise<void>;
  /** The completed backups that people can see, newest first. */
  seen(): Promise<readonly BackupRow[]>;
  services(): Parameters<typeof sweepDeleted>[0] &
    Parameters<typeof createPruneKind>[0] &
    Parameters<typeof sweepRetention>[0];
}

function contentsOf(tables: readonly string[]): DumpContents {
  const listed = tables.map((name) => ({ schema: 'größe', name, rows: 1, definition: null }));
  return { tables: listed, largeObjects: 0, extensions: [], roles: [] };
}

export async function openWorld(db: Db, at: Date): Promise<World> {
  const dead = new Set<() => void>();
  const log: string[] = [];
  const iso = () => world.now.toISOString();
  const request = async (): Promise<void> => {
    if (world.diesAtRequest !== null) {
      world.diesAtRequest -= 1;
      if (world.diesAtRequest <= 0) {
        for (const die of dead) die();
        // Nothing of a dead process goes on.
        await new Promise(() => {});
      }
    }
    if (world.mood === 'away')
      throw new AppError('storage_unreachable', 'The storage did not answer: try again later.');
  };
  const store = {
    label: 'a storage of the test',
    async head(key: string) {
      await request();
      const found = world.objects.get(key);
      return found === undefined ? null : { etag: null, versionId: null, ...found };
    },
    async remove(key: string) {
      await request();
      const found = world.objects.get(key);
      if (world.mood === 'lags') {
        late.push(key);
        throw new AppError('storage_unreachable', 'The storage did not answer in time.');
      }
      if (world.mood === 'refuses' || found?.lock !== undefined)
        throw new AppError('storage_denied', 'The storage refused: check the permissions of the key.', {
          details: { status: 403 },
        });
      world.objects.delete(key);
      if (world.mood === 'loses answers')
        throw new AppError('storage_unreachable', 'The answer of the storage was lost.');
    },
  } as Partial<ObjectStore> as ObjectStore;
  const services = {
    db,
    now: () => world.now,
    log: createLog(
      'debug',
      (line) => log.push(line),
      () => world.now,
    ),
    runs: { wake: () => {}, cancel: () => false, progress: () => null },
    openPlace: async () => ({ store, close: async () => {} }),
  };
  const late: string[] = [];
  let kind = createPruneKind(services);
  const taker = (claimedBy: string) => ({
    ...{ db, claimedBy, leaseMs: 30_000, now: () => world.now },
    kinds: { prune: kind },
  });
  let process = 0;
  let isDead = false;
  /** Whether the process is alive after that, which is dropped in the middle where it dies. */
  const livesThrough = async (work: Promise<void>): Promise<boolean> => {
    const died = new Promise<'dead'>((resolve) => dead.add(() => resolve('dead')));
    isDead = (await Promise.race([work, died])) === 'dead';
    dead.clear();
    return !isDead;
  };
  const begin = async (type: 'manual' | 'scheduled', createdAt: string) => {
    const [id, key] = [newId(), `Ordner "x"/ü ${newId()} 🐘.dump`];
    const row = await db
      .insertInto('backups')
      .values({
        ...{ id, database_id: DATABASE, filename: key, size: 0, type, status: 'in_progress' },
        ...{ storage_type: 'spaces', storage_path: key, bytes_read: 0, bytes_stored: 0 },
        ...{ created_at: createdAt, is_pinned: 0, token: newId() },
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    await addRun(db, row, { claimed_by: 'w' });
    return { id, key, row, claim: { runId: id, claimedBy: 'w' } };
  };
  const world: World = {
    db,
    objects: new Map(),
    log,
    now: at,
    mood: 'well',
    diesAtRequest: null,
    async succeed({
      size = 100,
      type = 'scheduled',
      created_at = iso(),
      is_pinned,
      isBad = false,
      tables,
    } = {}) {
      const contents = tables === undefined ? null : contentsOf(tables);
      const { id, key, row, claim } = await begin(type, created_at);
      await db
        .insertInto('backup_objects')
        .values({ id: newId(), backup_id: id, kind: 'dump', number: 0, ...PLACE, key, bytes: size })
        .execute();
      world.objects.set(key, { bytes: size, token: row.token });
      await settleCompleted(db, claim, { bytes: size, sha256: 'ab', versionId: null, contents }, world.now);
      if (is_pinned !== undefined)
        await db.updateTable('backups').set({ is_pinned }).where('id', '=', id).execute();
      if (isBad) await world.spoil(id);
      return id;
    },
    spoil: (id) =>
      write(db, async (trx) => {
        await trx.updateTable('backups').set({ verification: 'failed' }).where('id', '=', id).execute();
        await recordNewest(trx, DATABASE, world.now);
      }),
    async fail({ created_at = iso() } = {}) {
      const { id, claim } = await begin('scheduled', created_at);
      const error = { code: 'dump_failed', message: 'it broke', step: 'dump' } as const;
      await settleFailed(db, claim, { error, outcome: 'failed' }, world.now);
      return id;
    },
    async work(other) {
      if (isDead) return false;
      process += 1;
      const { claimedBy } = taker(`process ${process}`);
      const chosen = other === undefined ? kind : createPruneKind(other);
      for (;;) {
        const run = await takeNext(taker(claimedBy), { total: 9, perServer: 9 });
        if (run === undefined) return true;
        const context: RunContext = {
          claim: { runId: run.id, claimedBy },
          signal: new AbortController().signal,
          follow: () => {},
          hold: async () => {},
          keepNote: async () => {},
        };
        if (!(await livesThrough(chosen.run(run, context)))) return false;
      }
    },
    async restart() {
      world.diesAtRequest = null;
      isDead = false;
      // What a dead process held of its own memory is gone with it.
      kind = createPruneKind(services);
      await db.updateTable('runs').set({ lease_until: null }).where('state', '=', 'running').execute();
      process += 1;
      const next = taker(`process ${process}`);
      for (;;) {
        const run = await takeExpired(next, []);
        if (run === undefined) return;
        const claim = { runId: run.id, claimedBy: next.claimedBy };
        await kind.repair(run, { claim, signal: new AbortController().signal });
      }
    },
    settleLate() {
      for (const key of late.splice(0)) world.objects.delete(key);
    },
    async sweep() {
      if (isDead) return;
      const { signal } = new AbortController();
      await livesThrough(
        sweepDeleted(services, { completeMayTakeMs: 1000 }, signal).then(() =>
          sweepRetention(services, signal),
        ),
      );
    },
    seen: () =>
      db
        .selectFrom('backups')
        .selectAll()
        .where('status', '=', 'completed')
        .where('deleted_at', 'is', null)
        .orderBy('created_at', 'desc')
        .orderBy('id', 'desc')
        .execute(),
    services: () => services,
  };
  const created = { created_at: at.toISOString(), updated_at: at.toISOString() };
  await db
    .insertInto('environments')
    .values({ id: 'e', name: '<script> + ü 🐘', ...created } as never)
    .execute();
  await db
    .insertInto('databases')
    .values({ id: DATABASE, environment_id: 'e', name: `d'b + "ü" 🐘`, type: 'sqlite', ...created } as never)
    .execute();
  return world;
}
