import { eachAtOnce } from '../at-once.ts';
import { type Actor, recordAudit } from '../audit/audit.ts';
import type { PruneInput } from '../backups/ask-prune.ts';
import { markPruned } from '../backups/mark-pruned.ts';
import { lockColumns } from '../backups/note-lock.ts';
import { removePruned } from '../backups/remove-deleted.ts';
import { auditedDatabase, getDatabaseRow } from '../databases/databases.ts';
import type { Context } from '../db/context.ts';
import type { DatabaseRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { recordEvent } from '../events/events.ts';
import { pauseMs } from '../leftovers/patience.ts';
import type { Log } from '../log.ts';
import type { ObjectLock } from '../object-stores/object-store.ts';
import type { OpenPlace } from '../object-stores/opened-store.ts';
import { type RunClaim, requireClaim } from '../runs/claim.ts';
import type { Candidate } from './candidates.ts';
import { type Decided, decide } from './decide.ts';
import { countFailingPlaces, type FailingPlaces } from './failing-places.ts';
import { type Freeze, freeze } from './freeze.ts';
import { type Look, lookBeforePruning, type StoredAs, storedAs } from './look.ts';
import { keepPlacesOpen } from './open-places.ts';

export interface PruneContext extends Context {
  readonly openPlace: OpenPlace;
  readonly log: Log;
}

export interface PruneError {
  readonly backupId: string;
  readonly error: string;
}

interface RemovalError extends PruneError {
  /** Nobody was told of it before. */
  readonly isNew: boolean;
}

export interface Pruned {
  /** How many are gone, or will be as soon as their storage answers. */
  readonly count: number;
  readonly bytesFreed: number;
  /** What could not be removed, and why. */
  readonly errors: readonly RemovalError[];
  readonly freeze: Freeze | null;
}

export interface PruneTask {
  readonly input: PruneInput;
  readonly claim: RunClaim;
  readonly signal: AbortSignal;
  /** Told after each step. */
  readonly onPruned: (soFar: { readonly count: number; readonly left: number }) => void;
}

/** Looked at and removed at once. */
const AT_ONCE = 4;
const SMALLEST_BATCH = 20;
const LARGEST_BATCH = 500;

/**
 * Prunes the backups of a database by its policy, the oldest first, in batches: each is looked at where it lies; then it is
 * decided once more, and what is still to go becomes tombstones, in one transaction with its audit; then the objects go, and
 * last the rows. Killed at any instant, what is left is either still seen and whole, or a tombstone that the sweep removes.
 * Throws `not_found` where the database is gone, `superseded` and what else ends the run.
 */
export async function prune(context: PruneContext, task: PruneTask): Promise<Pruned> {
  const { db, now } = context;
  const { databaseId } = task.input;
  const database = await getDatabaseRow(db, databaseId);
  const tried = new Set<string>();
  const errors: RemovalError[] = [];
  const failed: Failed = { errors, places: countFailingPlaces() };
  let [count, bytesFreed] = [0, 0];
  for (;;) {
    task.signal.throwIfAborted();
    const decided = await decide(db, databaseId, { now: now() });
    const frozen = decided.freeze ?? (await freezeIfLost(context, task, database, decided));
    const left = decided.due.filter(({ id }) => !tried.has(id));
    if (frozen !== null || left.length === 0) {
      await forgetErrors(context, decided);
      return { count, bytesFreed, errors, freeze: frozen };
    }
    const batch = left.slice(0, batchSize(left.length));
    for (const { id } of batch) tried.add(id);
    const gone = await pruneBatch(context, task, database, batch, failed);
    for (const id of await failed.places.backupsThere(db, databaseId)) tried.add(id);
    count += gone.length;
    for (const { size } of gone) bytesFreed += size;
    task.onPruned({ count, left: left.length - batch.length });
  }
}

/** Each batch reads all backups of the database anew: the more there are to go, the larger it is. */
function batchSize(left: number): number {
  return Math.min(LARGEST_BATCH, Math.max(SMALLEST_BATCH, Math.ceil(left / 20)));
}

interface Failed {
  readonly errors: RemovalError[];
  readonly places: FailingPlaces;
}

async function pruneBatch(
  context: PruneContext,
  task: PruneTask,
  database: DatabaseRow,
  batch: readonly Candidate[],
  { errors, places: failing }: Failed,
): Promise<readonly Candidate[]> {
  const places = keepPlacesOpen(context.openPlace);
  const within = { ...context, openPlace: places.openPlace };
  const stored = await storedAs(
    context.db,
    batch.map(({ id }) => id),
  );
  const fail = (id: string, rotationError: string | null, error: string) => {
    errors.push({ backupId: id, error, isNew: rotationError === null });
    failing.note(stored.get(id)?.place ?? null);
  };
  try {
    const looks = await lookAtAll(within, task, batch, { stored, failing, fail });
    const ready = batch.filter((_, index) => looks[index]?.says === 'ready');
    const marked = await markDecided(within, task, database, ready);
    const kept = new Set<string>();
    await eachAtOnce(marked, AT_ONCE, async ({ id, rotationError }) => {
      const removal = await removePruned(within, id, task.signal);
      if (removal === null) return;
      fail(id, rotationError, removal.reason);
      if (removal.isSeenAgain) kept.add(id);
    });
    return marked.filter(({ id }) => !kept.has(id));
  } finally {
    await places.close();
  }
}

interface Looking {
  readonly stored: ReadonlyMap<string, StoredAs>;
  readonly failing: FailingPlaces;
  readonly fail: (id: string, rotationError: string | null, error: string) => void;
}

async function lookAtAll(
  context: PruneContext,
  { signal }: PruneTask,
  batch: readonly Candidate[],
  { stored, failing, fail }: Looking,
): Promise<readonly (Look | null)[]> {
  const looks = await eachAtOnce(batch, AT_ONCE, async ({ id, rotationError }) => {
    const { token = '', place = null } = stored.get(id) ?? {};
    // The rest of the place would only say the same.
    if (failing.isGivenUp(place)) return null;
    const look = await lookBeforePruning(context, { id, token }, signal);
    if (look.says === 'refused') fail(id, rotationError, look.reason);
    return look;
  });
  await noteLooks(context, batch, looks);
  return looks;
}

/** What holds a backup is kept with it: it is no error, and nobody asks again before that is over. */
async function noteLooks(
  { db, now }: PruneContext,
  batch: readonly Candidate[],
  looks: readonly (Look | null)[],
): Promise<void> {
  const at = now();
  const notes = batch.flatMap((backup, index) => {
    const look = looks[index];
    return look === null || look === undefined || look.says === 'ready' ? [] : [{ backup, look }];
  });
  if (notes.length === 0) return;
  await write(db, async (trx) => {
    for (const { backup, look } of notes) {
      await trx
        .updateTable('backups')
        .set(look.says === 'locked' ? locked(look.lock, at) : refused(backup, look.reason, at))
        .where('id', '=', backup.id)
        .where('deleted_at', 'is', null)
        .execute();
    }
  });
}

function locked(lock: ObjectLock, at: Date) {
  return { ...lockColumns(lock, at), last_rotation_error: null };
}

function refused({ removalTries }: Candidate, reason: string, at: Date) {
  const tries = removalTries + 1;
  return {
    last_rotation_error: reason,
    removal_tries: tries,
    removal_next_try_at: new Date(at.getTime() + pauseMs(tries)).toISOString(),
  };
}

/**
 * Decides once more, in the transaction that makes the tombstones: what was pinned, is being read, is needed by the floor or may
 * not be pruned any more for whatever reason is left alone.
 */
async function markDecided(
  { db, now }: PruneContext,
  { claim, input }: PruneTask,
  database: DatabaseRow,
  ready: readonly Candidate[],
): Promise<readonly Candidate[]> {
  if (ready.length === 0) return [];
  const wanted = new Set(ready.map(({ id }) => id));
  return write(db, async (trx) => {
    await requireClaim(trx, claim);
    const at = now();
    const decided = await decide(trx, database.id, { now: at });
    const rules = new Map(decided.plan.decisions.map(({ backup, rule }) => [backup.id, rule]));
    const due = decided.due.filter(({ id }) => wanted.has(id));
    const asked = due.map(({ id }) => ({ id, rule: rules.get(id) ?? '' }));
    const marked = new Set(await markPruned(trx, asked, at));
    const gone = due.filter(({ id }) => marked.has(id));
    if (gone.length > 0) await recordPruned(trx, database, { input, gone, rules, at });
    return gone;
  });
}

async function recordPruned(
  trx: Trx,
  database: DatabaseRow,
  {
    input,
    gone,
    rules,
    at,
  }: {
    readonly input: PruneInput;
    readonly gone: readonly Candidate[];
    readonly rules: ReadonlyMap<string, string>;
    readonly at: Date;
  },
): Promise<void> {
  const details = {
    trigger: input.trigger,
    bytesFreed: gone.reduce((sum, { size }) => sum + size, 0),
    pruned: gone.map(({ id, filename, createdAt }) => ({
      ...{ backupId: id, filename, createdAt },
      rule: rules.get(id) ?? '',
    })),
  };
  const actor: Actor = { userId: input.userId, address: null };
  await recordAudit(trx, actor, auditedDatabase('backup.rotate', database, { details }), at);
}

/** Writes down why pruning stands still from now on. Null where it does not. */
async function freezeIfLost(
  { db, now, log }: PruneContext,
  { claim }: PruneTask,
  database: DatabaseRow,
  { loss }: Decided,
): Promise<Freeze | null> {
  if (loss === null) return null;
  const frozen = await write(db, async (trx) => {
    await requireClaim(trx, claim);
    const decided = await decide(trx, database.id, { now: now() });
    if (decided.freeze !== null || decided.loss === null) return decided.freeze;
    const made = await freeze(trx, database.id, decided.loss, now());
    const details = { reason: made.reason, backupId: made.backupId };
    const entry = auditedDatabase('backup.freeze', database, { details });
    await recordAudit(trx, { userId: null, address: null }, entry, now());
    const of = { databaseId: database.id, environmentId: database.environment_id };
    const data = { databaseName: database.name, ...details };
    await recordEvent(trx, { type: 'retention.frozen', ...of, data }, now());
    return made;
  });
  if (frozen !== null) log.warn('pruning stands still', { databaseId: database.id, reason: frozen.reason });
  return frozen;
}

/** What is to stay has no reason any more why it could not go. */
async function forgetErrors({ db }: PruneContext, { plan }: Decided): Promise<void> {
  const old = plan.keep.filter(
    ({ rotationError, nextTryAt }) => rotationError !== null || nextTryAt !== null,
  );
  if (old.length === 0) return;
  await write(db, async (trx) => {
    for (const { id } of old) {
      await trx
        .updateTable('backups')
        .set({ last_rotation_error: null, removal_tries: null, removal_next_try_at: null })
        .where('id', '=', id)
        .where('deleted_at', 'is', null)
        .execute();
    }
  });
}
