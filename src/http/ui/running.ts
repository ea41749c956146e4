import type { RunningItem } from '../../../views/running.tsx';
import { findBackups } from '../../backups/backups.ts';
import { knownDatabases } from '../../backups/known-databases.ts';
import { type ListedRun, liveRuns } from '../../backups/list-runs.ts';
import { unsafeIn } from '../../backups/protection-states.ts';
import type { Services } from '../../services-port.ts';
import { endedRuns, toLiveRuns } from './backup-views.ts';
import { liveRestoreOf } from './restore-item.ts';
import { subjectOf } from './run-subject.ts';

/** Where it is shown. */
export type RunningPlace = keyof typeof PLACES;

/** Above a list of databases that is worked in, or a panel beside what tells of runs: what is asked about may be so for days. */
const PLACES = {
  list: { most: 3, isGoingOn: true },
  panel: { most: 5, isGoingOn: false },
} as const;

/** What a page said of what runs when it asked last. */
export interface Watched {
  /** As `seenOf` writes them; null of a page that has shown none yet. */
  readonly shown: readonly string[] | null;
  /** Ids of those whose end was told before. */
  readonly ended: readonly string[];
  /** How many databases it said are not safe; null of a page that has not said it. */
  readonly unsafe: number | null;
}

/**
 * What waits and runs, of that environment or (null) of all, for a page that is to follow it: with what became of the backups among
 * those that it has shown, whether anything is news to it (`hasChanged`), whether something that it has shown runs no more
 * (`hasEnded`), and whether databases became late meanwhile, or are no more (`hasTurned`): of that no run tells.
 */
export async function watchedRuns(
  services: Services,
  environmentId: string | null,
  { shown, ended: told, unsafe: unsafeBefore }: Watched,
  place: RunningPlace,
) {
  const unsafe = await unsafeIn(services, environmentId);
  const { items, more } = await runningIn(services, environmentId, place);
  const ids = items.map(({ id }) => id);
  const seen = items.map((item) => seenOf(item, place));
  const gone = (shown ?? []).map(idOf).filter((id) => !ids.includes(id));
  const over = [...told.filter((id) => !ids.includes(id)), ...gone];
  const ended = over.length === 0 ? [] : await endedRuns(services.db, over);
  const of = ended.map(({ databaseId }) => ({ id: databaseId }));
  const known = of.length === 0 ? [] : await knownDatabases(services, of);
  const names = new Map(known.map(({ id, name }) => [id, name]));
  const query = new URLSearchParams({
    shown: seen.join(),
    ...(ended.length === 0 ? {} : { ended: ended.map(({ id }) => id).join() }),
    ...(place === 'panel' ? { place } : {}),
    unsafe: String(unsafe),
  });
  return {
    items,
    more,
    url: `/runs/running?${query}`,
    ended: ended.map((run) => ({
      ...run,
      databaseName: names.get(run.databaseId) ?? 'a database that is gone',
    })),
    isAboveList: place === 'list',
    hasChanged: shown !== null && shown.join() !== seen.join(),
    hasEnded: gone.length > 0,
    hasTurned: unsafeBefore !== null && unsafeBefore !== unsafe,
  };
}

/** Of a page that was just opened. */
export const NOTHING_SEEN: Watched = { shown: null, ended: [], unsafe: null };

/** By its id; where a list beside it tells the state of each, with that. */
function seenOf({ id, state }: RunningItem, place: RunningPlace): string {
  return place === 'panel' && state !== 'pending' ? `${id}.${state}` : id;
}

const idOf = (seen: string) => seen.split('.')[0] ?? '';

async function runningIn(services: Services, environmentId: string | null, place: RunningPlace) {
  const { most, isGoingOn } = PLACES[place];
  const found = await liveRuns(services.db, environmentId, most + 1);
  const live = isGoingOn ? found.filter(({ state }) => state !== 'uncertain') : found;
  const shown = live.slice(0, most);
  const doing = await doingOf(services, shown);
  return {
    items: shown.map(
      (run): RunningItem => ({
        id: run.id,
        ...subjectOf(run),
        environmentName: run.environment_name,
        state: run.state,
        startedAt: run.state === 'pending' ? null : run.started_at,
        doing: doing.get(run.id) ?? { kind: 'other', step: run.state === 'running' ? run.step : null },
      }),
    ),
    more: live.length > most,
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
