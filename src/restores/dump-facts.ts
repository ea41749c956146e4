import { findBackup } from '../backups/backups.ts';
import type { Db } from '../db/schema.ts';
import type { CountedTable } from '../engines/restore.ts';
import type { DumpFacts } from './open-target.ts';

export interface KnownDump extends DumpFacts {
  /** The tables that it holds, with their rows where they were counted; null where nobody knows. */
  readonly contents: {
    readonly tables: readonly (Omit<CountedTable, 'rows'> & { readonly rows: number | null })[];
  } | null;
}

/** What was recorded of a backup's dump when it was made. */
export async function factsOf(db: Db, backupId: string): Promise<KnownDump> {
  const backup = await findBackup(db, backupId);
  const estimated = backup?.estimated_bytes ?? null;
  return {
    format: backup?.format ?? null,
    serverVersion: backup?.server_version ?? null,
    clientVersion: backup?.client_version ?? null,
    expectedBytes: estimated === null ? null : Number(estimated),
    needs: null,
    contents: null,
  };
}
