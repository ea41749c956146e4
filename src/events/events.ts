import type { DrillFailure, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';

/** What happened that people may want to be told, by type, with what is told of it. */
export interface EventData {
  /** No good backup came within the time in which one must. */
  readonly 'backup.missing': {
    readonly databaseName: string;
    /** When the last good one began, if there is one. */
    readonly lastGoodAt: string | null;
    /** When one had to be there. */
    readonly dueAt: string;
  };
  readonly 'backup.recovered': {
    readonly databaseName: string;
    readonly lastGoodAt: string;
    readonly missingSince: string;
  };
  /** Backups were pruned by a policy that somebody changed. */
  readonly 'backup.policy_first_prune': {
    readonly databaseName: string;
    readonly pruned: number;
    readonly bytesFreed: number;
  };
  /** Backups that are to go could not be removed; told once of each, and not of each try. */
  readonly 'backup.rotation_error': {
    readonly databaseName: string;
    readonly failed: number;
    /** Of the first of them. */
    readonly error: string;
  };
  /** A backup was restored, and had all that it was to have. */
  readonly 'drill.succeeded': {
    readonly databaseName: string;
    readonly backupId: string;
    readonly restoreMs: number;
    readonly bytes: number;
  };
  /** Only `damaged` says something of the backup; the others of the place that it was restored to. */
  readonly 'drill.failed': {
    readonly databaseName: string;
    readonly backupId: string;
    readonly failure: DrillFailure;
    /** In the server's own words where there are any. */
    readonly says: string;
  };
}

export interface NewEvent<Type extends keyof EventData> {
  readonly type: Type;
  readonly databaseId: string;
  readonly environmentId: string;
  readonly data: EventData[Type];
}

/** Writes what happened, in the transaction in which it does; whoever tells people of it reads the rows. */
export async function recordEvent<Type extends keyof EventData>(
  trx: Trx,
  event: NewEvent<Type>,
  now: Date,
): Promise<void> {
  await trx
    .insertInto('events')
    .values({
      id: newId(),
      type: event.type,
      database_id: event.databaseId,
      environment_id: event.environmentId,
      data: JSON.stringify(event.data),
      created_at: now.toISOString(),
    })
    .execute();
}
