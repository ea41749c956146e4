import { sql } from 'kysely';
import * as z from 'zod';
import type { Db, Trx } from '../db/schema.ts';
import type { DumpContents, DumpedTable } from '../engines/contents.ts';
import { isNameComparable, readContents } from './contents.ts';

/** What a backup no longer held, though each of those before it did. */
export interface VanishedTables {
  readonly count: number;
  /** Of the first few, by schema and name. */
  readonly firstNames: readonly string[];
}

/** So many good ones before it tell what a database holds as a rule; fewer tell nothing. */
const COMPARED = 3;
/** Among so many of the newest good ones those are looked for whose tables are known. */
const LOOKED_AT = 10;
const NAMED = 3;
const LONGEST_NAME = 80;

/**
 * The tables that were in each of the backups before and are not in this one. A table that comes and goes is none of them.
 * Null where nothing vanished, or fewer than three tell what there was.
 */
export function vanishedTables(found: DumpContents, before: readonly DumpContents[]): VanishedTables | null {
  const [last, ...others] = before;
  if (last === undefined || before.length < COMPARED) return null;
  const there = new Set(found.tables.map(keyOf));
  const known = others.map(({ tables }) => new Set(tables.map(keyOf)));
  const gone = last.tables.filter((table) => {
    const key = keyOf(table);
    return !there.has(key) && known.every((keys) => keys.has(key)) && isNameComparable(table, last, found);
  });
  if (gone.length === 0) return null;
  return { count: gone.length, firstNames: gone.slice(0, NAMED).map(nameOf) };
}

/** Those of a backup that ends now, against the last good ones of its database. Null also where nobody knows what it holds. */
export async function findVanished(
  db: Db,
  backupId: string,
  found: DumpContents | null,
): Promise<VanishedTables | null> {
  if (found === null) return null;
  const before: DumpContents[] = [];
  for (const { id } of await goodBefore(db, backupId)) {
    const contents = await readContents(db, id);
    if (contents !== null) before.push(contents);
    if (before.length === COMPARED) break;
  }
  return vanishedTables(found, before);
}

/** To be called in the transaction in which the backup ends well. */
export async function recordVanished(
  trx: Trx,
  backup: { readonly id: string; readonly database_id: string },
  { count, firstNames }: VanishedTables,
): Promise<void> {
  const { id: backup_id, database_id } = backup;
  await trx
    .insertInto('vanished_tables')
    .values({ backup_id, database_id, count, first_names: JSON.stringify(firstNames) })
    .onConflict((conflict) => conflict.column('backup_id').doNothing())
    .execute();
}

const names = z.array(z.string());

/** Of each backup of a database that has any, by its id. */
export async function vanishedOf(
  db: Db | Trx,
  databaseId: string,
): Promise<ReadonlyMap<string, VanishedTables>> {
  const rows = await db
    .selectFrom('vanished_tables')
    .select(['backup_id', 'count', 'first_names'])
    .where('database_id', '=', databaseId)
    .execute();
  return new Map(
    rows.map(({ backup_id, count, first_names }) => [
      backup_id,
      { count: Number(count), firstNames: names.parse(JSON.parse(first_names)) },
    ]),
  );
}

function goodBefore(db: Db, backupId: string) {
  return (
    db
      .selectFrom('backups')
      .select('id')
      .where('database_id', '=', (eb) =>
        eb.selectFrom('backups as this').select('this.database_id').where('this.id', '=', backupId),
      )
      .where('id', '!=', backupId)
      // A literal, as in the index: a parameter could be any status.
      .where('status', '=', sql.lit('completed'))
      .where('deleted_at', 'is', null)
      .where((eb) => eb.or([eb('verification', 'is', null), eb('verification', '!=', 'failed')]))
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(LOOKED_AT)
      .execute()
  );
}

const keyOf = ({ schema, name }: DumpedTable) => JSON.stringify([schema, name]);

function nameOf({ schema, name }: DumpedTable): string {
  const whole = schema === null ? name : `${schema}.${name}`;
  return whole.length > LONGEST_NAME ? `${whole.slice(0, LONGEST_NAME)}…` : whole;
}
