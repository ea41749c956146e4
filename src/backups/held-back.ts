import { type RawBuilder, sql } from 'kysely';
import { isEnabledIn } from '../storage/enabled.ts';

/**
 * What keeps the backups of a database from being made, as it is set: they are to go to the storage, and its environment may not use
 * that, or no bucket is chosen. What writes to the disk of a host is never held back so.
 */
export const HELD_BACK = ['storage_off', 'no_bucket'] as const;
export type HeldBack = (typeof HELD_BACK)[number];

/** Of each row of `databases`; null where nothing is in the way. */
export const heldBack: RawBuilder<HeldBack | null> = sql`case
  when databases.backup_storage_type <> 'spaces' then null
  when not ${isEnabledIn(sql.ref('databases.environment_id'))} then 'storage_off'
  when coalesce(databases.backup_spaces_bucket, '') = '' then 'no_bucket' end`;

/** The same by the id alone, without a look at each database: those that are held back are found by indexes, and as a rule are none. */
export function heldBackById(databaseId: string): RawBuilder<HeldBack | null> {
  return sql`case
    when ${sql.ref(databaseId)} in (select databases.id from databases
      where databases.backup_storage_type = 'spaces' and databases.environment_id in (
        select environments.id from environments where not ${isEnabledIn(sql.ref('environments.id'))}))
    then 'storage_off'
    when ${sql.ref(databaseId)} in (select databases.id from databases
      where databases.backup_storage_type = 'spaces'
        and (databases.backup_spaces_bucket is null or databases.backup_spaces_bucket = ''))
    then 'no_bucket' end`;
}
