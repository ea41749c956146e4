import type { RunningItem } from '../../../views/running.tsx';
import { findBackups } from '../../backups/backups.ts';
import { knownDatabases } from '../../backups/known-databases.ts';
import { type ListedRun, liveRuns } from '../../backups/list-runs.ts';
import type { Services } from '../../services-port.ts';
import { endedRuns, toLiveRuns } from './backup-views.ts';
import { liveRestoreOf } from './restore-item.ts';
import { subjectOf } from './run-subject.ts';

/** Of what waits and runs; the rest is in the list below it, or a click away. */
const MOST_RUNNING = 5;
/** Above a list, which has its own length. */
const MOST_ABOVE = 3;

/** What waits and runs, of that environment or (null) of all. */
export async function runningOf(
  services: Services,
  environmentId: string | null,
  { most = MOST_RUNNING, isGoingOn = false }: { readonly most?: number; readonly isGoingOn?: boolean } = {},
) {
  const found = await liveRuns(services.db, environmentId, most + 1);
  // What is asked about may stay so for days: that is news, but no part of a list that is worked in.
  const live = isGoingOn ? found.filter(({ state }) => state !== 'uncertain') : found;
  const shown = live.slice(0, most);
  const doing = await doingOf(services, shown);
  return {
    url: '/runs/running',
    ended: null,
    items: shown.map(
      (run): RunningItem => ({
        id: run.id,
        ...subjectOf(run),
        environmentName: run.environment_name,
        state: run.state,
        doing: doing.get(run.id) ?? { kind: 'other', step: run.state === 'running' ? run.step : null },
      }),
    ),
    more: live.length > most,
  };
}

/**
 * The same for a list that is to follow it: with what became of those that it has shown (`shown`, null of a page that has shown none
 * yet; `ended`, told before), and whether that is news to it.
 */
export async function watchedRuns(
  services: Services,
  environmentId: string | null,
  { shown, ended: told }: { readonly shown: readonly string[] | null; readonly ended: readonly string[] },
) {
  const running = await runningOf(services, environmentId, { most: MOST_ABOVE, isGoingOn: true });
  const ids = running.items.map(({ id }) => id);
  const over = [...told, ...(shown ?? [])].filter((id) => !ids.includes(id));
  const ended = over.length === 0 ? [] : await endedRuns(services.db, over);
  const names = new Map(
    (
      await knownDatabases(
        services,
        ended.map(({ databaseId }) => ({ id: databaseId })),
      )
    ).map(({ id, name }) => [id, name]),
  );
  const query = new URLSearchParams({
    shown: ids.join(),
    ...(ended.length === 0 ? {} : { ended: ended.map(({ id }) => id).join() }),
  });
  return {
    ...running,
    url: `/runs/running?${query}`,
    ended: ended.map((run) => ({
      ...run,
      databaseName: names.get(run.databaseId) ?? 'a database that is gone',
    })),
    hasChanged: shown !== null && shown.join() !== ids.join(),
  };
}

/** Ids as an address names them. */
export function idsIn(text: string | undefined): readonly string[] {
  return text === undefined || text === '' ? [] : text.split(',');
}

/** How far each is, as its own page tells it. */
async function doingOf(
  services: Services,
  runs: readonly ListedRun[],
): Promise<ReadonlyMap<string, RunningItem['doing']>> {
  const goOn = runs.filter(({ state }) => state !== 'uncertain');
  const ids = goOn.filter(({ kind }) => kind === 'backup').map(({ id }) => id);
  const backups = await findBackups(services.db, ids);
  const doing = new Map<string, RunningItem['doing']>();
  for (const live of await toLiveRuns(services, [...backups.values()])) {
    doing.set(live.id, { kind: 'backup', live });
  }
  for (const run of goOn) {
    if (run.kind !== 'restore' && run.kind !== 'drill') continue;
    const live = await liveRestoreOf(services, run);
    if (live !== null) doing.set(run.id, { kind: 'restore', live });
  }
  return doing;
}
