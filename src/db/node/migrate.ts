import { chmod, rm } from 'node:fs/promises';
import { sql } from 'kysely';
import { type Migration, type MigrationResultSet, Migrator } from 'kysely/migration';
import { migrations as ourMigrations } from '../../../migrations/index.ts';
import { AppError, isAppError } from '../../errors.ts';
import { isPostgres } from '../kind.ts';
import type { Db } from '../schema.ts';
import { isBusy, untilFree } from '../write.ts';
import { analyse } from './statistics.ts';

export interface MigrateOptions {
  /** The SQLite file, copied beside itself before a change; null where there is none (memory, PostgreSQL). */
  readonly file: string | null;
  readonly now: () => Date;
  readonly migrations?: Readonly<Record<string, Migration>>;
}

/**
 * Brings the schema up to date and gives the path of the copy made before, if one was. A failing migration leaves the
 * schema as it was. Throws `config` for a schema newer than this version, `internal` for a migration that failed.
 */
export async function migrate(db: Db, options: MigrateOptions): Promise<{ copy: string | null }> {
  const migrations = options.migrations ?? ourMigrations;
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    ...(isPostgres(db) ? { migrationTableSchema: await currentSchema(db) } : {}),
  });
  const executed = await executedMigrations(db);
  const unknown = executed.filter((name) => !(name in migrations));
  if (unknown.length > 0) {
    throw new AppError(
      'config',
      `The data was written by a newer version of this program (it has ${unknown.join(', ')}). ` +
        `Start that version, or restore ${isPostgres(db) ? 'a dump' : 'the copy'} of the database${isPostgres(db) ? '' : ' file'} made before the upgrade.`,
    );
  }
  const pending = Object.keys(migrations).filter((name) => !executed.includes(name));
  if (pending.length === 0) return { copy: null };
  const copy =
    executed.length > 0 && options.file !== null ? await copyBeside(db, options.file, options.now()) : null;
  const { error, results } = await migrateAll(migrator);
  if (error !== undefined) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName ?? 'unknown';
    // The disk or a lock, not the migration.
    if (isAppError(error))
      throw new AppError(error.code, `${error.message} The data is as it was before.`, { cause: error });
    throw new AppError('internal', `Migration ${failed} failed; the data is as it was before.`, {
      cause: error,
    });
  }
  await untilFree(() => analyse(db));
  return { copy };
}

/** Waits for a lock that another program holds, as `write` does. */
function migrateAll(migrator: Migrator): Promise<MigrationResultSet> {
  return untilFree(async () => {
    const result = await migrator.migrateToLatest();
    if (isBusy(result.error)) throw result.error;
    return result;
  });
}

/** For who may not migrate: throws `config` unless the schema is exactly the one of this version. */
export async function checkMigrated(db: Db): Promise<void> {
  const executed = await executedMigrations(db);
  if (executed.join() === Object.keys(ourMigrations).sort().join()) return;
  throw new AppError(
    'config',
    'The data was written by another version of this program, or by none. Run this command with the version that ' +
      'runs on it, after its first start.',
  );
}

async function executedMigrations(db: Db): Promise<readonly string[]> {
  if (!(await hasMigrations(db))) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
  return rows.map((row) => row.name).sort();
}

/** Of PostgreSQL, other schemas may be other programs', with migrations of their own. */
async function hasMigrations(db: Db): Promise<boolean> {
  const schema = isPostgres(db) ? await currentSchema(db) : undefined;
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  return tables.some((table) => table.name === 'kysely_migration' && table.schema === schema);
}

/** Where tables are made and looked for. Throws `config` where the user has none. */
async function currentSchema(db: Db): Promise<string> {
  const { rows } = await sql<{ name: string | null }>`select current_schema() as name`.execute(db);
  const name = rows[0]?.name;
  if (name) return name;
  throw new AppError(
    'config',
    'The user of DATABASE_URL has no schema to make tables in: its search_path names none that it may use.',
  );
}

/** A copy that is whole even while the WAL holds pages that the file does not. */
async function copyBeside(db: Db, file: string, now: Date): Promise<string> {
  const copy = `${file}.before-${now.toISOString().replaceAll(/[:.]/g, '-')}`;
  try {
    await sql`vacuum into ${copy}`.execute(db);
  } catch (error) {
    await rm(copy, { force: true });
    throw error;
  }
  await chmod(copy, 0o600);
  return copy;
}
