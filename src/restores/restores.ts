import { sql } from 'kysely';
import * as z from 'zod';
import type { Db, RestoreRow, RestoreState, RunRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import type { PreflightCheck } from '../engines/restore.ts';
import { AppError } from '../errors.ts';
import { type RunClaim, requireClaim } from '../runs/claim.ts';
import { findServerName } from '../servers/servers.ts';
import type { ComparedTable } from './compare.ts';
import { isSaidGone, SAID_GONE, whatIsInPlace } from './in-place.ts';
import { loadOptionsOf, loadOptionsText, onlyTablesOf } from './load-options.ts';

export async function findRestore(db: Db | Trx, id: string): Promise<RestoreRow | undefined> {
  return db.selectFrom('restores').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Of one whose backup was deleted, too. */
export async function findRunOfRestore(db: Db, id: string): Promise<RunRow | undefined> {
  return db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Throws `not_found`. */
export async function loadRestore(db: Db | Trx, id: string): Promise<RestoreRow> {
  const row = await findRestore(db, id);
  if (row === undefined) throw new AppError('not_found', 'Restore not found');
  return row;
}

/** Those asked for last, newest first. */
export async function listRestores(
  db: Db,
  page: {
    readonly limit: number;
    readonly offset: number;
    readonly state?: RestoreState | undefined;
    /** Those alone that keep what they have replaced. */
    readonly isKept?: boolean | undefined;
  },
): Promise<readonly RestoreRow[]> {
  return (
    db
      .selectFrom('restores')
      .selectAll()
      // A drill removes what it makes: it is of interest where it could not.
      .$if(page.state !== 'left', (query) => query.where('is_drill', 'is', null))
      .$if(page.isKept === true, (query) => query.where('kept_state', '=', sql.lit('kept')))
      .$if(page.state !== undefined, (query) => query.where('state', '=', page.state ?? 'left'))
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(page.limit)
      .offset(page.offset)
      .execute()
  );
}

/** Names of what it is of, and of where it went; null for what is gone, and for the app's own machine as the server. */
export async function whereRestored(
  db: Db,
  row: Pick<RestoreRow, 'database_id' | 'environment_id' | 'server_id'>,
): Promise<{
  readonly databaseName: string | null;
  readonly environmentName: string | null;
  readonly serverName: string | null;
}> {
  const [database, environment] = await Promise.all([
    db.selectFrom('databases').select('name').where('id', '=', row.database_id).executeTakeFirst(),
    db.selectFrom('environments').select('name').where('id', '=', row.environment_id).executeTakeFirst(),
  ]);
  const serverName = row.server_id === null ? undefined : await findServerName(db, row.server_id);
  return {
    databaseName: database?.name ?? null,
    environmentName: environment?.name ?? null,
    serverName: serverName ?? null,
  };
}

/** What a run has come to, in its row: before the step that it tells of. Throws `superseded`. */
export async function recordRestore(
  db: Db,
  claim: RunClaim,
  values: Partial<
    Pick<
      RestoreRow,
      'state' | 'checks' | 'counts' | 'new_name' | 'loaded_ms' | 'replaced_id' | 'load_options'
    >
  >,
): Promise<void> {
  await write(db, async (trx) => {
    await requireClaim(trx, claim);
    await trx.updateTable('restores').set(values).where('id', '=', claim.runId).execute();
  });
}

/** What the look at the target has found, before anything is made; `place` is where that would be. Throws `superseded`. */
export async function recordLooked(
  db: Db,
  claim: RunClaim,
  {
    checks,
    place,
  }: { readonly checks: readonly PreflightCheck[]; readonly place: string | null | undefined },
): Promise<void> {
  const row = await loadRestore(db, claim.runId);
  const options = { ...loadOptionsOf(row), madeIn: place ?? undefined };
  await recordRestore(db, claim, {
    checks: JSON.stringify(checks),
    load_options: loadOptionsText(options),
  });
}

/** The end of a restore, in the transaction of its run's: what it was told to log in with is forgotten. */
export async function endRestore(
  trx: Trx,
  id: string,
  end: { readonly state: RestoreState; readonly removalError?: string | null; readonly at: Date },
): Promise<void> {
  await trx
    .updateTable('restores')
    .set({
      state: end.state,
      removal_error: end.removalError ?? null,
      credentials: null,
      ended_at: end.at.toISOString(),
    })
    .where('id', '=', id)
    .execute();
}

/** As it is kept: what is new in it may be missing, since rows of earlier versions stay as they are. */
const checks = z.array(
  z.object({
    name: z.string(),
    ok: z.boolean(),
    isUnknown: z.boolean().optional(),
    says: z.string(),
    command: z.string().optional(),
  }),
);
const counts = z.array(
  z.object({
    schema: z.string().nullable(),
    name: z.string(),
    expected: z.number().nullable(),
    rows: z.number().nullable(),
  }),
);

export function checksOf({ checks: text }: Pick<RestoreRow, 'checks'>): readonly PreflightCheck[] | null {
  return text === null ? null : checks.parse(JSON.parse(text));
}

export function countsOf({ counts: text }: Pick<RestoreRow, 'counts'>): readonly ComparedTable[] | null {
  return text === null ? null : counts.parse(JSON.parse(text));
}

/** What is there now of what it makes, in a sentence. */
export function whatExists(row: RestoreRow): string {
  if (row.in_place === 1) return whatIsInPlace(row);
  if (isSaidGone(row)) return SAID_GONE;
  const { state, new_name: name, removal_error: error } = row;
  switch (state) {
    case 'none':
      return row.ended_at === null
        ? 'Nothing is made yet: the target is as it was.'
        : 'Nothing was made: the target is as it was.';
    case 'making':
    case 'loading':
    case 'finishing':
      return `“${name}” is being made, under a name of its own until it is whole. Nothing else is touched.`;
    case 'done':
      if (loadOptionsOf(row).hasTakenPlace === true) return `“${name}” has taken the place of its database.`;
      return onlyTablesOf(row) === null
        ? `“${name}” is there, whole.`
        : `“${name}” is there, with the chosen tables and their rows alone: without keys, indexes and all else of the backup.`;
    case 'removed':
      return 'What had been made was removed: the target is as it was.';
    case 'left':
      return `What had been made for “${name}” could not be removed, and is not to be relied on where it is still there. ${error ?? 'nobody knows why.'}${whereSpooled(row)}`;
  }
}

/** A person who must make room there has to know where. */
function whereSpooled(row: RestoreRow): string {
  if (loadOptionsOf(row).jobs === undefined) return '';
  const folder = engineFor(row.engine)?.jobsFolder?.(row.token);
  return folder === undefined ? '' : ` The archive for the jobs may still lie in ${folder} on the host.`;
}
