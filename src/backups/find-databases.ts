import { type RawBuilder, sql } from 'kysely';
import { inBytes } from '../db/kind.ts';
import type { Db } from '../db/schema.ts';
import type { Page } from '../page.ts';
import { isEnabledIn } from '../storage/enabled.ts';
import { type KnownDatabase, knownDatabases } from './known-databases.ts';
import { PROTECTIONS, type ProtectionState } from './protection.ts';
import {
  badness,
  type StateCounts,
  statesAt,
  toCounts,
  totalOf,
  UNSAFE,
  unsafeOf,
  waitedFor,
} from './protection-states.ts';
import { isFound } from './search-databases.ts';

export interface DatabaseFilter {
  /** Part of a name, a server, an environment or a file, in any case; empty for all. */
  readonly search: string;
  readonly state: StateFilter | null;
  readonly engine: string | null;
  readonly storage: StorageFilter | null;
}

/** `unsafe`: those that a verdict in red counts. */
export type StateFilter = ProtectionState | 'unsafe';

/** Where backups are to go; `off`: to a bucket, which the environment may not use. */
export type StorageFilter = 'local' | 'spaces' | 'off' | { readonly bucket: string };

export const DATABASE_SORTS = ['state', 'name', 'engine', 'last-good', 'size'] as const;
export interface DatabaseSort {
  readonly by: (typeof DATABASE_SORTS)[number];
  readonly isDescending: boolean;
}

export interface FoundDatabases {
  readonly databases: readonly KnownDatabase[];
  /** How many the filter finds. */
  readonly total: number;
  /** How many there would be of each state, whatever state the filter names. */
  readonly counts: StateCounts;
}

interface Context {
  readonly db: Db;
  readonly now: () => Date;
}

/**
 * A page of what the filter finds, in that environment or (null) in all. The database filters and sorts: of the thousands
 * that an installation has, only those that the page shows are read. `known`: how many there are in each state without a filter,
 * where the caller has counted them.
 */
export async function findDatabases(
  context: Context,
  environmentId: string | null,
  filter: DatabaseFilter,
  sort: DatabaseSort,
  page: Page,
  known?: StateCounts,
): Promise<FoundDatabases> {
  const at = await atOnce(context);
  const counted = isOfAll(filter) ? known : undefined;
  const { ids, counts } =
    counted === undefined
      ? await foundAndCounted(at, environmentId, filter, sort, page)
      : { ids: await idsOf(at, environmentId, filter, sort, page), counts: counted };
  const total = countOf(counts, filter.state);
  return { databases: await knownDatabases(at, ids), total, counts };
}

/** How many of them such a filter finds. */
export function countOf(counts: StateCounts, state: StateFilter | null): number {
  if (state === null) return totalOf(counts);
  return state === 'unsafe' ? unsafeOf(counts) : counts[state];
}

/** Without their states: of thousands that are sorted, a database would tell each one's. */
async function idsOf(
  context: AtOnce,
  environmentId: string | null,
  filter: DatabaseFilter,
  sort: DatabaseSort,
  page: Page,
) {
  return fitting(context, environmentId, filter)
    .select('known.id')
    .orderBy(inOrder(context.db, sort))
    .limit(page.limit)
    .offset(page.offset)
    .execute();
}

/** Looked through once: to search the texts of thousands takes longer than to read which of them were found. */
async function foundAndCounted(
  context: AtOnce,
  environmentId: string | null,
  filter: DatabaseFilter,
  sort: DatabaseSort,
  page: Page,
) {
  const found = await fitting(context, environmentId, { ...filter, state: null })
    .select(['known.id', 'state'])
    .orderBy(inOrder(context.db, sort))
    .execute();
  const byState = Object.groupBy(found, ({ state }) => state);
  const counts = toCounts(PROTECTIONS.map((state) => ({ state, count: byState[state]?.length ?? 0 })));
  const wanted = statesOf(filter.state);
  const shown = wanted === null ? found : found.filter(({ state }) => wanted.includes(state));
  return { ids: shown.slice(page.offset, page.offset + page.limit), counts };
}

function statesOf(state: StateFilter | null): readonly ProtectionState[] | null {
  if (state === null) return null;
  return state === 'unsafe' ? UNSAFE : [state];
}

function isOfAll({ search, engine, storage }: DatabaseFilter): boolean {
  return search.trim() === '' && engine === null && storage === null;
}

/**
 * The worst that are not protected, in the order of the list; at most so many. `counts`: how many there are in each state, as the frame
 * of each page has counted them: where all are protected nothing is read, and where enough have no good backup the others are not.
 */
export async function worstDatabases(
  context: Context,
  environmentId: string | null,
  counts: StateCounts,
  limit: number,
): Promise<readonly KnownDatabase[]> {
  const at = await atOnce(context);
  const { protected: _, ...others } = counts;
  if (totalOf({ ...others, protected: 0 }) === 0) return [];
  const worst = counts.never >= limit ? withoutGood(at, environmentId) : notProtected(at, environmentId);
  const ids = await worst
    .select('known.id')
    .orderBy(inOrder(at.db, { by: 'state', isDescending: false }))
    .limit(limit)
    .execute();
  return knownDatabases(at, ids);
}

function notProtected(context: AtOnce, environmentId: string | null) {
  return inEnvironment(context, environmentId).where('state', '!=', sql.lit('protected'));
}

/** Told apart before anything else is looked at. */
function withoutGood(context: AtOnce, environmentId: string | null) {
  return inEnvironment(context, environmentId)
    .where('state', '=', sql.lit('never'))
    .where('good_at', 'is', null);
}

/** The one whose last good backup is the oldest; null where none has one. */
export async function oldestDatabase(
  context: Context,
  environmentId: string | null,
): Promise<KnownDatabase | null> {
  const ids = await newestIn(context.db, environmentId)
    .where('good_at', 'is not', null)
    .orderBy('good_at')
    .orderBy('database_id')
    .limit(1)
    .execute();
  const [oldest] = await knownDatabases(context, ids);
  return oldest ?? null;
}

/** Those that have a good backup, the latest first; at most so many. */
export async function lastGoodDatabases(
  context: Context,
  environmentId: string | null,
  limit: number,
): Promise<readonly KnownDatabase[]> {
  const ids = await newestIn(context.db, environmentId)
    .where('good_at', 'is not', null)
    .orderBy('good_at', 'desc')
    .orderBy('database_id')
    .limit(limit)
    .execute();
  return knownDatabases(context, ids);
}

/** In the order that is asked for, by its index, rather than by joining every database first. */
function newestIn(db: Db, environmentId: string | null) {
  return db
    .selectFrom('newest_backups')
    .select('database_id as id')
    .$if(environmentId !== null, (query) =>
      query.where((eb) =>
        eb.exists(
          eb
            .selectFrom('databases')
            .select('databases.id')
            .whereRef('databases.id', '=', 'newest_backups.database_id')
            .where('databases.environment_id', '=', environmentId ?? ''),
        ),
      ),
    );
}

/** Each engine with each storage that a database of that environment, or (null) of any, has. */
export async function kindsOfDatabases(db: Db, environmentId: string | null) {
  return db
    .selectFrom('databases')
    .select(['type', 'backup_storage_type as storageType', 'backup_spaces_bucket as bucket'])
    .select(sql<number>`case when ${isStorageOff('databases')} then 1 else 0 end`.as('isOff'))
    .distinct()
    .$if(environmentId !== null, (query) => query.where('environment_id', '=', environmentId ?? ''))
    .execute();
}

interface AtOnce extends Context {
  readonly waited: readonly string[];
}

/** What one instant tells: between two queries of a page nothing becomes late. */
async function atOnce({ db, now }: Context): Promise<AtOnce> {
  const at = now();
  return { db, now: () => at, waited: await waitedFor({ db, now: () => at }) };
}

function inEnvironment(context: AtOnce, environmentId: string | null) {
  return statesAt(context, context.waited).$if(environmentId !== null, (query) =>
    query.where('environment_id', '=', environmentId ?? ''),
  );
}

function fitting(context: AtOnce, environmentId: string | null, filter: DatabaseFilter) {
  const { engine, storage } = filter;
  const states = statesOf(filter.state);
  const search = filter.search.trim();
  return inEnvironment(context, environmentId)
    .$if(states !== null, (query) =>
      query.where(
        'state',
        'in',
        (states ?? []).map((state) => sql.lit(state)),
      ),
    )
    .$if(engine !== null, (query) => query.where('known.type', '=', engine ?? ''))
    .$if(storage !== null, (query) => query.where(isStoredIn(storage ?? 'local')))
    .$if(search !== '', (query) => query.where(isFound(context.db, search)));
}

function isStoredIn(storage: StorageFilter): RawBuilder<boolean> {
  if (storage === 'off') return isStorageOff('known');
  if (typeof storage === 'string') return sql`known.backup_storage_type = ${storage}`;
  return sql`(known.backup_storage_type = 'spaces' and known.backup_spaces_bucket = ${storage.bucket})`;
}

/** Whether its backups are to go to the storage, and its environment may not use that. */
export function isStorageOff(table: 'known' | 'databases'): RawBuilder<boolean> {
  const type = sql.ref<string>(`${table}.backup_storage_type`);
  return sql`(${type} = 'spaces' and not ${isEnabledIn(sql.ref(`${table}.environment_id`))})`;
}

/** Ties go by name, then by id: the pages of a list must not overlap. */
function inOrder(db: Db, { by, isDescending }: DatabaseSort): RawBuilder<unknown> {
  const text = (expression: RawBuilder<unknown>) => inBytes(db, expression);
  const name = [text(sql`lower(known.name)`), text(sql`known.name`)];
  const sorts: Readonly<Record<DatabaseSort['by'], readonly RawBuilder<unknown>[]>> = {
    // Of one state, the one whose last good backup is the oldest is the worst.
    state: [badness, text(LAST_GOOD)],
    name,
    engine: [text(sql`known.type`)],
    'last-good': [text(LAST_GOOD)],
    size: [sql`coalesce(known.good_size, -1)`],
  };
  const sorted = sorts[by].map((expression) => (isDescending ? sql`${expression} desc` : expression));
  return sql.join([...sorted, ...name, text(sql`known.id`)], sql`, `);
}

const LAST_GOOD = sql`coalesce(known.good_at, '')`;
