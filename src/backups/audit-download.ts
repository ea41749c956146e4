import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { isAppError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Download } from './download.ts';

const HOUR_MS = 3_600_000;
const PATIENCE_MS = 2_000;

/**
 * Notes who is given a backup's bytes, before they are. Of a file that is fetched in parts, the first of an hour is noted. What
 * can't be noted, as on a full disk, is in the log instead: backups must be had all the more.
 */
export async function auditDownload(
  { db, now, log }: Context & { readonly log: Log },
  actor: Actor,
  backupId: string,
  download: Exclude<Download, { kind: 'unsatisfiable' }>,
): Promise<void> {
  const at = now();
  const isPart = download.kind === 'stream' && download.range !== null;
  try {
    await write(
      db,
      async (trx) => {
        if (isPart && (await isNoted(trx, actor, backupId, at))) return;
        const backup = await trx
          .selectFrom('backups')
          .innerJoin('databases', 'databases.id', 'backups.database_id')
          .select(['backups.filename', 'databases.environment_id'])
          .where('backups.id', '=', backupId)
          .executeTakeFirst();
        const of = {
          id: backupId,
          name: backup?.filename ?? null,
          environmentId: backup?.environment_id ?? null,
        };
        const details =
          download.kind === 'url' ? { by: 'link', until: download.expiresAt } : { by: 'stream' };
        await recordAudit(trx, actor, auditEntry('backup', 'download', of, { details }), at);
      },
      { patienceMs: PATIENCE_MS },
    );
  } catch (error) {
    if (!isAppError(error, 'unavailable')) throw error;
    const { userId, address, token } = actor;
    log.warn('a download could not be audited', { backupId, userId, address, token: token?.prefix, error });
  }
}

async function isNoted(trx: Trx, actor: Actor, backupId: string, at: Date): Promise<boolean> {
  const rows = await trx
    .selectFrom('audit_logs')
    .select(['user_id', 'api_token_id', 'address'])
    .where('resource_id', '=', backupId)
    .where('created_at', '>', new Date(at.getTime() - HOUR_MS).toISOString())
    .where('action', '=', 'download')
    .execute();
  return rows.some(
    (row) =>
      row.user_id === actor.userId &&
      row.api_token_id === (actor.token?.id ?? null) &&
      row.address === actor.address,
  );
}
