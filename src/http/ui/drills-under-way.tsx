import { type Context, Hono } from 'hono';
import { UnderWay } from '../../../views/parts/under-way.tsx';
import { liveRuns } from '../../backups/list-runs.ts';
import type { Services } from '../../services-port.ts';
import { filterOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendFragment } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { idsIn } from './running.ts';

/** Of what waits and runs, how much is looked at for drills. */
const LOOKED_AT = 50;

/** The drills that are under way, of all databases that the filter shows or of one: it asks for itself as long as there are any. */
export function drillsUnderWayRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/drills/running', only('viewer'), async (c) => {
    const { database = null, shown } = c.req.query();
    const watched = await drillsUnderWay(c, services, database, idsIn(shown));
    if (watched.hasChanged) c.header('HX-Trigger', 'backups-changed');
    return sendFragment(c, <UnderWay {...watched} />);
  });

  return ui;
}

/** `shown`: ids of those that the page has shown. */
export async function drillsUnderWay(
  c: Context<UiEnv>,
  services: Services,
  databaseId: string | null,
  shown: readonly string[] = [],
) {
  const { environment } = databaseId === null ? await filterOf(c, services) : { environment: null };
  const live = await liveRuns(services.db, environment?.id ?? null, LOOKED_AT);
  const ids = live
    .filter(({ kind, state }) => kind === 'drill' && state !== 'uncertain')
    .filter((run) => databaseId === null || run.database_id === databaseId)
    .map(({ id }) => id);
  const query = new URLSearchParams({
    ...(databaseId === null ? {} : { database: databaseId }),
    shown: ids.join(),
  });
  return {
    id: 'drills-under-way',
    url: ids.length === 0 ? null : `/drills/running?${query}`,
    words: wordsOf(ids.length, shown.length),
    hasChanged: shown.join() !== ids.join(),
  };
}

function wordsOf(count: number, before: number): string {
  if (count > 0) return count === 1 ? 'A drill is under way.' : `${count} drills are under way.`;
  return before > 0 ? 'No drill is under way any more: the list tells what came of it.' : '';
}
