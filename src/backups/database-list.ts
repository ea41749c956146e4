import * as z from 'zod';
import type { Db } from '../db/schema.ts';
import type { Page } from '../page.ts';
import {
  PROTECTIONS,
  type Protection,
  type ProtectionFacts,
  type ProtectionState,
  protection,
} from './protection.ts';
import { factsOf, withNewest } from './protection-of.ts';

/** A database as lists show it. */
export interface KnownDatabase {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly environmentId: string;
  readonly environmentName: string;
  /** Null: the app's own machine. */
  readonly serverName: string | null;
  /** Of an engine that backs up files. */
  readonly filePath: string | null;
  readonly storageType: 'local' | 'spaces';
  readonly bucket: string | null;
  readonly protection: Protection;
  /** Its newest backup that ended by itself. */
  readonly lastEnded: ProtectionFacts['lastEnded'];
  /** When the next run begins by itself; null where none does. */
  readonly nextRunAt: string | null;
  /** Bytes of the last good backup; null where there is none. */
  readonly size: number | null;
}

export interface DatabaseFilter {
  /** Part of a name, a server, an environment or a file, in any case; empty for all. */
  readonly search: string;
  readonly state: ProtectionState | null;
  readonly engine: string | null;
  readonly storage: KnownDatabase['storageType'] | null;
}

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
  readonly counts: Readonly<Record<ProtectionState, number>>;
}

/**
 * Every database of that environment, or (null) of all, with whether it is safe. One row each and a few steps in an index:
 * an installation has thousands of databases, and hundreds of backups of each.
 */
export async function knownDatabases(
  { db, now }: { readonly db: Db; readonly now: () => Date },
  environmentId: string | null,
): Promise<readonly KnownDatabase[]> {
  const at = now();
  const rows = await withNewest(db)
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .leftJoin('servers', 'servers.id', 'databases.server_id')
    .leftJoin('backups as good', 'good.id', 'newest_backups.good_id')
    .select(['databases.name', 'databases.type', 'databases.environment_id', 'databases.options'])
    .select(['databases.backup_storage_type', 'databases.backup_spaces_bucket'])
    .select(['environments.name as environment_name', 'servers.name as server_name'])
    .select('good.size as good_size')
    .$if(environmentId !== null, (query) => query.where('databases.environment_id', '=', environmentId ?? ''))
    .execute();
  return rows.map((row) => {
    const facts = factsOf(row);
    return { ...toKnown(row), protection: protection(facts, at), lastEnded: facts.lastEnded };
  });
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly environment_id: string;
  readonly environment_name: string;
  readonly server_name: string | null;
  readonly options: string;
  readonly backup_storage_type: KnownDatabase['storageType'];
  readonly backup_spaces_bucket: string | null;
  readonly good_size: number | null;
  readonly is_paused: number | null;
  readonly run_at: string | null;
}

function toKnown(row: Row): Omit<KnownDatabase, 'protection' | 'lastEnded'> {
  return {
    id: row.id,
    name: row.name,
    type: row.type,
    environmentId: row.environment_id,
    environmentName: row.environment_name,
    serverName: row.server_name,
    filePath: filePathIn(row.options),
    storageType: row.backup_storage_type,
    bucket: row.backup_spaces_bucket,
    nextRunAt: row.is_paused === 1 ? null : row.run_at,
    size: row.good_size === null ? null : Number(row.good_size),
  };
}

/** A page of what the filter finds. */
export function findDatabases(
  known: readonly KnownDatabase[],
  filter: DatabaseFilter,
  sort: DatabaseSort,
  page: Page,
): FoundDatabases {
  const ofAnyState = known.filter((database) => fits(database, filter));
  const found =
    filter.state === null
      ? ofAnyState
      : ofAnyState.filter((database) => database.protection.state === filter.state);
  const sorted = found.toSorted(comparing(sort));
  return {
    databases: sorted.slice(page.offset, page.offset + page.limit),
    total: found.length,
    counts: countStates(ofAnyState),
  };
}

/** How many there are of each state. */
export function countStates(known: readonly KnownDatabase[]): Readonly<Record<ProtectionState, number>> {
  const counts = { never: 0, late: 0, failing: 0, paused: 0, protected: 0 };
  for (const {
    protection: { state },
  } of known)
    counts[state] += 1;
  return counts;
}

function fits(database: KnownDatabase, { search, engine, storage }: DatabaseFilter): boolean {
  if (engine !== null && database.type !== engine) return false;
  if (storage !== null && database.storageType !== storage) return false;
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return true;
  const { name, serverName, environmentName, filePath } = database;
  return [name, serverName, environmentName, filePath].some((text) => text?.toLowerCase().includes(wanted));
}

type Comparison = (one: KnownDatabase, other: KnownDatabase) => number;

/** Ties go by name, then by id: the pages of a list must not overlap. */
function comparing({ by, isDescending }: DatabaseSort): Comparison {
  const compare = COMPARISONS[by];
  const sign = isDescending ? -1 : 1;
  return (one, other) => sign * compare(one, other) || byName(one, other) || compareText(one.id, other.id);
}

const compareText = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);
const byName: Comparison = (one, other) =>
  compareText(one.name.toLowerCase(), other.name.toLowerCase()) || compareText(one.name, other.name);
const lastGoodAt = ({ protection: { lastGood } }: KnownDatabase) => lastGood?.at ?? '';
const badness = ({ protection: { state } }: KnownDatabase) => PROTECTIONS.indexOf(state);

const COMPARISONS: Readonly<Record<DatabaseSort['by'], Comparison>> = {
  // Of one state, the one whose last good backup is the oldest is the worst.
  state: (one, other) => badness(one) - badness(other) || compareText(lastGoodAt(one), lastGoodAt(other)),
  name: byName,
  engine: (one, other) => compareText(one.type, other.type),
  'last-good': (one, other) => compareText(lastGoodAt(one), lastGoodAt(other)),
  size: (one, other) => (one.size ?? -1) - (other.size ?? -1),
};

const withFile = z.object({ filePath: z.string().min(1) });

function filePathIn(options: string): string | null {
  // Most have none, and to parse thousands of texts takes its time.
  if (!options.includes('"filePath"')) return null;
  const parsed = withFile.safeParse(JSON.parse(options));
  return parsed.success ? parsed.data.filePath : null;
}
