import { findBackup } from '../backups/backups.ts';
import { readContents } from '../backups/contents.ts';
import type { Db } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import { needsOf } from './needs.ts';
import type { DumpFacts } from './open-target.ts';

export interface KnownDump extends DumpFacts {
  /** Null where nobody knows. */
  readonly contents: DumpContents | null;
}

/** What was recorded of a backup's dump when it was made. */
export async function factsOf(db: Db, backupId: string): Promise<KnownDump> {
  const backup = await findBackup(db, backupId);
  const estimated = backup?.estimated_bytes ?? null;
  const contents = await readContents(db, backupId);
  return {
    format: backup?.format ?? null,
    serverVersion: backup?.server_version ?? null,
    clientVersion: backup?.client_version ?? null,
    expectedBytes: estimated === null ? null : Number(estimated),
    dumpBytes: Number(backup?.bytes_read ?? 0) || null,
    needs: needsOf(contents),
    encoding: contents?.encoding,
    contents,
  };
}
