import * as z from 'zod';
import type { BackupRow, Db, Trx } from '../db/schema.ts';
import type { DumpContents, DumpedTable, NamedObject } from '../engines/contents.ts';

const named = z.object({ schema: z.string().nullable(), name: z.string() });

/** JSON's shape of `DumpContents`. */
export const contentsShape = z.object({
  tables: z.array(
    z.object({
      schema: z.string().nullable(),
      name: z.string(),
      rows: z.number().nullable(),
      definition: z.string().nullable(),
      isPartitioned: z.boolean().optional(),
      partitionOf: named.optional(),
    }),
  ),
  largeObjects: z.number(),
  extensions: z.array(z.string()),
  roles: z.array(z.string()),
  others: z.array(named).optional(),
  encoding: z.string().optional(),
});

/** What the backup holds; null where it is not known: it was made before anything was counted, or holds too many tables. */
export function contentsOf(row: Pick<BackupRow, 'contents'>): DumpContents | null {
  return row.contents === null ? null : contentsShape.parse(JSON.parse(row.contents));
}

/** As the column holds it. */
export function contentsText(found: DumpContents | null): string | null {
  return found === null ? null : JSON.stringify(found);
}

/** What a backup holds; null also where there is no such backup. */
export async function readContents(db: Db | Trx, backupId: string): Promise<DumpContents | null> {
  const row = await db.selectFrom('backups').select('contents').where('id', '=', backupId).executeTakeFirst();
  return row === undefined ? null : contentsOf(row);
}

/**
 * Whether a table's name means the same in both. Before the encoding of a dump was looked at, all names were read as UTF-8: those of
 * another encoding were written down wrong, but for ASCII.
 */
export function isNameComparable(
  { schema, name }: NamedObject,
  one: Pick<DumpContents, 'encoding'>,
  other: Pick<DumpContents, 'encoding'>,
): boolean {
  return one.encoding === other.encoding || /^[\0-\x7f]*$/.test(`${schema ?? ''}${name}`);
}

/** Whether the rows of each table are known. */
export function isCounted(contents: DumpContents | null): contents is DumpContents {
  return contents?.tables.every(({ rows }) => rows !== null) ?? false;
}

/** How definitions are read may differ between versions; what is counted does not. */
export function countsOf(contents: DumpContents | null): DumpContents | null {
  if (contents === null) return null;
  return { ...contents, tables: contents.tables.map((table) => ({ ...table, definition: null })) };
}

/** How what was found differs from what was counted before, a sentence; null where nothing differs that was known. */
export function contentsDiffer(known: DumpContents | null, found: DumpContents | null): string | null {
  if (known === null || found === null) return null;
  const key = ({ schema, name }: DumpedTable) => JSON.stringify([schema, name]);
  const isComparable = (table: DumpedTable) => isNameComparable(table, known, found);
  const there = new Map(found.tables.filter(isComparable).map((table) => [key(table), table]));
  for (const table of known.tables.filter(isComparable)) {
    const name = table.schema === null ? table.name : `${table.schema}.${table.name}`;
    const other = there.get(key(table));
    if (other === undefined) return `The table ${name} is not in it any more.`;
    there.delete(key(table));
    if (table.rows !== null && other.rows !== null && table.rows !== other.rows) {
      return `The table ${name} has ${other.rows} rows in it instead of the ${table.rows} that were counted when it was made.`;
    }
    if (table.definition !== null && other.definition !== null && table.definition !== other.definition) {
      return `The definition of the table ${name} is another one than when it was made.`;
    }
  }
  const [more] = there.values();
  if (more !== undefined) return `It holds a table ${more.name} that was not in it when it was made.`;
  if (known.largeObjects === found.largeObjects) return null;
  return `It holds ${found.largeObjects} large objects instead of the ${known.largeObjects} that were counted when it was made.`;
}
