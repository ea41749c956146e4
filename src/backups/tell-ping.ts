import type { Trx } from '../db/schema.ts';
import { queuePing } from '../pings/queue-ping.ts';
import type { BackupError } from './step-error.ts';

/** A run that the dead man's switch of its database is told of. */
interface Told {
  readonly id: string;
  readonly database_id: string;
  readonly filename: string;
}

export async function tellStart(trx: Trx, backupId: string, now: Date): Promise<void> {
  const backup = await trx
    .selectFrom('backups')
    .innerJoin('ping_targets', 'ping_targets.id', 'backups.database_id')
    .select(['backups.id', 'backups.database_id', 'backups.filename'])
    .where('backups.id', '=', backupId)
    .executeTakeFirst();
  if (backup === undefined) return;
  await queuePing(trx, { ...of(backup), kind: 'start', body: () => `The backup ${backup.id} began.` }, now);
}

/** With the figures, a line each. */
export async function tellSuccess(
  trx: Trx,
  backup: Told,
  run: { readonly bytes: number; readonly seconds?: number; readonly sha256: string | null },
  now: Date,
): Promise<void> {
  const body = () =>
    [
      `backup: ${backup.id}`,
      `file: ${backup.filename}`,
      `bytes: ${run.bytes}`,
      ...(run.seconds === undefined ? [] : [`seconds: ${run.seconds}`]),
      ...(run.sha256 === null ? [] : [`sha256: ${run.sha256}`]),
    ].join('\n');
  await queuePing(trx, { ...of(backup), kind: 'success', body }, now);
}

export async function tellFailure(
  trx: Trx,
  backup: Told,
  { step, message }: Pick<BackupError, 'step' | 'message'>,
  now: Date,
): Promise<void> {
  const body = () => [`backup: ${backup.id}`, `step: ${step}`, message].join('\n');
  await queuePing(trx, { ...of(backup), kind: 'fail', body }, now);
}

const of = ({ id, database_id: databaseId }: Told) => ({ databaseId, runId: id });
