import { type Context, Hono } from 'hono';
import { Checklist } from '../../../views/checklist.tsx';
import { HelpPage } from '../../../views/help.tsx';
import { NextSteps } from '../../../views/next-steps.tsx';
import { OverviewPage, type OverviewProps } from '../../../views/overview.tsx';
import { describeSpan } from '../../../views/parts/format-time.ts';
import { MasterKeyBanner } from '../../../views/parts/master-key-banner.tsx';
import { hasRole, type Role } from '../../auth/roles.ts';
import { dayStates } from '../../backups/day-states.ts';
import { talliesSince } from '../../backups/day-tallies.ts';
import { dayOf, daysUntil, weekdayOf } from '../../backups/days.ts';
import { lastGoodDatabases, oldestDatabase } from '../../backups/find-databases.ts';
import { NEVER } from '../../backups/protection-of.ts';
import { lastProven } from '../../backups/restorable.ts';
import { storageTrouble } from '../../backups/storage-trouble.ts';
import { type Targets, targetsIn } from '../../backups/targets.ts';
import { untilWritten } from '../../db/until-written.ts';
import { isFillingUp } from '../../installation/free-space.ts';
import { needsMasterKeyCopy } from '../../installation/master-key-copy.ts';
import { nextSteps } from '../../installation/next-steps.ts';
import { failingWays } from '../../notifications/failing-ways.ts';
import type { Services } from '../../services-port.ts';
import { oneLine } from '../../short-text.ts';
import { attentionOf } from './attention.ts';
import { checklistOf, type SeenOfServer } from './checklist.ts';
import { keyCommand } from './key-command.ts';
import { frameOf, frameWithStates } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { latestIn } from './latest.ts';
import { nextRunsIn } from './next-runs.ts';
import { NOTHING_SEEN, watchedRuns } from './running.ts';
import { scopeOf, storedIn } from './stored-growth.ts';

/** The overview, which is the first page; and Help. */
export function overviewRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/', only('viewer'), async (c) => sendOverview(c, services));

  ui.get('/help', only('viewer'), async (c) => sendPage(c, <HelpPage frame={await frameOf(c, services)} />));

  return ui;
}

/** The overview; `contact` is what was just seen of a server's host key. */
export async function sendOverview(
  c: Context<UiEnv>,
  services: Services,
  contact: SeenOfServer | null = null,
): Promise<Response> {
  const { frame, states } = await frameWithStates(c, services);
  const environmentId = frame.environment?.id ?? null;
  const targets = await targetsIn(services.db, environmentId);
  const showsEnvironment = environmentId === null && frame.environments.length > 1;
  const checklist = await checklistOf(c, services, frame, contact);
  const asksForCopy = hasRole(frame.user.role, 'admin') && (await needsMasterKeyCopy(services));
  return sendPage(
    c,
    <OverviewPage
      frame={frame}
      {...(checklist === null
        ? { reminder: asksForCopy ? <MasterKeyBanner {...keyCommand(services)} /> : undefined }
        : { firstSteps: <Checklist {...checklist} /> })}
      nextSteps={checklist === null ? await nextStepsFor(services, frame.user.role) : undefined}
      counts={states}
      unscheduled={targets.unscheduled}
      oldest={await oldestIn(services, environmentId)}
      stored={await storedIn(services, environmentId)}
      lastProven={await lastProven(services.db, environmentId)}
      attention={await attentionOf(services, environmentId, states, showsEnvironment)}
      days={await halfAYear(services, environmentId, targets)}
      running={await watchedRuns(services, environmentId, NOTHING_SEEN, 'panel')}
      latest={await latestIn(services, environmentId)}
      nextRuns={await nextRunsIn(services, environmentId)}
      storageTrouble={await storageTroubleOf(services)}
      diskTrouble={await diskTroubleOf(services)}
      failingWays={await failingWaysFor(services, frame.user.role)}
    />,
  );
}

/** Of the whole installation; whoever may change nothing has no use for them. */
async function nextStepsFor(services: Services, role: Role) {
  if (!hasRole(role, 'operator')) return undefined;
  const steps = await nextSteps(services);
  if (steps === null) return undefined;
  const [rehearsed = null] = await lastGoodDatabases(services, null, 1);
  return <NextSteps {...steps} isAdmin={hasRole(role, 'admin')} rehearsed={rehearsed} />;
}

const WEEKS = 26;
const WEEK_DAYS = 7;

const talliesIn = untilWritten((db, environmentId: string | null, from: string) =>
  talliesSince(db, scopeOf(environmentId), from),
);

/** Whole weeks, of which this one is the last; a day on which nothing came though something was due is late. */
async function halfAYear({ db, now }: Services, environmentId: string | null, { leastOn }: Targets) {
  const today = dayOf(now());
  const days = daysUntil(today, (WEEKS - 1) * WEEK_DAYS + weekdayOf(today) + 1);
  return dayStates(await talliesIn(db, environmentId, days[0] ?? today), days, leastOn);
}

async function storageTroubleOf(services: Services): Promise<OverviewProps['storageTrouble']> {
  const trouble = await storageTrouble(services);
  return trouble === null ? null : { ...trouble, message: oneLine(trouble.message) };
}

async function diskTroubleOf({ freeSpace }: Services): Promise<OverviewProps['diskTrouble']> {
  const space = await freeSpace();
  return space !== null && isFillingUp(space) ? space : null;
}

/** What a server has said is admins' to read. */
async function failingWaysFor({ db }: Services, role: Role): Promise<OverviewProps['failingWays']> {
  const ways = await failingWays(db);
  if (hasRole(role, 'admin')) return ways.map((way) => ({ ...way, error: oneLine(way.error) }));
  return ways.map(({ since }) => ({ since, name: 'A way out', error: 'an admin sees why.' }));
}

/** The one whose last good backup is the oldest, among those that have one. */
async function oldestIn(services: Services, environmentId: string | null): Promise<OverviewProps['oldest']> {
  const oldest = await oldestDatabase(services, environmentId);
  const { lastGood, maxAgeHours } = oldest?.protection ?? NEVER;
  if (oldest === null || lastGood === null) return null;
  const ageMs = services.now().getTime() - Date.parse(lastGood.at);
  const { name, environmentName } = oldest;
  return { name, environmentName, maxAgeHours, age: describeSpan(Math.max(0, ageMs)) };
}
