import { sql } from 'kysely';
import { beingRestored } from '../backups/in-use.ts';
import { builtOnce } from '../db/built-once.ts';
import type { Db, Trx } from '../db/schema.ts';
import { isOnHost } from '../object-stores/place.ts';
import { providerOf } from '../object-stores/providers.ts';
import type { PlannedBackup } from './plan.ts';

/** A completed backup of a database, with what pruning needs beside the plan. */
export interface Candidate extends PlannedBackup {
  readonly filename: string;
  /** Bytes of the dump before compression; 0 where they are not known. */
  readonly bytesRead: number;
  /** When a removal that failed may be tried again. */
  readonly nextTryAt: string | null;
  readonly rotationError: string | null;
  readonly removalTries: number;
}

/** Read in one go: some milliseconds. */
const IN_ONE_PIECE = 2_000;
const DAY_MS = 86_400_000;

/**
 * All completed backups of a database that people can see, newest first: in pieces, between which others have their turn but within
 * a transaction.
 */
export async function loadCandidates(db: Db | Trx, databaseId: string): Promise<readonly Candidate[]> {
  const billed = await billedDays(db, databaseId);
  const read = await readJustNow(db);
  const found: Candidate[] = [];
  let piece = await loadPiece(db, databaseId, null);
  while (piece.length > 0) {
    found.push(...piece.map((row) => toCandidate(row, billed, read)));
    if (piece.length < IN_ONE_PIECE) break;
    if (!db.isTransaction) await new Promise((resolve) => setTimeout(resolve));
    piece = await loadPiece(db, databaseId, piece.at(-1) ?? null);
  }
  return found;
}

/**
 * The same without what only pruning wants to know, from the newest down to those that were asked for at that instant (null: to the
 * oldest), and no more than so many.
 */
export async function loadPlanned(
  db: Db | Trx,
  databaseId: string,
  { downTo, most }: { readonly downTo: string | null; readonly most: number },
): Promise<readonly PlannedBackup[]> {
  const billed = await billedDays(db, databaseId);
  const read = await readJustNow(db);
  const rows = await completed(db, databaseId)
    .select(PLANNED)
    .$if(downTo !== null, (query) => query.where('created_at', '>=', downTo ?? ''))
    .limit(most)
    .execute();
  return rows.map((row) => toPlanned(row, billed, read));
}

const PLANNED = [
  ...(['id', 'created_at', 'size', 'type', 'is_pinned', 'verification'] as const),
  ...(['retained_until', 'retained_why', 'in_use_until'] as const),
] as const;

type Row = Awaited<ReturnType<typeof loadPiece>>[number];
type PlannedRow = Pick<Row, (typeof PLANNED)[number]>;

function loadPiece(db: Db | Trx, databaseId: string, after: { created_at: string; id: string } | null) {
  return completed(db, databaseId)
    .select(PLANNED)
    .select(['filename', 'bytes_read', 'removal_next_try_at', 'removal_tries', 'last_rotation_error'])
    .$if(after !== null, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('created_at', 'id'), '<', tuple(after?.created_at ?? '', after?.id ?? '')),
      ),
    )
    .limit(IN_ONE_PIECE)
    .execute();
}

/** Newest first. */
function completed(db: Db | Trx, databaseId: string) {
  return (
    db
      .selectFrom('backups')
      .where('database_id', '=', databaseId)
      // A literal, as in the index: a parameter could be any status.
      .where('status', '=', sql.lit('completed'))
      .where('deleted_at', 'is', null)
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
  );
}

function toCandidate(row: Row, billed: number, read: ReadonlySet<string>): Candidate {
  return {
    ...toPlanned(row, billed, read),
    filename: row.filename,
    bytesRead: Number(row.bytes_read),
    nextTryAt: row.removal_next_try_at,
    removalTries: row.removal_tries ?? 0,
    rotationError: row.last_rotation_error,
  };
}

function toPlanned(row: PlannedRow, billed: number, read: ReadonlySet<string>): PlannedBackup {
  return {
    id: row.id,
    createdAt: row.created_at,
    size: Number(row.size),
    type: row.type,
    isPinned: row.is_pinned === 1,
    isGood: row.verification !== 'failed',
    retained: retainedOf(row, billed),
    inUse: inUseOf(row, read),
  };
}

function inUseOf({ id, in_use_until: until }: PlannedRow, read: ReadonlySet<string>): PlannedBackup['inUse'] {
  if (read.has(id)) return { until: null };
  return until === null ? null : { until };
}

/** What runs that are no backups work with just now: few, however many backups there are. */
async function readJustNow(db: Db | Trx): Promise<ReadonlySet<string>> {
  const running = await otherRuns(db).execute();
  return new Set([...running.flatMap(({ subject_id: id }) => id ?? []), ...(await beingRestored(db))]);
}

const otherRuns = builtOnce((db) =>
  db
    .selectFrom('runs')
    .select('subject_id')
    // A literal, as in the index.
    .where('state', '=', sql.lit('running'))
    .where('kind', '!=', 'backup')
    .where('subject_id', 'is not', null),
);

function retainedOf(row: PlannedRow, billed: number): PlannedBackup['retained'] {
  const locked =
    row.retained_until === null
      ? null
      : { until: row.retained_until, why: row.retained_why ?? 'the storage lets nobody remove it' };
  if (billed === 0) return locked;
  const paidUntil = new Date(Date.parse(row.created_at) + billed * DAY_MS).toISOString();
  if (locked !== null && locked.until >= paidUntil) return locked;
  return { until: paidUntil, why: `the storage is paid for ${billed} days of each file, removed or not` };
}

/**
 * Days that the storages are paid for at least in which this database has backups: the most of them, since one that moved
 * has few in the other. 0 as a rule.
 */
async function billedDays(db: Db | Trx, databaseId: string): Promise<number> {
  const places = await db
    .selectFrom('stored_totals')
    .select('endpoint')
    .where('database_id', '=', databaseId)
    .execute();
  const days = places.map((place) => (isOnHost(place) ? 0 : providerOf(place.endpoint).minimumDays));
  return Math.max(0, ...days);
}
