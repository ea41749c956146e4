import type { Context } from 'hono';
import type { EnvironmentChoice, Frame } from '../../../../views/frame/frame.ts';
import { countUncertain } from '../../../backups/list-runs.ts';
import {
  countStates,
  type StateCounts,
  unsafeElsewhere,
  unsafeOf,
} from '../../../backups/protection-states.ts';
import { listEnvironmentNames } from '../../../environments/environments.ts';
import { AppError } from '../../../errors.ts';
import { countUnreadTrouble } from '../../../notifications/inbox.ts';
import type { Services } from '../../../services-port.ts';
import { forgetEnvironment, readEnvironmentCookie, writeEnvironmentCookie } from './environment-cookie.ts';
import { takeFlash } from './flash.ts';
import { saidAgain } from './lost-form.ts';
import type { UiEnv } from './ui-env.ts';

/** What lists are filtered by: one environment, or (null) all. */
export interface EnvironmentFilter {
  readonly environments: readonly EnvironmentChoice[];
  readonly environment: EnvironmentChoice | null;
}

/** The environment that `?environment=` names, which is kept as the user's choice, else the choice that was kept. */
export async function filterOf(c: Context<UiEnv>, services: Services): Promise<EnvironmentFilter> {
  const environments = await listEnvironmentNames(services.db);
  return { environments, environment: chosenEnvironment(c, services, environments) };
}

/** The frame of a page. */
export async function frameOf(c: Context<UiEnv>, services: Services): Promise<Frame> {
  const { frame } = await frameWithStates(c, services);
  return frame;
}

/** The frame of a page, and how many databases of the filter are in each state. */
export async function frameWithStates(
  c: Context<UiEnv>,
  services: Services,
): Promise<{ readonly frame: Frame; readonly states: StateCounts }> {
  const filter = await filterOf(c, services);
  const { states, elsewhere } = await statesAround(services, filter);
  const news = { counts: await countsWith(c, services, filter, states), elsewhere };
  return { frame: build(c, services, filter, news), states };
}

/** What the navigation counts, for a fragment that changes it. */
export async function menuCounts(c: Context<UiEnv>, services: Services): Promise<MenuNews> {
  const filter = await filterOf(c, services);
  const { states, elsewhere } = await statesAround(services, filter);
  return { counts: await countsWith(c, services, filter, states), elsewhere };
}

/** Bad news, of what the filter shows and of what it hides. */
type MenuNews = Pick<Frame, 'counts' | 'elsewhere'>;

/** What the filter hides is counted too: who left it set must not take its silence for everybody's. */
async function statesAround(services: Services, { environment }: EnvironmentFilter) {
  const id = environment?.id ?? null;
  return { states: await countStates(services, id), elsewhere: await unsafeElsewhere(services, id) };
}

async function countsWith(
  c: Context<UiEnv>,
  { db }: Services,
  { environment }: EnvironmentFilter,
  states: StateCounts,
): Promise<Frame['counts']> {
  const notifications = await countUnreadTrouble(db, c.get('session').user.id);
  const runs = await countUncertain(db, environment?.id ?? null);
  return { databases: unsafeOf(states), runs, notifications };
}

function build(c: Context<UiEnv>, services: Services, filter: EnvironmentFilter, news: MenuNews): Frame {
  const { user } = c.get('session');
  const again = saidAgain(c);
  return {
    user: { email: user.email, name: user.name, role: user.role },
    ...filter,
    ...news,
    flash: again === null ? takeFlash(c, services) : { tone: 'info', text: again },
    version: services.version,
    here: hereOf(c),
  };
}

export interface EnvironmentFrame {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
}

/** The frame of a page about this environment; the filter stays as it is. Throws `not_found`. */
export async function environmentFrame(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
): Promise<EnvironmentFrame> {
  const frame = await frameOf(c, services);
  const environment = frame.environments.find(({ id }) => id === environmentId);
  if (environment === undefined) throw new AppError('not_found', 'Environment not found');
  return { frame, environment };
}

/** Of an environment that is gone: all, so that no list looks empty because of it. */
function chosenEnvironment(
  c: Context<UiEnv>,
  services: Services,
  environments: readonly EnvironmentChoice[],
): EnvironmentChoice | null {
  const kept = readEnvironmentCookie(c, services);
  const wanted = c.req.query('environment') ?? kept;
  const environment = environments.find(({ id }) => id === wanted) ?? null;
  if (environment === null) {
    if (kept !== undefined) forgetEnvironment(c, services);
  } else if (environment.id !== kept) {
    writeEnvironmentCookie(c, environment.id, services);
  }
  return environment;
}

/** A page that was answered to a form has no address of its own to come back to. */
function hereOf(c: Context<UiEnv>): string {
  if (c.req.method !== 'GET') return '/';
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}
