import { Hono } from 'hono';
import { findRun, type ListedRun } from '../../backups/list-runs.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { only } from './kit/roles.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** The address that somebody types who has a run's id, from the API or a message: it leads to the page of that run. */
export function runAddressRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/runs/:runId', only('viewer'), async (c) => {
    const run = await findRun(services.db, c.req.param('runId'));
    if (run === undefined) throw new AppError('not_found', 'There is no such run (any more).');
    return c.redirect(pageOf(run), 302);
  });

  return ui;
}

/** What has no page of its own has its log. */
function pageOf({ id, kind, subject_id: backupId }: ListedRun): string {
  if (kind === 'restore' || kind === 'drill') return `/restores/${id}`;
  if ((kind === 'backup' || kind === 'verification') && backupId !== null) return `/backups/${backupId}`;
  return `/runs/${id}/log`;
}
