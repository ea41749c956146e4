import { readdirSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { sql } from 'kysely';
import { AppError } from '../../errors.ts';
import type { Db } from '../schema.ts';

/**
 * What tells that an installation lives in the folder of this database file, by the names of its files: its keys, the copies
 * that are made before an upgrade, and a lock that is marked as used.
 */
export function signsOfInstallation(file: string, isUsed: boolean): readonly string[] {
  const isCopy = (entry: string) => entry.startsWith(`${basename(file)}.before-`);
  const signs = readdirSync(dirname(file)).filter(
    (entry) => entry === 'master.key' || entry === 'master.key.previous' || isCopy(entry),
  );
  return isUsed ? [...signs, 'lock.sqlite'] : signs;
}

/**
 * No new installation over an old one. To be called before the file is opened, which would make it and throw away what is in
 * its -wal. Throws `config` for an absent or empty file where there are signs.
 */
export function refuseLostFile(file: string, signs: readonly string[]): void {
  if (sizeOf(file) > 0) return;
  const wal = `${file}-wal`;
  const all = sizeOf(wal) > 0 ? [...signs, basename(wal)] : signs;
  if (all.length > 0) throw lost(file, 'is missing or empty', all);
}

/** The same for a file without a table in it. Also throws `config` for the database of another program. */
export async function refuseForeignContent(db: Db, file: string, signs: readonly string[]): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (tables.some((table) => table.name === 'kysely_migration')) return;
  if (tables.length > 0) {
    throw new AppError(
      'config',
      `${file} is the database of another program (it has the table "${tables[0]?.name}"). Nothing was changed. Put the ` +
        'database of this app there, or set DATA_DIR to another folder.',
    );
  }
  if (signs.length > 0) throw lost(file, 'has nothing in it', signs);
}

/** Of PostgreSQL: throws `config` where another program has tables in the schema that ours would be made in. */
export async function refuseForeignTables(db: Db): Promise<void> {
  // What an extension brought is no program's.
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class
    where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace
      and not exists (select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype = 'e')
    order by relname`.execute(db);
  if (rows.length === 0 || rows.some(({ name }) => name === 'kysely_migration')) return;
  throw new AppError(
    'config',
    `The database of DATABASE_URL is that of another program (it has the table "${rows[0]?.name}"). Nothing was changed. ` +
      'Make a database of its own for this app.',
  );
}

function lost(file: string, what: string, signs: readonly string[]): AppError {
  return new AppError(
    'config',
    `The database ${file} ${what}, but ${dirname(file)} was used before: it holds ${signs.join(', ')}. Nothing was changed. ` +
      'Put a copy of the database in its place (docs/operations.md, "Backing up the app"); for a new installation, use an ' +
      'empty folder.',
  );
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
