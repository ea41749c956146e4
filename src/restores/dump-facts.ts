import { findBackup } from '../backups/backups.ts';
import { readContents } from '../backups/contents.ts';
import type { Db } from '../db/schema.ts';
import type { DumpContents } from '../engines/contents.ts';
import type { RestoreNeeds } from '../engines/restore.ts';
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

/**
 * What has to be there before the dump can be restored; null where nobody knows. Of a policy for nobody in particular a first version
 * noted a role `CREATE`: a restore that needs a role of that very name fails at it by itself, and nothing stays.
 */
export function needsOf(contents: Pick<DumpContents, 'extensions' | 'roles'> | null): RestoreNeeds | null {
  if (contents === null) return null;
  const { extensions, roles } = contents;
  return { extensions, roles: roles.filter((role) => role !== 'CREATE') };
}
