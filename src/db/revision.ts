import { sql } from 'kysely';
import { isPostgres } from './kind.ts';
import type { Db } from './schema.ts';

/**
 * Another text after each write, whoever wrote: as long as it is the same, so is all that can be read. Null where that can't be told
 * for less than a question costs (PostgreSQL).
 */
export async function revisionOf(db: Db): Promise<string | null> {
  if (isPostgres(db)) return null;
  const { rows } = await sql<{
    readonly own: number;
    readonly others: number;
  }>`select total_changes() as own, (select data_version from pragma_data_version) as others`.execute(db);
  const [row] = rows;
  return row === undefined ? null : `${row.own} ${row.others}`;
}
