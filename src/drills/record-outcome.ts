import { auditEntry, recordAudit } from '../audit/audit.ts';
import type { Stored } from '../backups/stored.ts';
import type { DrillFailure, RestoreRow, Trx } from '../db/schema.ts';
import { recordEvent } from '../events/events.ts';
import { type Measured, recordRestored, saveRestoreState } from '../restores/record-restored.ts';

type DrilledRestore = Pick<
  RestoreRow,
  'id' | 'backup_id' | 'database_id' | 'environment_id' | 'new_name' | 'asked_by_id'
>;

interface About {
  /** Of the drill. */
  readonly restore: DrilledRestore;
  readonly at: Date;
}

/** A backup was restored, compared and checked. Its proof, what is known of the database, the event and the audit are one write. */
export async function recordProven(
  trx: Trx,
  { restoreMs, dumpBytes: bytes }: Measured,
  { restore, at, stored }: About & { readonly stored: Stored },
): Promise<void> {
  const now = at.toISOString();
  await recordRestored(trx, { restoreMs, dumpBytes: bytes }, { restore, stored, at });
  await trx
    .updateTable('drills')
    .set({ outcome: 'proven', restore_ms: restoreMs, bytes, ended_at: now })
    .where('id', '=', restore.id)
    .execute();
  const nothingFailed = { failed_at: null, failed_drill_id: null, failure: null, says: null };
  await saveRestoreState(trx, restore.database_id, nothingFailed);
  const data = { backupId: restore.backup_id, restoreMs, bytes };
  await recordEvent(trx, { type: 'drill.succeeded', ...(await eventOf(trx, restore, data)) }, at);
  const of = { id: restore.backup_id, environmentId: restore.environment_id };
  const actor = { userId: restore.asked_by_id, address: null };
  const details = { runId: restore.id, name: restore.new_name, restoreMs, bytes };
  await recordAudit(trx, actor, auditEntry('backup', 'drill.proven', of, { details }), at);
}

/** It failed: what is known of the database, the event and the audit, in the write of what is said of a damaged backup. */
export async function recordFailed(
  trx: Trx,
  { failure, says }: { readonly failure: DrillFailure; readonly says: string },
  { restore, at }: About,
): Promise<void> {
  const now = at.toISOString();
  await trx
    .updateTable('drills')
    .set({ outcome: 'failed', failure, says, ended_at: now })
    .where('id', '=', restore.id)
    .execute();
  await saveRestoreState(trx, restore.database_id, {
    ...{ failed_at: now, failed_drill_id: restore.id, failure, says },
  });
  const data = { backupId: restore.backup_id, failure, says };
  await recordEvent(trx, { type: 'drill.failed', ...(await eventOf(trx, restore, data)) }, at);
  const of = { id: restore.backup_id, environmentId: restore.environment_id };
  const actor = { userId: restore.asked_by_id, address: null };
  const details = { runId: restore.id, name: restore.new_name, failure };
  await recordAudit(trx, actor, auditEntry('backup', 'drill.failed', of, { details, error: says }), at);
}

/** The environment is the database's: that is who is to be told. */
async function eventOf<Data extends object>(
  trx: Trx,
  { database_id: databaseId }: DrilledRestore,
  data: Data,
) {
  const { name, environment_id: environmentId } = await trx
    .selectFrom('databases')
    .select(['name', 'environment_id'])
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  return { databaseId, environmentId, data: { databaseName: name, ...data } };
}
