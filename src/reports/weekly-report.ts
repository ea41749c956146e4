import { talliesSince } from '../backups/day-tallies.ts';
import { dayAfter, dayOf } from '../backups/days.ts';
import { worstDatabases } from '../backups/find-databases.ts';
import { lastFailures } from '../backups/protection-of.ts';
import { countStates, totalOf } from '../backups/protection-states.ts';
import { failedDrills } from '../backups/restorable.ts';
import type { Context } from '../db/context.ts';
import { DRILL_FAILURES } from '../drills/failure.ts';
import type { Report, ReportSection } from '../events/report.ts';
import { countScheduled } from '../installation/next-steps.ts';
import { failingWays } from '../notifications/failing-ways.ts';
import { minuteOf } from '../notifications/installation-words.ts';
import { sizeText } from '../notifications/size-text.ts';
import { scheduledAlike } from '../schedules/scheduled.ts';
import { weekAhead } from '../schedules/week.ts';
import { readSettings } from '../settings/settings.ts';
import { oneLine } from '../short-text.ts';
import { type BytesByPlace, bytesByPlace, growthByEnvironment } from './places.ts';
import { proofsSince } from './proofs.ts';
import { growthText, sectionOf, tableOf, times } from './report-parts.ts';
import { STATE_WORDS, stateWords, verdictTitle } from './verdict-words.ts';

const DAY_MS = 86_400_000;
const WEEK_DAYS = 7;
/** The rest is seen in the app. */
const MOST_DATABASES = 20;
const MOST_ROWS = 30;
const MOST_DRILLS = 10;

/** What the one before it knew. */
export interface ReportBefore {
  readonly at: string;
  /** What lay where. */
  readonly places: BytesByPlace;
}

/**
 * The day (UTC) from which on backups are counted: that of the report before it, the whole of it, since what came later on that day is in
 * no other. Where that one was late, and a week is not over yet, it is a week all the same.
 */
function daySince(at: Date, before: ReportBefore | null): string {
  const aWeekAgo = dayAfter(dayOf(at), -WEEK_DAYS);
  const told = before === null ? aWeekAgo : dayOf(new Date(before.at));
  return told < aWeekAgo ? told : aWeekAgo;
}

export interface MadeReport {
  readonly report: Report;
  readonly places: BytesByPlace;
}

/**
 * How things stand, and what the days since the last one and the next seven bring. `before`: the last one; null: there
 * was none. Of a thousand databases it names the worst, and counts all.
 */
export async function makeWeeklyReport(context: Context, before: ReportBefore | null): Promise<MadeReport> {
  const { db, now } = context;
  const since = new Date(now().getTime() - WEEK_DAYS * DAY_MS);
  const counts = await countStates(context, null);
  const { unscheduled } = await countScheduled(db);
  const places = await bytesByPlace(db);
  const sinceDay = daySince(now(), before);
  const tallies = await talliesSince(db, {}, sinceDay);
  const good = tallies.reduce((all, day) => all + day.good, 0);
  const failed = tallies.reduce((all, day) => all + day.failed, 0);
  const title = `Weekly report: ${verdictTitle(counts, unscheduled)}`;
  const stored = Object.values(places).reduce((all, bytes) => all + bytes, 0);
  const summary = `Since ${sinceDay} ${times(good, 'backup')} ended well and ${failed} failed; ${sizeText(stored)} are stored.`;
  const sections = [
    sectionOf('Databases', [totalOf(counts) === 0 ? 'There are none.' : `${stateWords(counts)}.`]),
    await notProtected(context, counts),
    await storedByEnvironment(context, sinceDay),
    placesSection(places, before?.places ?? null),
    await proofs(context, since),
    await nextWeek(context),
    await ways(context),
  ];
  return { report: { title, summary, sections: sections.filter((one) => one !== null) }, places };
}

/** Which are not protected and why, as the overview has them. */
async function notProtected(
  context: Context,
  counts: Awaited<ReturnType<typeof countStates>>,
): Promise<ReportSection | null> {
  const databases = await worstDatabases(context, null, counts, MOST_DATABASES);
  if (databases.length === 0) return null;
  const causes = await lastFailures(context, databases);
  const all = totalOf(counts) - counts.protected;
  const rows = databases.map(({ id, name, environmentName, protection: { state, lastGood } }) => ({
    cells: [
      ...[`${name} (${environmentName})`, STATE_WORDS[state]],
      lastGood === null ? 'never' : minuteOf(lastGood.at),
      oneLine(causes.get(id) ?? ''),
    ],
    path: `/databases/${id}`,
  }));
  const more = all > rows.length ? [`The worst ${rows.length} of ${all}; the others are in the app.`] : [];
  return sectionOf('Not protected', more, tableOf(['Database', 'State', 'Last good backup', 'Cause'], rows));
}

async function storedByEnvironment({ db }: Context, sinceDay: string): Promise<ReportSection | null> {
  const environments = await growthByEnvironment(db, sinceDay);
  if (environments.length === 0) return null;
  const largest = environments.toSorted((one, other) => other.bytes - one.bytes).slice(0, MOST_ROWS);
  const rows = largest.map(({ name, bytes, growth }) => ({
    cells: [name, sizeText(bytes), growthText(growth)],
    path: null,
  }));
  const more = environments.length - rows.length;
  const lines = more > 0 ? [`The ${rows.length} largest; ${more} more.`] : [];
  return sectionOf(
    'Stored, by environment',
    lines,
    tableOf(['Environment', 'Stored', `Since ${sinceDay}`], rows),
  );
}

function placesSection(places: BytesByPlace, before: BytesByPlace | null): ReportSection | null {
  const named = Object.entries(places).toSorted(([, one], [, other]) => other - one);
  if (named.length === 0) return null;
  const rows = named.slice(0, MOST_ROWS).map(([place, bytes]) => ({
    cells: [
      ...[place, sizeText(bytes)],
      before === null ? 'not known yet' : growthText(bytes - (before[place] ?? 0)),
    ],
    path: null,
  }));
  return sectionOf('Stored, by place', [], tableOf(['Place', 'Stored', 'Since the last report'], rows));
}

async function proofs({ db }: Context, since: Date): Promise<ReportSection> {
  const { verified, damaged, proven, failed } = await proofsSince(db, since);
  const drills = await failedDrills(db, null, MOST_DRILLS);
  const rows = drills.map(({ databaseId, databaseName, environmentName, at, failure, says }) => ({
    cells: [
      `${databaseName} (${environmentName})`,
      minuteOf(at),
      `${DRILL_FAILURES[failure]}. ${oneLine(says)}`,
    ],
    path: `/databases/${databaseId}`,
  }));
  const lines = [
    `${times(verified, 'backup')} ${verified === 1 ? 'was' : 'were'} read in full; ${damaged} found damaged.`,
    `${times(proven, 'drill')} restored all that was to be there; ${failed} failed.`,
  ];
  const table = rows.length === 0 ? null : tableOf(['Its last drill failed', 'When', 'Why'], rows);
  return sectionOf('Proofs of seven days', lines, table);
}

async function nextWeek(context: Context): Promise<ReportSection> {
  const scheduled = await scheduledAlike(context.db);
  const databases = scheduled.reduce((all, { count }) => all + count, 0);
  const { timezone } = await readSettings(context.db);
  const { total: runs } = await weekAhead(context, scheduled, timezone);
  const isOne = databases === 1;
  return sectionOf('The next seven days', [
    `${times(runs, 'backup')} ${runs === 1 ? 'is' : 'are'} to begin by ${runs === 1 ? 'itself' : 'themselves'}, of ${databases} ${isOne ? 'database that has' : 'databases that have'} a schedule.`,
  ]);
}

/** Which, and why, is admins' to read. */
async function ways({ db }: Context): Promise<ReportSection | null> {
  const [first, ...others] = await failingWays(db);
  if (first === undefined) return null;
  const count = others.length + 1;
  return sectionOf('Notifications don’t arrive', [
    `By ${count === 1 ? 'one way' : `${count} ways`}, since ${minuteOf(first.since)}: admins see which under Notifications > Channels.`,
  ]);
}
