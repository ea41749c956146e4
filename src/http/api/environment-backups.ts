import * as z from 'zod';
import { changePin } from '../../backups/backup-actions.ts';
import { findBackup, listBackups } from '../../backups/backups.ts';
import { holdPin } from '../../backups/token-backups.ts';
import { getDatabaseRow } from '../../databases/databases.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { asked, askForBackup, backup, backupAtEnd, waitingOf, wireBackup } from './backups.ts';
import { pageQuery, total, waitQuery } from './shapes.ts';

/**
 * Backups by their environment: what tokens of some environments can reach, and all that a token reaches which may only back
 * up. What is of another environment is not there.
 */
export function environmentBackupRoutes(services: Services) {
  return [
    route({
      method: 'POST',
      path: '/api/environments/:envId/databases/:id/backups',
      access: 'operator',
      isForBackups: true,
      summary: 'Back a database of the environment up, in the background; with `wait`, answered at its end',
      query: waitQuery,
      answer: asked,
      refusals: [404],
      handle: async ({ c, session, params, query, actor }) => {
        await refuseForeign(services, params.envId, params.id);
        return askForBackup(services, actor, params.id, waitingOf({ c, session }, query));
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:envId/databases/:id/backups',
      access: 'viewer',
      isForBackups: true,
      summary: 'The backups of a database of the environment, newest first',
      query: pageQuery(50),
      answer: z.object({ backups: z.array(backup), total }),
      refusals: [404],
      handle: async ({ params, query }) => {
        await refuseForeign(services, params.envId, params.id);
        const page = await listBackups(services.db, params.id, query);
        return {
          backups: page.backups.map((row) => wireBackup(row, services.runs.progress(row.id))),
          total: page.total,
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:envId/backups/:id',
      access: 'viewer',
      isForBackups: true,
      summary:
        'One backup of the environment, with its progress while it runs; with `wait`, answered at its end',
      query: waitQuery,
      answer: z.object({ backup }),
      refusals: [404],
      handle: async ({ c, session, params, query }) => {
        const found = await findBackup(services.db, params.id);
        const isThere = found !== undefined && (await isOf(services, params.envId, found.database_id));
        if (!isThere) throw new AppError('not_found', 'Backup not found');
        const row = await backupAtEnd(services, found.id, waitingOf({ c, session }, query));
        if (row === undefined) throw new AppError('not_found', 'Backup not found');
        return { backup: wireBackup(row, services.runs.progress(row.id)) };
      },
    }),
    route({
      method: 'PUT',
      path: '/api/environments/:envId/databases/:id/backups/:backupId/pin',
      access: 'operator',
      isForBackups: true,
      summary: 'Pin a backup of the environment; a token that may only back up, one that it asked for',
      body: z.object({ pinned: z.boolean() }),
      answer: z.object({ backup }),
      refusals: [404],
      handle: async ({ params, actor, session, body }) => {
        await refuseForeign(services, params.envId, params.id);
        const ids = { databaseId: params.id, backupId: params.backupId };
        const row =
          session.token?.access === 'backups'
            ? await holdPin(services, { ...actor, token: session.token }, ids, body.pinned)
            : await changePin(services, actor, ids, body.pinned);
        return { backup: wireBackup(row, services.runs.progress(row.id)) };
      },
    }),
  ] as const;
}

async function refuseForeign(services: Services, environmentId: string, databaseId: string): Promise<void> {
  const { environment_id: own } = await getDatabaseRow(services.db, databaseId);
  if (own !== environmentId) throw new AppError('not_found', 'Database not found');
}

async function isOf({ db }: Services, environmentId: string, databaseId: string): Promise<boolean> {
  const { environment_id: own } = await getDatabaseRow(db, databaseId);
  return own === environmentId;
}
