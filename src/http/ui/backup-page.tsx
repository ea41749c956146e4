import { type Context, Hono } from 'hono';
import { BackupPage, BackupRun } from '../../../views/backup/backup-page.tsx';
import { ReadingInFull } from '../../../views/backup/proofs.tsx';
import { Ended } from '../../../views/parts/live-region.tsx';
import { hasRole } from '../../auth/roles.ts';
import { type BackupStory, backupStory } from '../../backups/backup-story.ts';
import { type BackupWithTrigger, findBackup } from '../../backups/backups.ts';
import { adviceFor } from '../../backups/failure-advice.ts';
import { leavesNoGood } from '../../backups/newest-backups.ts';
import type { Db } from '../../db/schema.ts';
import { engineFor } from '../../engines/engines.ts';
import { AppError } from '../../errors.ts';
import { keptOf } from '../../retention/kept.ts';
import { standingOf } from '../../retention/standing.ts';
import { runLogOf } from '../../runs/stored-log.ts';
import type { Services } from '../../services-port.ts';
import { lastReadingOf, readingOf } from '../../verifications/ask-verification.ts';
import { readFailure, toLiveRuns } from './backup-views.ts';
import { type FlashKey, say } from './kit/flash.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment, sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** The page of one backup: what is proven, where it is, how it came about, how it is restored by hand. */
export function backupPageRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/backups/:backupId', only('viewer'), async (c) => {
    const story = await backupStory(services, c.req.param('backupId'));
    const { frame } = await environmentFrame(c, services, story.database.environmentId);
    const { failure, database } = story;
    const asksToDelete = c.req.query('delete') !== undefined;
    const isFile = engineFor(database.type)?.isFile ?? false;
    return sendPage(
      c,
      <BackupPage
        frame={frame}
        story={story}
        run={await runOf(services, story)}
        failure={readFailure(story.backup.error)}
        advice={failure === null ? undefined : adviceFor(failure, { isFile })}
        asksToDelete={asksToDelete}
        leavesNoGood={asksToDelete && (await leavesNoGood(services.db, database.id, [story.backup.id]))}
        reading={await readingOf(services.db, story.backup.id)}
        log={await runLogOf(services.db, story.backup.id)}
        kept={await keptOfOne(services, story.backup)}
      />,
    );
  });

  ui.get('/backups/:backupId/run', only('viewer'), async (c) => {
    const story = await backupStory(services, c.req.param('backupId'));
    const run = await runOf(services, story);
    if (run === null) {
      const { key, count, rest } = endOf(story.backup);
      say(c, services, key, count, rest);
      return over(c, 'backup-run', `/backups/${story.backup.id}/run`);
    }
    return sendFragment(
      c,
      <BackupRun story={story} run={run} mayChange={hasRole(c.get('session').user.role, 'operator')} />,
    );
  });

  ui.get('/backups/:backupId/reading', only('viewer'), async (c) => {
    const backup = await findBackup(services.db, c.req.param('backupId'));
    if (backup === undefined) throw new AppError('not_found', 'Backup not found');
    const reading = await readingOf(services.db, backup.id);
    if (reading === null) {
      say(c, services, await readingEndOf(services.db, backup));
      return over(c, 'reading', `/backups/${backup.id}/reading`);
    }
    return sendFragment(c, <ReadingInFull backupId={backup.id} reading={reading} />);
  });

  return ui;
}

async function keptOfOne(services: Services, backup: BackupWithTrigger) {
  const standing = await standingOf(services.db, backup.database_id);
  const kept = await keptOf(services, backup.database_id, { shown: [backup], standing });
  return kept.get(backup.id) ?? null;
}

/** Has the page load again what it tells of the backup, with what was just said: no more of it, so that a question stays open. */
async function over(c: Context<UiEnv>, id: string, url: string): Promise<Response> {
  c.header('HX-Trigger', 'backups-changed');
  return sendFragment(c, <Ended id={id} url={url} />);
}

/** How it ended, as the page says it that comes next. */
function endOf({ status, outcome, size, bytes_read }: BackupWithTrigger): {
  key: FlashKey;
  count?: number;
  rest?: number;
} {
  if (status === 'completed')
    return { key: 'backup-ended-good', count: Number(size), rest: Number(bytes_read) };
  if (outcome === 'cancelled') return { key: 'backup-ended-cancelled' };
  return { key: outcome === 'uncertain' ? 'backup-ended-uncertain' : 'backup-ended-failed' };
}

async function readingEndOf(db: Db, { id, verification }: BackupWithTrigger): Promise<FlashKey> {
  // One that was condemned before says nothing of how this reading ended.
  const last = await lastReadingOf(db, id);
  if (last === 'whole') return 'backup-read-whole';
  return last === 'damaged' && verification === 'failed' ? 'backup-read-damaged' : 'backup-read-not';
}

async function runOf(services: Services, { backup }: BackupStory) {
  if (backup.status !== 'pending' && backup.status !== 'in_progress') return null;
  const [run = null] = await toLiveRuns(services, [backup]);
  return run;
}
