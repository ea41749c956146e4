import type { DumpContents } from '../engines/contents.ts';
import type { RestoreNeeds } from '../engines/restore.ts';

/**
 * What has to be there before the dump can be restored; null where nobody knows. Of a policy for nobody in particular a first version
 * noted a role `CREATE`: a restore that needs a role of that very name fails at it by itself, and nothing stays.
 */
export function needsOf(contents: Pick<DumpContents, 'extensions' | 'roles'> | null): RestoreNeeds | null {
  if (contents === null) return null;
  const { extensions, roles } = contents;
  return { extensions, roles: roles.filter((role) => role !== 'CREATE') };
}
