import * as z from 'zod';
import type { BackupRow, Db, Trx } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';

const contents = z.object({
  tables: z.array(
    z.object({
      schema: z.string().nullable(),
      name: z.string(),
      rows: z.number().nullable(),
      definition: z.string().nullable(),
    }),
  ),
  largeObjects: z.number(),
  extensions: z.array(z.string()),
  roles: z.array(z.string()),
});

/** What the backup holds; null where it is not known: it was made before anything was counted, or holds too many tables. */
export function contentsOf(row: Pick<BackupRow, 'contents'>): DumpContents | null {
  return row.contents === null ? null : contents.parse(JSON.parse(row.contents));
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
