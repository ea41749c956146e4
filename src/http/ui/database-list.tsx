import { type Context, Hono } from 'hono';
import { ChooseEnvironmentPage } from '../../../views/choose-environment.tsx';
import { DatabasesPage, type DatabasesProps } from '../../../views/databases.tsx';
import { STRIP_DAYS } from '../../../views/parts/charts/strip.tsx';
import type { Chip } from '../../../views/parts/chips.tsx';
import type { ProtectionState } from '../../../views/parts/protection-badge.tsx';
import { startBackup } from '../../backups/backup-actions.ts';
import { dayStates } from '../../backups/day-states.ts';
import { talliesOfEach } from '../../backups/day-tallies.ts';
import { dayAfter, dayOf, daysUntil } from '../../backups/days.ts';
import {
  countOf,
  DATABASE_SORTS,
  type DatabaseFilter,
  type DatabaseSort,
  findDatabases,
  kindsOfDatabases,
  type StateFilter,
} from '../../backups/find-databases.ts';
import type { KnownDatabase } from '../../backups/known-databases.ts';
import { PROTECTIONS, targetOf } from '../../backups/protection.ts';
import { type StateCounts, totalOf } from '../../backups/protection-states.ts';
import type { Requested } from '../../backups/request-backup.ts';
import { databaseType } from '../../databases/types.ts';
import { engines } from '../../engines/engines.ts';
import { getEnvironment } from '../../environments/environments.ts';
import { isAppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { wordsOfAll } from './asked-words.ts';
import { selectsOf, storageIn, storageText } from './database-filters.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { readValues } from './kit/form-body.ts';
import { frameOf, frameWithStates } from './kit/frame.ts';
import { listPath } from './kit/list-path.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { NOTHING_SEEN, watchedRuns } from './running.ts';

const PER_PAGE = 50;

/** Databases, over all environments or the one that is chosen: found, sorted, and backed up several at once. */
export function databaseListRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/databases', only('viewer'), async (c) => sendList(c, services));

  ui.get('/databases/new', only('operator'), async (c) => {
    const frame = await frameOf(c, services);
    const { environments } = frame;
    const chosen = frame.environment ?? (environments.length === 1 ? environments[0] : undefined);
    if (chosen !== undefined) return c.redirect(`/environments/${chosen.id}/databases/new`, 303);
    const back = { href: '/databases', label: 'Databases' };
    return sendPage(
      c,
      <ChooseEnvironmentPage frame={frame} section="databases" title="Add database" back={back} />,
    );
  });

  ui.post('/databases/back-up', only('operator'), async (c) => {
    // The button of a row means that row, whatever is ticked beside it.
    const one = await readValues(c, 'only');
    const ids = one.length > 0 ? one : await readValues(c, 'id');
    const requested: Requested[] = [];
    for (const id of ids) {
      try {
        requested.push(await startBackup(services, actorOf(c, services), id));
      } catch (error) {
        // Somebody deleted it since the list was made.
        if (!isAppError(error, 'not_found')) throw error;
      }
    }
    const { say, count, rest } = wordsOfAll(requested);
    const [back] = await readValues(c, 'back');
    return goTo(c, services, listPath('/databases', back), say, count, rest);
  });

  // As addresses were while an environment was a place to be in.
  ui.get('/environments/:environmentId/databases', only('viewer'), async (c) => {
    const { id } = await getEnvironment(services.db, c.req.param('environmentId'));
    return c.redirect(`/databases?environment=${id}`, 303);
  });

  return ui;
}

async function sendList(c: Context<UiEnv>, services: Services): Promise<Response> {
  const { frame, states } = await frameWithStates(c, services);
  const environmentId = frame.environment?.id ?? null;
  const query = queryOf(c);
  const page = pageOf(c, PER_PAGE);
  const found = await findDatabases(services, environmentId, query.filter, query.sort, page, states);
  const strips = await stripsOf(services, found.databases);
  return sendPage(
    c,
    <DatabasesPage
      frame={frame}
      running={await watchedRuns(services, environmentId, NOTHING_SEEN, 'list')}
      databases={found.databases.map((database) => toItem(database, strips.get(database.id) ?? []))}
      page={{ ...page, total: found.total }}
      path={addressOf(query)}
      chips={chipsOf(query, found.counts)}
      search={query.filter.search}
      selects={selectsOf(query.filter, await kindsOfDatabases(services.db, environmentId))}
      keeps={keptOf(query)}
      sorts={sortsOf(query)}
      known={totalOf(states)}
    />,
  );
}

interface ListQuery {
  readonly filter: DatabaseFilter;
  readonly sort: DatabaseSort;
}

const STATES: readonly StateFilter[] = [...PROTECTIONS, 'unsafe'];
const WORST_FIRST: DatabaseSort = { by: 'state', isDescending: false };

/** What the address asks for; what makes no sense is as if it were not there. */
function queryOf(c: Context): ListQuery {
  const { q = '', state, engine, storage, sort = '' } = c.req.query();
  const by = DATABASE_SORTS.find((one) => one === sort.replace(/^-/, ''));
  return {
    filter: {
      search: q.slice(0, 200),
      state: STATES.find((one) => one === state) ?? null,
      engine: engines.find(({ type }) => type === engine)?.type ?? null,
      storage: storageIn(storage),
    },
    sort: by === undefined ? WORST_FIRST : { by, isDescending: sort.startsWith('-') },
  };
}

/** The address of the list as the query is, without what is so anyway. */
function addressOf({ filter, sort }: ListQuery): string {
  const isUsual = sort.by === WORST_FIRST.by && sort.isDescending === WORST_FIRST.isDescending;
  const parameters = {
    q: filter.search,
    state: filter.state,
    engine: filter.engine,
    storage: filter.storage === null ? null : storageText(filter.storage),
    sort: isUsual ? null : textOf(sort),
  };
  const said = Object.entries(parameters).flatMap(([name, value]) =>
    value === null || value === '' ? [] : [[name, value]],
  );
  const query = new URLSearchParams(said).toString();
  return query === '' ? '/databases' : `/databases?${query}`;
}

const textOf = ({ by, isDescending }: DatabaseSort) => (isDescending ? `-${by}` : by);

function keptOf({ filter: { state }, sort }: ListQuery): DatabasesProps['keeps'] {
  return { ...(state === null ? {} : { state }), ...(sort === WORST_FIRST ? {} : { sort: textOf(sort) }) };
}

/** In their order: what has just gone wrong first, what is well last. */
const CHIPS: readonly (readonly [ProtectionState, string])[] = [
  ['failing', 'Failing'],
  ['late', 'Late'],
  ['never', 'Never'],
  ['paused', 'Paused'],
  ['protected', 'Protected'],
];

function chipsOf(query: ListQuery, counts: StateCounts): readonly Chip[] {
  const at = (state: StateFilter | null) => addressOf({ ...query, filter: { ...query.filter, state } });
  const { state: chosen } = query.filter;
  const all = totalOf(counts);
  // Where the overview leads to: two of the states at once, which is a chip while it is so.
  const unsafe = { label: 'Not safe', count: countOf(counts, 'unsafe'), href: at('unsafe'), isChosen: true };
  return [
    { label: 'All', count: all, href: at(null), isChosen: chosen === null },
    ...(chosen === 'unsafe' ? [unsafe] : []),
    ...CHIPS.map(([state, label]) => ({
      label,
      count: counts[state],
      href: at(state),
      isChosen: chosen === state,
    })),
  ];
}

function sortsOf(query: ListQuery): DatabasesProps['sorts'] {
  const sortOf = (by: DatabaseSort['by']): DatabasesProps['sorts']['name'] => {
    const isThis = query.sort.by === by;
    const isDescending = isThis && !query.sort.isDescending;
    return {
      href: addressOf({ ...query, sort: { by, isDescending } }),
      order: isThis ? (query.sort.isDescending ? 'descending' : 'ascending') : null,
    };
  };
  return {
    state: sortOf('state'),
    name: sortOf('name'),
    engine: sortOf('engine'),
    'last-good': sortOf('last-good'),
    size: sortOf('size'),
  };
}

/** What became of the last days' backups of each. */
async function stripsOf({ db, now }: Services, databases: readonly KnownDatabase[]) {
  const days = daysUntil(dayOf(now()), STRIP_DAYS);
  const ids = databases.map(({ id }) => id);
  const tallies = await talliesOfEach(db, ids, dayAfter(days[0] ?? '', -BEFORE_THE_STRIP));
  return new Map(
    databases.map(({ id, protection }) => [id, dayStates(tallies.get(id) ?? [], days, targetOf(protection))]),
  );
}

/** Days before it that tell whether its first days are late. */
const BEFORE_THE_STRIP = 7;

function toItem(
  database: KnownDatabase,
  days: DatabasesProps['databases'][number]['days'],
): DatabasesProps['databases'][number] {
  const { id, name, environmentName, protection } = database;
  return {
    id,
    name,
    environmentName,
    typeName: databaseType(database.type)?.displayName ?? database.type,
    state: protection.state,
    lastGoodAt: protection.lastGood?.at ?? null,
    nextRunAt: database.nextRunAt,
    heldBack: database.heldBack,
    size: database.size,
    sizeChange: database.sizeChange,
    days,
  };
}
