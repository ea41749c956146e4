import { sql } from 'kysely';
import type { Trx } from '../db/schema.ts';

/**
 * Ends the spells of that id, or (without one) all, of which no event tells that they are over: of a damaged backup that is gone or was
 * found to be whole, of pruning that goes on, of a storage that is no longer used.
 */
export async function endWhatIsOver(trx: Trx, id?: string): Promise<void> {
  for (const [typeId, isOver] of ENDS) {
    await trx
      .updateTable('notification_spells')
      .set({ is_open: 0, tell_at: null })
      .where('is_open', '=', 1)
      .where('type_id', '=', typeId)
      .$if(id !== undefined, (query) => query.where('notification_spells.id', '=', id ?? ''))
      .where(isOver)
      .execute();
  }
}

/** What the id of a spell says after its type: see `idOf`. */
const subjectAfter = (typeId: string) =>
  sql`substr(notification_spells.id, ${sql.lit(typeId.length + ':'.length + 1)})`;

const ENDS = [
  [
    'backup.verification_failed',
    sql<boolean>`not exists (select 1 from backups where backups.id = ${subjectAfter('backup.verification_failed')}
      and backups.verification = 'failed' and backups.deleted_at is null)`,
  ],
  [
    'retention.frozen',
    sql<boolean>`not exists (select 1 from retention_freezes
      where retention_freezes.database_id = notification_spells.database_id and retention_freezes.frozen_at is not null)`,
  ],
  [
    'storage.capability_lost',
    sql<boolean>`not exists (select 1 from noted_troubles
      where noted_troubles.id = 'capability:' || ${subjectAfter('storage.capability_lost')})`,
  ],
] as const;
