import type { AttentionItem, AttentionProps, FailedDrillItem } from '../../../views/overview-attention.tsx';
import { whyNot } from '../../../views/schedules/why-not.ts';
import { worstDatabases } from '../../backups/find-databases.ts';
import type { KnownDatabase } from '../../backups/known-databases.ts';
import { PROTECTIONS } from '../../backups/protection.ts';
import { lastFailures } from '../../backups/protection-of.ts';
import type { StateCounts } from '../../backups/protection-states.ts';
import { failedDrills, restorableOf } from '../../backups/restorable.ts';
import { DRILL_FAILURES } from '../../drills/failure.ts';
import { type ScheduleStand, scheduleStands } from '../../schedules/why-not.ts';
import type { Services } from '../../services-port.ts';
import { oneLine } from '../../short-text.ts';

/** More than these are a list, not news. */
const MOST_NEWS = 8;

/** The worst of both: databases that are not protected, and drills that failed. */
export async function attentionOf(
  services: Services,
  environmentId: string | null,
  states: StateCounts,
  showsEnvironment: boolean,
): Promise<AttentionProps['items']> {
  const databases = await worstOf(services, environmentId, states, showsEnvironment);
  const drills = await failedDrillsIn(services, environmentId, showsEnvironment);
  return [...databases, ...drills].toSorted((a, b) => rankOf(a) - rankOf(b)).slice(0, MOST_NEWS);
}

/** A backup that was found not to come back is as bad as none; a drill that failed for another reason says nothing of a backup. */
function rankOf(item: AttentionProps['items'][number]): number {
  if ('state' in item) return PROTECTIONS.indexOf(item.state) * 2;
  return item.isDamaged ? PROTECTIONS.indexOf('late') * 2 + 1 : PROTECTIONS.indexOf('failing') * 2 + 1;
}

/** The worst databases that are not protected, each with its cause in one line. */
async function worstOf(
  services: Services,
  environmentId: string | null,
  states: StateCounts,
  showsEnvironment: boolean,
): Promise<readonly AttentionItem[]> {
  const databases = await worstDatabases(services, environmentId, states, MOST_NEWS);
  const ids = databases.map(({ id }) => id);
  const failures = await lastFailures(services, databases);
  const drills = await restorableOf(services.db, ids);
  const schedules = await scheduleStands(services.db, ids);
  return databases.map((database) => {
    const { id, name, environmentName, protection } = database;
    return {
      ...{ id, name, state: protection.state },
      environmentName: showsEnvironment ? environmentName : null,
      lastGoodAt: protection.lastGood?.at ?? null,
      restorableAt: drills.get(id)?.restorable?.at ?? null,
      cause: oneLine(causeOf(database, failures.get(id), schedules.get(id), services.now())),
    };
  });
}

/** A pause is what somebody wanted; then what failed; then why nothing began. */
function causeOf(
  { protection, lastEnded }: KnownDatabase,
  failure: string | undefined,
  schedule: ScheduleStand | undefined,
  now: Date,
): string {
  const { state, lastGood } = protection;
  if (state === 'paused') return sentence('Its schedule is paused', schedule?.pausedReason ?? '');
  if (failure) return failure;
  if (lastEnded !== null && !lastEnded.isGood)
    return 'Its newest backup was found damaged after it was made.';
  if (state === 'late' && lastGood !== null && lastGood.at > now.toISOString()) {
    return 'Its last good backup is from the future: the clock was set back since, or was ahead.';
  }
  if (schedule === undefined) return 'It has no schedule: nothing backs it up by itself.';
  const { lastTime } = schedule;
  const isSince = lastTime !== null && (lastGood === null || lastTime.at > lastGood.at);
  if (isSince && lastTime.reason !== null) {
    return `Nothing began at its last time. ${whyNot(lastTime.reason, lastTime.detail)}`;
  }
  if (isSince) return 'What began at its last time has not become a good backup.';
  return lastGood === null ? 'Its first time has not come yet.' : 'No backup began since then.';
}

const sentence = (words: string, detail: string) => (detail === '' ? `${words}.` : `${words}: ${detail}`);

/** Databases whose last drill failed. */
async function failedDrillsIn(
  { db }: Services,
  environmentId: string | null,
  showsEnvironment: boolean,
): Promise<readonly FailedDrillItem[]> {
  const failed = await failedDrills(db, environmentId, MOST_NEWS);
  return failed.map(({ databaseId, databaseName, environmentName, lastGoodId, at, failure, says }) => ({
    ...{ id: databaseId, name: databaseName, lastGoodId, at, isDamaged: failure === 'damaged' },
    environmentName: showsEnvironment ? environmentName : null,
    cause: `${DRILL_FAILURES[failure]}. ${oneLine(says)}`,
  }));
}
