import type { DrillFailure, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';
import type { Report } from './report.ts';

/** What happened that people may want to be told, by type, with what is told of it. */
export interface EventData {
  /** A backup was read back: it is there. */
  readonly 'backup.completed': {
    readonly databaseName: string;
    readonly backupId: string;
    readonly bytes: number;
    /** By how much its size differs from what is usual, as a share (−0.6: by 60 % less); null where that is not worth a word. */
    readonly sizeChange: number | null;
  };
  /** It ended without one, by itself: nobody has cancelled it, and nothing is uncertain. */
  readonly 'backup.failed': {
    readonly databaseName: string;
    readonly backupId: string;
    readonly step: string;
    readonly error: string;
  };
  /** A stored backup was read in full, and is damaged. */
  readonly 'backup.verification_failed': {
    readonly databaseName: string;
    readonly backupId: string;
    readonly says: string;
  };
  /** Nothing of a database is pruned any more until somebody has looked. */
  readonly 'retention.frozen': {
    readonly databaseName: string;
    readonly reason: string;
    readonly backupId: string | null;
  };
  /** No good backup came within the time in which one must. */
  readonly 'backup.missing': {
    readonly databaseName: string;
    /** When the last good one began, if there is one. */
    readonly lastGoodAt: string | null;
    /** When one had to be there; earlier than the last good one where that is from the future. */
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
  /** A way out does not work: the mail server (`email`), or a channel. */
  readonly 'channel.failed': { readonly channel: string; readonly targetId: string; readonly error: string };
  readonly 'channel.recovered': { readonly channel: string; readonly targetId: string };
  /** Of the disk with the app's own data, in bytes. */
  readonly 'disk.nearly_full': { readonly free: number; readonly total: number };
  readonly 'disk.recovered': { readonly free: number; readonly total: number };
  /** What a test of the storage found to work, and now does not; `capability` names it, `capabilityId` is it at that bucket. */
  readonly 'storage.capability_lost': StorageCapability & { readonly says: string };
  readonly 'storage.capability_recovered': StorageCapability & { readonly lostSince: string };
  /** An API token that expires soon: of that user, or (null) of a service account. */
  readonly 'token.ending': {
    readonly name: string;
    readonly prefix: string;
    readonly userId: string | null;
    readonly ownerName: string;
    readonly expiresAt: string;
  };
  /** A certificate that ends soon, or has; `what` it is of, and what to do. */
  readonly 'certificate.ending': {
    readonly what: string;
    readonly expiresAt: string;
    readonly isOver: boolean;
    readonly advice: string;
  };
  /** How things stand, of the week that began on that Monday (`2026-02-23`, by the installation's clock). */
  readonly 'report.weekly': { readonly week: string; readonly report: Report };
}

interface StorageCapability {
  readonly capabilityId: string;
  readonly bucket: string;
  readonly capability: string;
}

export type EventType = keyof EventData;

export interface NewEvent<Type extends keyof EventData> {
  readonly type: Type;
  /** Null: it is about none, but about the installation. */
  readonly databaseId: string | null;
  readonly environmentId: string | null;
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
