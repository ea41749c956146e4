import type { Context } from 'hono';
import * as z from 'zod';
import type { Actor } from '../../audit/audit.ts';
import { changePin, removeBackup, startBackup, stopBackup } from '../../backups/backup-actions.ts';
import type { BackupWait } from '../../backups/backup-ends.ts';
import { type BackupWithTrigger, findBackup, listBackups, progressOf } from '../../backups/backups.ts';
import { readContents } from '../../backups/contents.ts';
import { signedManifest } from '../../backups/manifest.ts';
import { getDatabase, getDatabaseRow } from '../../databases/databases.ts';
import { getEnvironmentRow } from '../../environments/environments.ts';
import { AppError } from '../../errors.ts';
import type { RunProgress } from '../../runs/runs.ts';
import type { Services } from '../../services-port.ts';
import { askVerification } from '../../verifications/ask-verification.ts';
import { downloadFor, sendDownload } from '../download-response.ts';
import { type ApiSession, route } from '../route.ts';
import { wholeDatabase, wireWhole } from './database-shapes.ts';
import { id, instant, pageQuery, SUCCESS, success, total, waitQuery } from './shapes.ts';

const text = z.string().nullable();
/** The contract's `B`, with the added fields (outcome, verification, step, bytes, rate). */
export const backup = z.object({
  id,
  filename: z.string(),
  size: z.number(),
  type: z.enum(['manual', 'scheduled']),
  status: z.enum(['pending', 'in_progress', 'completed', 'failed']),
  error: text,
  storageType: z.enum(['local', 'spaces']),
  storagePath: z.string(),
  progress: z.number(),
  duration: z.number().nullable(),
  createdAt: instant,
  completedAt: instant.nullable(),
  isPinned: z.boolean(),
  pinnedById: text,
  pinnedAt: instant.nullable(),
  lastRotationError: text,
  databaseId: id,
  triggeredById: text,
  triggeredBy: z.object({ id, email: z.string(), name: text }).nullable(),
  outcome: text,
  verification: text,
  verifiedAt: instant.nullable(),
  /** When each was last proven; `restored` by a drill. */
  /** `restored`: all of it was restored, in a drill or in earnest, and had the tables and rows of the dump. */
  proofs: z.object({ bytes: instant.nullable(), parsed: instant.nullable(), restored: instant.nullable() }),
  /** How long the last drill took to restore it. */
  restoreMs: z.number().nullable(),
  verificationError: text,
  startedAt: instant.nullable(),
  step: text,
  bytesRead: z.number(),
  bytesStored: z.number(),
  bytesPerSecond: z.number().nullable(),
  estimatedBytes: z.number().nullable(),
  format: text,
  compression: text,
  sha256: text,
  serverVersion: text,
  clientVersion: text,
  waitingFor: z.enum(['storage', 'host']).nullable(),
  waitingSince: instant.nullable(),
  cancelRequested: z.boolean(),
});

export const asked = z.object({
  backupId: id,
  message: z.string(),
  /** With `?wait=`: as it is at its end, or when that time is over. */
  backup: backup.optional(),
});

const named = z.object({ schema: text, name: z.string() });
/** What its dump holds; null where it is not known. Rows are null where they were not counted yet. */
const contents = z
  .object({
    tables: z.array(
      named.extend({
        rows: z.number().nullable(),
        definition: text,
        isPartitioned: z.boolean().optional(),
        partitionOf: named.optional(),
      }),
    ),
    largeObjects: z.number(),
    extensions: z.array(z.string()),
    roles: z.array(z.string()),
    others: z.array(named).optional(),
    encoding: z.string().optional(),
  })
  .nullable();

export function backupRoutes(services: Services) {
  return [
    route({
      method: 'POST',
      path: '/api/databases/:id/backups',
      access: 'operator',
      summary: 'Back the database up, in the background; with `wait`, answered at its end',
      query: waitQuery,
      answer: asked,
      refusals: [404],
      handle: ({ c, session, params, query, actor }) =>
        askForBackup(services, actor, params.id, waitingOf({ c, session }, query)),
    }),
    route({
      method: 'GET',
      path: '/api/databases/:id/backups',
      access: 'viewer',
      summary: 'The backups of a database, newest first',
      query: pageQuery(50),
      answer: z.object({ backups: z.array(backup), total, allowDownload: z.boolean() }),
      refusals: [404],
      handle: async ({ params, query }) => {
        const { environment_id } = await getDatabaseRow(services.db, params.id);
        const page = await listBackups(services.db, params.id, query);
        return {
          backups: page.backups.map((row) => wireBackup(row, services.runs.progress(row.id))),
          total: page.total,
          allowDownload: await allowsDownload(services, environment_id),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/backups/:id',
      access: 'viewer',
      summary: 'One backup, with its progress while it runs; with `wait`, answered at its end',
      query: waitQuery,
      answer: z.object({
        backup: backup.extend({ database: wholeDatabase, contents }),
        allowDownload: z.boolean(),
      }),
      refusals: [404],
      handle: async ({ c, session, params, query }) => {
        const row = await backupAtEnd(services, params.id, waitingOf({ c, session }, query));
        if (row === undefined) throw new AppError('not_found', 'Backup not found');
        const owner = await getDatabase(services.db, row.database_id);
        return {
          backup: {
            ...wireBackup(row, services.runs.progress(row.id)),
            database: wireWhole(owner),
            contents: await readContents(services.db, row.id),
          },
          allowDownload: await allowsDownload(services, owner.environmentId),
        };
      },
    }),
    route({
      method: 'POST',
      path: '/api/backups/:id/cancel',
      access: 'operator',
      summary: 'Cancel a backup that waits or runs',
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor }) => {
        await stopBackup(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/backups/:id/verify',
      access: 'operator',
      summary: 'Read a backup in full, in the background: its bytes, and the dump in them to its end',
      answer: z.object({ runId: id }),
      refusals: [404, 409],
      handle: async ({ params, actor }) => ({ runId: await askVerification(services, actor, params.id) }),
    }),
    route({
      method: 'GET',
      path: '/api/backups/:id/manifest',
      access: 'viewer',
      summary: 'What is known of a completed backup, signed: as it lies beside its object',
      answer: z.record(z.string(), z.unknown()),
      refusals: [404, 409],
      handle: async ({ c, params }) => {
        const { text } = await signedManifest(services, params.id);
        return c.body(text, 200, { 'content-type': 'application/json' });
      },
    }),
    route({
      method: 'GET',
      path: '/api/backups/:id/download',
      access: 'viewer',
      summary: 'A presigned URL for an hour or, for a backup on a host, the file itself',
      answer: z.object({ downloadUrl: z.string(), expiresAt: instant }),
      handle: async ({ c, params, actor }) => {
        const download = await downloadFor(c, services, actor, params.id);
        if (download.kind !== 'url') return sendDownload(c, download);
        return { downloadUrl: download.url, expiresAt: download.expiresAt };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/backups/:id',
      access: 'operator',
      summary: 'Delete a backup; its object goes in the background',
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor }) => {
        await removeBackup(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'PUT',
      path: '/api/databases/:id/backups/:backupId/pin',
      access: 'operator',
      summary: 'Pin a backup, so that nothing prunes it',
      body: z.object({ pinned: z.boolean() }),
      answer: z.object({ backup }),
      refusals: [404],
      handle: async ({ params, actor, body }) => {
        const ids = { databaseId: params.id, backupId: params.backupId };
        const row = await changePin(services, actor, ids, body.pinned);
        return { backup: wireBackup(row, services.runs.progress(row.id)) };
      },
    }),
  ] as const;
}

/** How long to wait for a backup's end, in seconds, what tells that nobody does any more, and by which session or token. */
interface Waiting extends Pick<BackupWait, 'signal' | 'credential'> {
  readonly wait?: number | undefined;
}

/** What a request says of its waiting. */
export function waitingOf(
  { c, session }: { readonly c: Context; readonly session: ApiSession },
  { wait }: Pick<Waiting, 'wait'>,
): Waiting {
  return { wait, signal: c.req.raw.signal, credential: session.id };
}

export async function askForBackup(
  services: Services,
  actor: Actor,
  databaseId: string,
  waiting: Waiting,
): Promise<z.input<typeof asked>> {
  const { backupId } = await startBackup(services, actor, databaseId);
  const message = 'Backup started';
  if (waiting.wait === undefined) return { backupId, message };
  const row = await backupAtEnd(services, backupId, waiting);
  return {
    ...{ backupId, message },
    ...(row === undefined ? {} : { backup: wireBackup(row, services.runs.progress(row.id)) }),
  };
}

/** The backup when it is over, or when it has been waited for that long. */
export async function backupAtEnd(
  services: Services,
  backupId: string,
  { wait = 0, signal, credential }: Waiting,
): Promise<BackupWithTrigger | undefined> {
  if (wait > 0) await services.backupEnds.wait(backupId, { forMs: wait * 1000, signal, credential });
  return findBackup(services.db, backupId);
}

export function wireBackup(row: BackupWithTrigger, running: RunProgress | null): z.input<typeof backup> {
  return {
    id: row.id,
    filename: row.filename,
    size: Number(row.size),
    type: row.type,
    status: row.status,
    error: row.error,
    storageType: row.storage_type,
    storagePath: row.storage_path,
    ...progressOf(row, running),
    duration: row.duration,
    createdAt: row.created_at,
    completedAt: row.completed_at,
    isPinned: row.is_pinned === 1,
    pinnedById: row.pinned_by_id,
    pinnedAt: row.pinned_at,
    lastRotationError: row.last_rotation_error,
    databaseId: row.database_id,
    triggeredById: row.triggered_by_id,
    triggeredBy:
      row.triggered_by_id === null || row.trigger_email === null
        ? null
        : { id: row.triggered_by_id, email: row.trigger_email, name: row.trigger_name },
    outcome: row.outcome,
    verification: row.verification,
    verifiedAt: row.verified_at,
    proofs: { bytes: row.bytes_proven_at, parsed: row.parsed_proven_at, restored: row.restored_proven_at },
    restoreMs: row.restored_ms === null ? null : Number(row.restored_ms),
    verificationError: row.verification_error,
    startedAt: row.started_at,
    format: row.format,
    compression: row.compression,
    sha256: row.sha256,
    serverVersion: row.server_version,
    clientVersion: row.client_version,
    cancelRequested: row.cancel_requested_at !== null,
  };
}

async function allowsDownload(services: Services, environmentId: string): Promise<boolean> {
  return (await getEnvironmentRow(services.db, environmentId)).allow_backup_download === 1;
}
