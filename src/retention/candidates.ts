import { sql } from 'kysely';
import { beingRestored } from '../backups/in-use.ts';
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

type Row = Awaited<ReturnType<typeof loadPiece>>[number];

function loadPiece(db: Db | Trx, databaseId: string, after: { created_at: string; id: string } | null) {
  return (
    db
      .selectFrom('backups')
      .select(['id', 'filename', 'created_at', 'size', 'bytes_read', 'type', 'is_pinned', 'verification'])
      .select(['retained_until', 'retained_why', 'in_use_until'])
      .select(['removal_next_try_at', 'removal_tries', 'last_rotation_error'])
      .where('database_id', '=', databaseId)
      // A literal, as in the index: a parameter could be any status.
      .where('status', '=', sql.lit('completed'))
      .where('deleted_at', 'is', null)
      .$if(after !== null, (query) =>
        query.where(({ eb, refTuple, tuple }) =>
          eb(refTuple('created_at', 'id'), '<', tuple(after?.created_at ?? '', after?.id ?? '')),
        ),
      )
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(IN_ONE_PIECE)
      .execute()
  );
}

function toCandidate(row: Row, billed: number, read: ReadonlySet<string>): Candidate {
  return {
    id: row.id,
    filename: row.filename,
    createdAt: row.created_at,
    size: Number(row.size),
    bytesRead: Number(row.bytes_read),
    type: row.type,
    isPinned: row.is_pinned === 1,
    isGood: row.verification !== 'failed',
    retained: retainedOf(row, billed),
    inUse: inUseOf(row, read),
    nextTryAt: row.removal_next_try_at,
    removalTries: row.removal_tries ?? 0,
    rotationError: row.last_rotation_error,
  };
}

function inUseOf({ id, in_use_until: until }: Row, read: ReadonlySet<string>): PlannedBackup['inUse'] {
  if (read.has(id)) return { until: null };
  return until === null ? null : { until };
}

/** What runs that are no backups work with just now: few, however many backups there are. */
async function readJustNow(db: Db | Trx): Promise<ReadonlySet<string>> {
  const running = await db
    .selectFrom('runs')
    .select('subject_id')
    // A literal, as in the index.
    .where('state', '=', sql.lit('running'))
    .where('kind', '!=', 'backup')
    .where('subject_id', 'is not', null)
    .execute();
  return new Set([...running.flatMap(({ subject_id: id }) => id ?? []), ...(await beingRestored(db))]);
}

function retainedOf(row: Row, billed: number): PlannedBackup['retained'] {
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
