import { sql } from 'kysely';
import type { Db, RestoreRow, Trx } from '../db/schema.ts';
import type { InPlaceTarget, LiveTarget } from '../engines/in-place.ts';
import { isLive, type LoadOptions, loadOptionsOf, loadOptionsText } from './load-options.ts';

type InPlaceColumns = Pick<
  RestoreRow,
  | ('in_place' | 'end_sessions' | 'safety_backup_id' | 'kept_name' | 'replaced_id')
  | ('kept_state' | 'kept_dropped_at')
>;

/** Of a restore that makes something new. */
export const NOTHING_REPLACED: InPlaceColumns = {
  ...{ in_place: 0, end_sessions: 0, safety_backup_id: null, kept_name: null, replaced_id: null },
  ...{ kept_state: null, kept_dropped_at: null },
};

/** What a restore in place replaces, for its engine; undefined for one that makes something new. */
export function replacedBy(row: RestoreRow): InPlaceTarget | undefined {
  if (row.in_place === 0 || row.kept_name === null) return undefined;
  return {
    ...{ keptName: row.kept_name, replacedId: row.replaced_id, endSessions: row.end_sessions === 1 },
    mayBeSwapped: mayBeSwapped(row),
    adopts: loadOptionsOf(row).adopts,
  };
}

/** What a restore goes into that is in use, for its engine; undefined for any other. */
export function liveBy(row: RestoreRow): LiveTarget | undefined {
  if (!isLive(row)) return undefined;
  return { replacedId: row.replaced_id, endSessions: row.end_sessions === 1 };
}

/** It was found whole, which comes just before the swap; of one that was left only its counts tell. */
export function mayBeSwapped(row: Pick<RestoreRow, 'in_place' | 'state' | 'counts'>): boolean {
  return row.in_place === 1 && (row.state === 'finishing' || (row.state === 'left' && row.counts !== null));
}

/** What was replaced is there under its other name from now on, until somebody drops it; another restore's work is where that was. */
export async function markKept(trx: Trx, id: string): Promise<void> {
  await trx
    .updateTable('restores')
    .set({ kept_state: 'kept' })
    .where('id', '=', id)
    .where('kept_name', 'is not', null)
    .execute();
  const row = await trx.selectFrom('restores').select('load_options').where('id', '=', id).executeTakeFirst();
  const adopts = row && loadOptionsOf(row).adopts;
  if (adopts) await noteOf(trx, adopts.restoreId, { hasTakenPlace: true });
}

/** What becomes of what a restore has made or kept; undefined takes a note away. */
export async function noteOf(
  trx: Trx,
  id: string,
  note: {
    readonly [Name in ('renamedBy' | 'hasTakenPlace') | ('kept' | 'dropBegun' | 'saidGone')]?:
      | LoadOptions[Name]
      | undefined;
  },
): Promise<void> {
  const row = await trx.selectFrom('restores').select('load_options').where('id', '=', id).executeTakeFirst();
  if (row === undefined) return;
  await trx
    .updateTable('restores')
    .set({ load_options: loadOptionsText({ ...loadOptionsOf(row), ...note }) })
    .where('id', '=', id)
    .execute();
}

export async function markDropped(trx: Trx, id: string, at: Date): Promise<void> {
  await trx
    .updateTable('restores')
    .set({ kept_state: 'dropped', kept_dropped_at: at.toISOString() })
    .where('id', '=', id)
    .where('kept_state', '=', 'kept')
    .execute();
}

/** Somebody has gone back: what was replaced has its place again, and what took it stands where that person has put it. */
export async function markTakenBack(trx: Trx, row: RestoreRow): Promise<void> {
  await trx
    .updateTable('restores')
    .set({ kept_state: 'taken-back' })
    .where('id', '=', row.id)
    .where('kept_state', '=', 'kept')
    .execute();
  const { adopts } = loadOptionsOf(row);
  if (adopts) await noteOf(trx, adopts.restoreId, { hasTakenPlace: undefined });
}

/** Those of a database whose replaced one is still there, the newest first. */
export async function listKept(db: Db, databaseId: string): Promise<readonly RestoreRow[]> {
  return (
    db
      .selectFrom('restores')
      .selectAll()
      .where('database_id', '=', databaseId)
      // A literal, as in the index.
      .where('kept_state', '=', sql.lit('kept'))
      .orderBy('created_at', 'desc')
      .execute()
  );
}

/** As `whatExists`, of a restore in place. */
export function whatIsInPlace(row: RestoreRow): string {
  if (isSaidGone(row)) return `${SAID_GONE} ${whatIsUnknown(row)}`;
  if (isLive(row)) return whatIsLive(row);
  const { state, new_name: name, kept_name: kept, removal_error: error } = row;
  const { adopts } = loadOptionsOf(row);
  if (adopts !== undefined) {
    if (state === 'none')
      return `Nothing ${row.ended_at === null ? 'is' : 'was'} renamed: “${name}” is as it was.`;
    if (state === 'making') return `“${adopts.name}” is to take the place of “${name}”, which is as it was.`;
    if (state === 'removed') return `“${adopts.name}” is called so again, and “${name}” is as it was.`;
    if (state === 'left') {
      return `Nothing was dropped. Nobody knows yet whether “${adopts.name}” has the place of “${name}”, and “${kept}” may be what was there before: it could not be given its name back. ${error ?? ''}`;
    }
  }
  switch (state) {
    case 'none':
      return `Nothing ${row.ended_at === null ? 'is made yet' : 'was made'}: “${name}” is as it was.`;
    case 'making':
    case 'loading':
      return `What will replace “${name}” is being made beside it. “${name}” is as it was.`;
    case 'finishing':
      return `What was restored takes the place of “${name}”, which is kept as “${kept}”: both or neither.`;
    case 'done':
      return whatIsDone(row);
    case 'removed':
      return `What had been made was removed: “${name}” is as it was.`;
    case 'left':
      return `Nobody knows whether “${name}” is as it was: what had been made for it could not be removed, and “${kept}” may be what was there before. It could not be looked at: ${error ?? 'nobody knows why.'}`;
  }
}

/** It counts as removed because a person has said so, where nobody could tell: it may have committed, or taken the place. */
export function isSaidGone(row: Pick<RestoreRow, 'state' | 'load_options'>): boolean {
  return row.state === 'removed' && loadOptionsOf(row).saidGone === true;
}

export const SAID_GONE = 'Somebody said that nothing of this restore is there; nobody could look.';

function whatIsUnknown(row: RestoreRow): string {
  const { new_name: name, kept_name: kept } = row;
  if (isLive(row)) return `Whether the backup was restored into “${name}” is not known.`;
  const { adopts } = loadOptionsOf(row);
  const taken =
    adopts === undefined
      ? `Whether “${name}” is what was restored`
      : `Whether “${adopts.name}” has the place of “${name}”`;
  return `${taken} is not known, and “${kept}” may be what was there before.`;
}

function whatIsDone({ new_name: name, kept_name: kept, kept_state: state }: RestoreRow): string {
  if (state === 'taken-back') {
    return `“${name}” was what was restored, until somebody went back: it is what was there before again. What was restored was not dropped from here: it is where that person has left it.`;
  }
  const end =
    state === 'dropped' ? `was kept as “${kept}”, and was dropped` : `is kept as “${kept}” until you drop it`;
  return `“${name}” is what was restored. What was there before ${end}.`;
}

/** Of one that goes into the database in use: there is nothing beside it. */
function whatIsLive({ state, new_name: name, ended_at: endedAt, removal_error: error }: RestoreRow): string {
  switch (state) {
    case 'none':
      return `Nothing ${endedAt === null ? 'is changed yet' : 'was changed'}: “${name}” is as it was.`;
    case 'making':
    case 'loading':
      return `“${name}” is restored into in one transaction: until its end everybody finds what was there.`;
    case 'finishing':
      return `The backup was restored into “${name}”, whole; its rows are compared.`;
    case 'done':
      return `The backup was restored into “${name}”; what the backup lacks stayed.`;
    case 'removed':
      return `The transaction was taken back: “${name}” is as it was.`;
    case 'left':
      return `Nobody knows whether the backup was restored into “${name}”, whole, or whether that is as it was: it could not be looked at. ${error ?? ''}`;
  }
}
