import type { Context } from 'hono';
import type { DatabaseFigures } from '../../../views/database/database-page.tsx';
import type { BackupListProps } from '../../../views/database/listed-backups.ts';
import type { EndedRun } from '../../../views/database/live-runs.tsx';
import type { EnvironmentChoice } from '../../../views/frame/frame.ts';
import { changeText } from '../../../views/parts/format.ts';
import { hasRole } from '../../auth/roles.ts';
import { type BackupFilter, findBackup, listBackups, liveBackups } from '../../backups/backups.ts';
import { dayStates } from '../../backups/day-states.ts';
import { monthUntil, storedNow, talliesSince, type UsualOf, usualOf } from '../../backups/day-tallies.ts';
import { dayOf, daysUntil, parseDay, weekdayOf } from '../../backups/days.ts';
import { type KnownDatabase, knownDatabases } from '../../backups/known-databases.ts';
import { targetOf } from '../../backups/protection.ts';
import { type Restorable, restorableOfOne } from '../../backups/restorable.ts';
import { sizeChanges, sizeChangesOf } from '../../backups/size-changes.ts';
import type { Database } from '../../databases/databases.ts';
import type { Db } from '../../db/schema.ts';
import { DRILL_FAILURES } from '../../drills/failure.ts';
import { getSettings } from '../../environments/environment-settings.ts';
import { keptOf } from '../../retention/kept.ts';
import { type Standing, standingOf } from '../../retention/standing.ts';
import { type BriefSchedule, briefSchedules } from '../../schedules/schedules.ts';
import type { Services } from '../../services-port.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { endedRuns, toBackupItem, toLiveRuns } from './backup-views.ts';
import type { FormBody } from './kit/form-body.ts';
import { pageOf } from './kit/paging.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** With charts above them and a line for each failure: more would make the page larger than pages may be. */
const PER_PAGE = 25;
const WEEKS = 26;
const DAYS_A_WEEK = 7;
/** Good backups whose sizes are drawn. */
const SIZES = 24;

export async function figuresOf(
  services: Services,
  database: Database,
  { good: storedBackups }: Pick<BackupListProps['counts'], 'good'>,
  shown: {
    readonly mayChange: boolean;
    /** Where the page has read it already. */
    readonly schedule?: BriefSchedule | null;
    readonly known?: KnownDatabase | undefined;
  },
): Promise<DatabaseFigures> {
  const { db } = services;
  const scope = { databaseId: database.id };
  const today = dayOf(services.now());
  // Whole weeks, of which the last one is not over.
  const days = daysUntil(today, (WEEKS - 1) * DAYS_A_WEEK + weekdayOf(today) + 1);
  const tallies = await talliesSince(db, scope, days[0] ?? today);
  const usual = await usualOf(db, database.id, { sizes: SIZES });
  const known = shown.known ?? (await knownDatabases(services, [database]))[0];
  const changes = sizeChanges(usual.sizes.map(({ bytes }) => bytes));
  const { schedule = (await briefSchedules(db, [database.id])).get(database.id) } = shown;
  return {
    databaseId: database.id,
    mayChange: shown.mayChange,
    lastGood: await lastGoodOf(db, known, usual),
    ...drillFigures(await restorableOfOne(db, database.id)),
    ...monthUntil(today, tallies),
    usualSeconds: usual.seconds,
    storedBytes: await storedNow(db, database.id),
    storedBackups,
    nextRunAt: known?.nextRunAt ?? null,
    heldBack: heldBackOf(known),
    zone: schedule?.zone ?? 'UTC',
    isPaused: known?.protection.state === 'paused',
    // By the same target as the state beside it: that of its schedule, where it has one.
    days: dayStates(
      tallies,
      days,
      known === undefined ? database.maxBackupAgeHours : targetOf(known.protection),
    ),
    sizes: usual.sizes.map(({ id, at, bytes }, index) => {
      const change = changes[index] ?? null;
      return {
        at,
        bytes,
        href: `/backups/${id}`,
        ...(change === null ? {} : { mark: `${changeText(change)} than usual` }),
      };
    }),
  };
}

function heldBackOf(known: KnownDatabase | undefined): DatabaseFigures['heldBack'] {
  if (known === undefined || known.heldBack === null) return null;
  return { why: known.heldBack, databaseId: known.id, environmentName: known.environmentName };
}

function drillFigures({ restorable, drillFailure }: Restorable) {
  return {
    restorable,
    drillFailure: drillFailure && { at: drillFailure.at, failure: DRILL_FAILURES[drillFailure.failure] },
  };
}

async function lastGoodOf(
  db: Db,
  known: KnownDatabase | undefined,
  { sizes }: UsualOf,
): Promise<DatabaseFigures['lastGood']> {
  const lastGood = known?.protection.lastGood;
  if (!lastGood) return null;
  const newest = sizes.find(({ id }) => id === lastGood.id);
  if (newest !== undefined) return { ...lastGood, bytes: newest.bytes, seconds: newest.seconds };
  const backup = await findBackup(db, lastGood.id);
  return backup === undefined ? null : { ...lastGood, bytes: Number(backup.size), seconds: backup.duration };
}

/** The list as the address filters it; what there is no filter of is as if it were not there. */
export async function listOf(
  c: Context<UiEnv>,
  services: Services,
  database: Database,
  environment: EnvironmentChoice,
  counts: BackupListProps['counts'],
  standing?: Standing,
): Promise<BackupListProps> {
  const page = pageOf(c, PER_PAGE);
  const filter = backupFilterOf(c.req.query());
  const { backups, total } = await listBackups(services.db, database.id, page, filter, counts);
  const settings = await getSettings(services.db, database.environmentId, 'data');
  const { role } = c.get('session').user;
  const kept = await keptOf(services, database.id, {
    shown: backups,
    standing: standing ?? (await standingOf(services.db, database.id)),
  });
  const completed = backups.filter(({ status }) => status === 'completed');
  const changes = await sizeChangesOf(services.db, database.id, completed);
  return {
    databaseId: database.id,
    backups: backups.map((row) => toBackupItem(row, { kept, changes })),
    page: { ...page, total },
    filter: {
      ...filter,
      each: c.req.query('each') !== undefined,
      all: c.req.query('all') !== undefined,
    },
    counts,
    environment,
    allowDownload: settings['allowBackupDownload'] === true,
    isStorageEnabled: await isStorageEnabled(services.db, database.environmentId),
    mayChange: hasRole(role, 'operator'),
    mayConfigure: hasRole(role, 'admin'),
    // A column of dashes tells nothing.
    hasKept: counts.good > 0 && (kept.size > 0 || completed.length === 0),
    today: dayOf(services.now()),
  };
}

/** Of an address or a form; what there is no filter of is as if it were not there. */
export function backupFilterOf({ result, day }: FormBody): BackupFilter {
  return { result: RESULTS.find((one) => one === result), day: parseDay(day) };
}

const RESULTS = ['good', 'failed', 'pinned'] as const;

export async function liveRunsOf(services: Services, databaseId: string) {
  return toLiveRuns(services, await liveBackups(services.db, databaseId));
}

/** What became of those of the database that a page has shown, as far as they are over. */
export async function endedRunsOf(
  services: Services,
  databaseId: string,
  ids: readonly string[],
): Promise<readonly EndedRun[]> {
  const ended = await endedRuns(services.db, ids);
  return ended.filter((run) => run.databaseId === databaseId);
}
