import { contentsDiffer, contentsText, countsOf, isCounted } from '../../backups/contents.ts';
import type { Stored } from '../../backups/stored.ts';
import type { Db } from '../../db/schema.ts';
import { write } from '../../db/write.ts';
import type { DumpContents } from '../../engines/contents.ts';
import { AppError } from '../../errors.ts';
import type { DumpSource } from './feed-dump.ts';

export interface Counting {
  readonly source: DumpSource;
  /** What the dump held, once all of it was proven; null where that was known before, or is not told. */
  found(): DumpContents | null;
}

/**
 * The same dump, whose rows are counted while they are loaded where not all of them are known: those in compressed blocks of an archive
 * are not, before it was read in full. Its reading throws `storage_mismatch` where it holds other than is known.
 */
export function countOnTheWay(stored: DumpSource & Pick<Stored, 'contents'>): Counting {
  if (isCounted(stored.contents)) return { source: stored, found: () => null };
  let found: DumpContents | null = null;
  const check: DumpSource['check'] = (proof) => {
    found = proof.contents?.() ?? null;
    const differ = contentsDiffer(countsOf(stored.contents), countsOf(found));
    if (differ !== null) {
      throw new AppError('storage_mismatch', `What is stored is not the dump that was made: ${differ}`);
    }
  };
  return { source: { ...stored, check }, found: () => found };
}

/** With the rows that were found of those tables whose rows were not known. */
export function withRows(known: DumpContents | null, found: DumpContents | null): DumpContents | null {
  if (known === null || found === null) return known ?? found;
  const keyOf = ({ schema, name }: { schema: string | null; name: string }) => JSON.stringify([schema, name]);
  const rows = new Map(found.tables.map((table) => [keyOf(table), table.rows]));
  const tables = known.tables.map((table) => ({
    ...table,
    rows: table.rows ?? rows.get(keyOf(table)) ?? null,
  }));
  return { ...known, tables };
}

/** Writes down what was found, as a reading in full does, and has the manifest tell it. */
export async function recordFound(
  db: Db,
  { backupId }: Pick<Stored, 'backupId'>,
  contents: DumpContents | null,
  at: Date,
): Promise<void> {
  if (contents === null) return;
  await write(db, (trx) =>
    trx
      .updateTable('backups')
      .set({ contents: contentsText(contents), manifest_due_at: at.toISOString() })
      .where('id', '=', backupId)
      .where('status', '=', 'completed')
      .execute(),
  );
}
