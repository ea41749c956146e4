import { Hono } from 'hono';
import type { Actor } from '../../audit/audit.ts';
import { changePin, removeBackup, stopBackup } from '../../backups/backup-actions.ts';
import { findBackup } from '../../backups/backups.ts';
import { askDrill } from '../../drills/ask-drill.ts';
import { drillsUnderWay } from '../../drills/drills.ts';
import { AppError, isAppError } from '../../errors.ts';
import { restorable } from '../../restores/ask-restore.ts';
import type { Services } from '../../services-port.ts';
import { askVerification } from '../../verifications/ask-verification.ts';
import { downloadFor, sendDownload } from '../download-response.ts';
import { actorOf } from './kit/actor.ts';
import { type FlashKey, goTo } from './kit/flash.ts';
import { readForm } from './kit/form-body.ts';
import { only } from './kit/roles.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** What is done to one backup; each leads back to the page of its database. */
export function backupRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/backups/:backupId/cancel', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const databaseId = await databaseOf(services, backupId);
    try {
      await stopBackup(services, actorOf(c, services), backupId);
    } catch (error) {
      // It ended between the page and the click: the page shows how.
      if (!isAppError(error, 'conflict')) throw error;
      return c.redirect(`/databases/${databaseId}`, 303);
    }
    return goTo(c, services, `/databases/${databaseId}`, 'backup-cancelled');
  });

  ui.post('/backups/:backupId/pin', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const databaseId = await databaseOf(services, backupId);
    const { pinned: wanted, back } = await readForm(c);
    const pinned = wanted === 'true';
    await changePin(services, actorOf(c, services), { databaseId, backupId }, pinned);
    const notice = pinned ? 'backup-pinned' : 'backup-unpinned';
    return goTo(c, services, back === 'backup' ? `/backups/${backupId}` : `/databases/${databaseId}`, notice);
  });

  ui.post('/backups/:backupId/verify', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    try {
      await askVerification(services, actorOf(c, services), backupId);
    } catch (error) {
      // Somebody has asked already: that is as good.
      if (!isAppError(error, 'conflict')) throw error;
      return goTo(c, services, `/backups/${backupId}`, 'verification-runs');
    }
    return goTo(c, services, `/backups/${backupId}`, 'verification-requested');
  });

  ui.post('/backups/:backupId/drill', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const { say, to } = await drillOf(services, actorOf(c, services), backupId);
    return goTo(c, services, to, say);
  });

  ui.post('/backups/:backupId/delete', only('operator'), async (c) => {
    const backupId = c.req.param('backupId');
    const databaseId = await databaseOf(services, backupId);
    await removeBackup(services, actorOf(c, services), backupId);
    return goTo(c, services, `/databases/${databaseId}`, 'backup-deleted');
  });

  ui.get('/backups/:backupId/download', only('viewer'), async (c) => {
    const download = await downloadFor(c, services, actorOf(c, services), c.req.param('backupId'));
    return download.kind === 'url' ? c.redirect(download.url, 303) : sendDownload(c, download);
  });

  return ui;
}

/** Asks for it, and gives the page of what then waits; `say`: what went before it. */
async function drillOf(
  services: Services,
  actor: Actor,
  backupId: string,
): Promise<{ readonly to: string; readonly say?: FlashKey }> {
  const databaseId = await databaseOf(services, backupId);
  try {
    const asked = await askDrill(services, actor, backupId);
    const others = (await drillsUnderWay(services.db, databaseId)).filter(({ id }) => id !== asked);
    return { to: `/restores/${asked}`, ...(others.length === 0 ? {} : { say: 'drill-queued' }) };
  } catch (error) {
    if (!isAppError(error, 'conflict')) throw error;
    // Somebody has asked already: that is as good. Where the backup itself is in the way, this throws the same once more.
    await restorable(services.db, backupId);
    const [first] = await drillsUnderWay(services.db, databaseId);
    if (first === undefined) return { to: `/databases/${databaseId}/drills`, say: 'drill-asked-already' };
    const say = first.backupId === backupId ? 'drill-asked-already' : 'drill-of-another-waits';
    return { to: `/restores/${first.id}`, say };
  }
}

/** The database whose page the backup is on. Throws `not_found`. */
async function databaseOf(services: Services, backupId: string): Promise<string> {
  const backup = await findBackup(services.db, backupId);
  if (backup === undefined) throw new AppError('not_found', 'Backup not found');
  return backup.database_id;
}
