import * as z from 'zod';
import type { Actor } from '../audit/audit.ts';
import { getDatabaseRow } from '../databases/databases.ts';
import type { Context } from '../db/context.ts';
import { AppError } from '../errors.ts';
import type { Scheduling } from './drill-place.ts';
import { effectiveSchedule, sortRules } from './effective.ts';
import { type ScheduleInput, scheduleInput } from './fields.ts';
import { type DatabaseSchedule, deleteSchedule, getSchedule, putSchedule } from './schedules.ts';

/** Single changes to when a database is backed up, as they are made to several at once: what is not named stays as it is. */

export const times = scheduleInput.pick({ cronExpression: true });
export const pause = z.object({ pausedReason: scheduleInput.shape.pausedReason.unwrap().unwrap() });

/** Gives it other times. What a rule said of it becomes its own, but for those. Throws `not_found`, `invalid`, `forbidden`. */
export async function changeTimes(
  context: Context,
  actor: Scheduling,
  databaseId: string,
  cronExpression: string,
): Promise<void> {
  const present = await getSchedule(context, databaseId);
  await putSchedule(context, actor, databaseId, { ...staying(present), cronExpression });
}

/** Takes its own schedule away where a rule then counts. Throws `not_found`, `conflict` where none would. */
export async function followRule(context: Context, actor: Actor, databaseId: string): Promise<void> {
  const { own } = await getSchedule(context, databaseId);
  if (!(await hasRule(context, databaseId))) {
    const rest = own === null ? '' : ' Its own schedule stays.';
    throw new AppError('conflict', `No rule fits it: nothing would back it up by itself.${rest}`);
  }
  await deleteSchedule(context, actor, databaseId);
}

/**
 * Lets nothing begin by itself, and says why. One that follows a rule gets that rule's times as its own, paused. Throws `not_found`, and
 * `conflict` where it is paused already or nothing begins anyway.
 */
export async function pauseDatabase(
  context: Context,
  actor: Scheduling,
  databaseId: string,
  pausedReason: string,
): Promise<void> {
  const present = await getSchedule(context, databaseId);
  const { effective } = present;
  if (effective === null) {
    throw new AppError('conflict', 'Nothing backs it up by itself, so there is nothing to pause.');
  }
  if (effective.pausedReason !== null) {
    throw new AppError('conflict', `It is paused already: ${effective.pausedReason}`);
  }
  const { cronExpression } = effective;
  await putSchedule(context, actor, databaseId, { ...staying(present), cronExpression, pausedReason });
}

/** Lets its own schedule go on. Throws `not_found`, and `conflict` where it is not paused, or a rule is. */
export async function resumeDatabase(context: Context, actor: Scheduling, databaseId: string): Promise<void> {
  const present = await getSchedule(context, databaseId);
  const { own, effective } = present;
  if (own?.pausedReason != null) {
    const { cronExpression } = own;
    await putSchedule(context, actor, databaseId, {
      ...staying(present),
      cronExpression,
      pausedReason: null,
    });
    return;
  }
  const isRule = effective !== null && effective.pausedReason !== null;
  throw new AppError(
    'conflict',
    isRule
      ? `The rule ${effective.rule?.name} is paused, and every database that follows it. Let the rule go on under Schedules.`
      : 'It is not paused.',
  );
}

/** What is sent beside the times so that all else stays. */
function staying({ own, effective }: DatabaseSchedule): Omit<ScheduleInput, 'cronExpression'> {
  if (own !== null) return { retentionDays: own.retentionDays, enabled: own.enabled };
  if (effective === null) return { ...KEPT_DAYS, enabled: true, retries: 2 };
  const { timeZone, jitterMinutes, catchUpHours, retries, retryMinutes, pausedReason } = effective;
  const { drillCron, drillServerId, drillFolder, verifyEveryDays } = effective;
  return {
    ...{ ...KEPT_DAYS, enabled: true, timeZone, jitterMinutes, catchUpHours, retries, retryMinutes },
    ...{ pausedReason, drillCron, drillServerId, drillFolder, verifyEveryDays },
  };
}

/** The wire's; what is kept is said by the retention policy. */
const KEPT_DAYS = { retentionDays: 7 } as const;

const tagList = z.array(z.string());

async function hasRule({ db }: Context, databaseId: string): Promise<boolean> {
  const { type, environment_id: environmentId, server_id: serverId } = await getDatabaseRow(db, databaseId);
  const server = await db
    .selectFrom('servers')
    .select('tags')
    .where('id', '=', serverId ?? '')
    .executeTakeFirst();
  const rules = await db.selectFrom('schedules').selectAll().where('database_id', 'is', null).execute();
  const tags = tagList.parse(JSON.parse(server?.tags ?? '[]'));
  return effectiveSchedule(undefined, sortRules(rules), { environmentId, engine: type, tags }) !== null;
}
