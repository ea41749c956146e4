import type { Db } from '../db/schema.ts';
import type { Database } from './databases.ts';

/** Of those that share a prefix, which may be all there are. */
const MOST_NAMED = 5;

/** What is allowed about the bucket and prefix of a database, but seldom meant: a sentence each. */
export async function prefixWarnings(db: Db, database: Database): Promise<readonly string[]> {
  const bucket = database.backupSpacesBucket;
  if (database.backupStorageType !== 'spaces' || bucket === null) return [];
  const prefix = database.backupSpacesPrefix ?? '';
  const sharing = await db
    .selectFrom('databases')
    .innerJoin('environments', 'environments.id', 'databases.environment_id')
    .select(['databases.name', 'environments.name as environment'])
    .where('databases.id', '!=', database.id)
    .where('backup_storage_type', '=', 'spaces')
    .where('backup_spaces_bucket', '=', bucket)
    .where((eb) =>
      prefix === ''
        ? eb.or([eb('backup_spaces_prefix', '=', ''), eb('backup_spaces_prefix', 'is', null)])
        : eb('backup_spaces_prefix', '=', prefix),
    )
    .orderBy('databases.id')
    .limit(MOST_NAMED + 1)
    .execute();
  const names = sharing.map(({ name, environment }) => `${name} (${environment})`);
  const named =
    names.slice(0, MOST_NAMED).sort().join(', ') + (names.length > MOST_NAMED ? ' and others' : '');
  return [
    ...(names.length === 0
      ? []
      : [
          `${named} ${names.length === 1 ? 'backs' : 'back'} up under the same prefix ${where(bucket, prefix)}. ` +
            'Their files will lie side by side: give each a prefix of its own.',
        ]),
    ...(prefix === '' || prefix.endsWith('/')
      ? []
      : [
          `The prefix ${prefix} does not end with /: file names will follow it directly, as in ${prefix}appdb-….`,
        ]),
  ];
}

const where = (bucket: string, prefix: string) =>
  prefix === '' ? `of the bucket ${bucket}: none` : `in the bucket ${bucket}: ${prefix}`;
