import { type Context, Hono } from 'hono';
import { Checklist } from '../../../views/checklist.tsx';
import { HelpPage } from '../../../views/help.tsx';
import { type AttentionItem, type LatestItem, OverviewPage } from '../../../views/overview.tsx';
import { describeSpan } from '../../../views/parts/format-time.ts';
import { MasterKeyBanner } from '../../../views/parts/master-key-banner.tsx';
import { countStates, findDatabases, type KnownDatabase } from '../../backups/database-list.ts';
import { dayStates } from '../../backups/day-states.ts';
import { storedByDay, talliesSince } from '../../backups/day-tallies.ts';
import { dayOf, daysUntil, weekdayOf } from '../../backups/days.ts';
import { failuresSinceGood } from '../../backups/protection-of.ts';
import { storedOf } from '../../backups/stored-totals.ts';
import { needsMasterKeyCopy } from '../../installation/master-key-copy.ts';
import type { Services } from '../../services-port.ts';
import { checklistOf } from './checklist.ts';
import { frameOf, frameWithDatabases } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';
import { runningOf } from './runs.tsx';

/** More than these are a list, not news. */
const MOST_NEWS = 8;

/** The overview, which is the first page; and Help. */
export function overviewRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/', only('viewer'), async (c) => sendOverview(c, services));

  ui.get('/help', only('viewer'), async (c) => sendPage(c, <HelpPage frame={await frameOf(c, services)} />));

  return ui;
}

async function sendOverview(c: Context<UiEnv>, services: Services): Promise<Response> {
  const { frame, known } = await frameWithDatabases(c, services);
  const environmentId = frame.environment?.id ?? null;
  const showsEnvironment = environmentId === null && frame.environments.length > 1;
  const checklist = await checklistOf(c, services, frame);
  const asksForCopy = frame.user.role === 'admin' && (await needsMasterKeyCopy(services));
  return sendPage(
    c,
    <OverviewPage
      frame={frame}
      {...(checklist === null
        ? { above: asksForCopy ? <MasterKeyBanner /> : undefined }
        : { firstSteps: <Checklist {...checklist} /> })}
      counts={countStates(known)}
      oldest={oldestOf(known, services.now())}
      stored={await storedIn(services, environmentId)}
      attention={await attentionOf(services, known, showsEnvironment)}
      days={await halfAYear(services, environmentId)}
      running={await runningOf(services, environmentId)}
      latest={latestOf(known)}
    />,
  );
}

const WEEKS = 26;
const STORED_DAYS = 60;
const WEEK_DAYS = 7;

const scopeOf = (environmentId: string | null) => (environmentId === null ? {} : { environmentId });

/** Whole weeks, of which this one is the last. */
async function halfAYear({ db, now }: Services, environmentId: string | null) {
  const today = dayOf(now());
  const days = daysUntil(today, (WEEKS - 1) * WEEK_DAYS + weekdayOf(today) + 1);
  return dayStates(await talliesSince(db, scopeOf(environmentId), days[0] ?? today), days, null);
}

async function storedIn({ db, now }: Services, environmentId: string | null) {
  const last = dayOf(now());
  const days = await storedByDay(db, scopeOf(environmentId), { last, days: STORED_DAYS });
  const { bytes, places } = await storedOf(db, environmentId);
  return {
    bytes,
    places,
    inAWeek: bytes - (days.at(-1 - WEEK_DAYS)?.bytes ?? 0),
    points: days.map((day) => ({ at: `${day.day}T00:00:00.000Z`, bytes: day.bytes })),
  };
}

const MOST_LATEST = 6;

/** The databases whose last backup ended the latest: of each its last one. */
function latestOf(known: readonly KnownDatabase[]): readonly LatestItem[] {
  const ended = known.flatMap(({ id, name, lastEnded }) =>
    lastEnded === null ? [] : [{ id, name, lastEnded }],
  );
  return ended
    .toSorted((one, other) => (one.lastEnded.at < other.lastEnded.at ? 1 : -1))
    .slice(0, MOST_LATEST)
    .map(({ id, name, lastEnded }) => ({
      id,
      subject: name,
      href: `/databases/${id}`,
      state: lastEnded.isGood ? 'completed' : 'failed',
      at: lastEnded.at,
    }));
}

/** The one whose last good backup is the oldest, among those that have one. */
function oldestOf(known: readonly KnownDatabase[], now: Date) {
  let oldest: { readonly name: string; readonly at: string; readonly maxAgeHours: number } | null = null;
  for (const { name, protection } of known) {
    const { maxAgeHours } = protection;
    const at = protection.lastGood?.at;
    if (at !== undefined && (oldest === null || at < oldest.at)) oldest = { name, at, maxAgeHours };
  }
  if (oldest === null) return null;
  const { name, at, maxAgeHours } = oldest;
  return { name, maxAgeHours, age: describeSpan(Math.max(0, now.getTime() - Date.parse(at))) };
}

async function attentionOf(
  services: Services,
  known: readonly KnownDatabase[],
  showsEnvironment: boolean,
): Promise<readonly AttentionItem[]> {
  const bad = known.filter(({ protection: { state } }) => state !== 'protected');
  const { databases } = findDatabases(
    bad,
    { search: '', state: null, engine: null, storage: null },
    { by: 'state', isDescending: false },
    { limit: MOST_NEWS, offset: 0 },
  );
  const items: AttentionItem[] = [];
  for (const { id, name, environmentName, protection } of databases) {
    const failures = await failuresSinceGood(services.db, id, protection);
    items.push({
      id,
      name,
      environmentName: showsEnvironment ? environmentName : null,
      state: protection.state,
      lastGoodAt: protection.lastGood?.at ?? null,
      cause: oneLine(failures?.cause ?? null),
    });
  }
  return items;
}

const LONGEST = 200;

function oneLine(text: string | null): string | null {
  const line = text?.split('\n')[0]?.trim() ?? '';
  if (line === '') return null;
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST - 1).trimEnd()}…`;
}
