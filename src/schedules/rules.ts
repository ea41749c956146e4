import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import type { Context } from '../db/context.ts';
import type { Db, ScheduleRow, Trx } from '../db/schema.ts';
import { isUniqueViolation } from '../db/unique-violation.ts';
import { write } from '../db/write.ts';
import { engineFor } from '../engines/engines.ts';
import { getEnvironmentRow } from '../environments/environments.ts';
import { AppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { readSettings } from '../settings/settings.ts';
import { parseCron } from './cron.ts';
import { checkDrillPlace, type Scheduling } from './drill-place.ts';
import { columnsOf, type NewRule, type RuleChange, requireRun } from './fields.ts';
import { followSchedules } from './follow.ts';
import { inWords } from './words.ts';

/** A schedule for every database that fits: of an environment, on servers with a tag, of an engine. */
export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly cronExpression: string;
  readonly words: string;
  readonly enabled: boolean;
  readonly environmentId: string | null;
  readonly tag: string | null;
  readonly engine: string | null;
  readonly timeZone: string | null;
  readonly jitterMinutes: number;
  readonly catchUpHours: number | null;
  readonly retries: number;
  readonly retryMinutes: number;
  readonly pausedReason: string | null;
  readonly pausedAt: string | null;
  /** When drills begin; null: none does by itself. */
  readonly drillCron: string | null;
  readonly drillServerId: string | null;
  readonly drillFolder: string | null;
  /** How often the newest good backup is read in full; null: as set for the installation. */
  readonly verifyEveryDays: number | null;
  /** Databases for which it counts now. */
  readonly databases: number;
}

/** By name. */
export async function listRules(db: Db): Promise<readonly Rule[]> {
  const rows = await db.selectFrom('schedules').selectAll().where('rule_name', 'is not', null).execute();
  const counts = await db
    .selectFrom('database_schedules')
    .select(({ fn }) => ['schedule_id', fn.countAll<number>().as('count')])
    .groupBy('schedule_id')
    .execute();
  const known = new Map(counts.map(({ schedule_id: id, count }) => [id, Number(count)]));
  const rules = rows.map((row) => toRule(row, known.get(row.id) ?? 0));
  return rules.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Throws `invalid`, `not_found` for an environment that is not there, `conflict` for a name that is taken. */
export async function createRule({ db, now }: Context, actor: Scheduling, input: NewRule): Promise<Rule> {
  return saving(() =>
    write(db, async (trx) => {
      const at = now();
      await check(trx, input, null, at);
      await checkDrillPlace(trx, actor, input, null);
      const id = newId();
      await trx
        .insertInto('schedules')
        .values({
          ...{ id, rule_name: input.name, cron_expression: input.cronExpression, enabled: 1 },
          ...{ retention_days: 7, jitter_minutes: 0, retries: 0, retry_minutes: 10 },
          ...{ created_at: at.toISOString(), updated_at: at.toISOString() },
          ...columnsOf(input, at),
        })
        .execute();
      return saved(trx, actor, id, { action: 'create', details: input, at });
    }),
  );
}

/** Changes what is given. Throws as `createRule`, and `not_found`. */
export async function changeRule(
  { db, now }: Context,
  actor: Scheduling,
  id: string,
  input: RuleChange,
): Promise<Rule> {
  return saving(() =>
    write(db, async (trx) => {
      const at = now();
      const before = await getRule(trx, id);
      await check(trx, input, before, at);
      await checkDrillPlace(trx, actor, input, before);
      await trx
        .updateTable('schedules')
        .set({ ...columnsOf(input, at), updated_at: at.toISOString() })
        .where('id', '=', id)
        .execute();
      return saved(trx, actor, id, { action: 'update', details: input, at });
    }),
  );
}

/** Databases that have no other schedule have none then. Throws `not_found`. */
export async function deleteRule({ db, now }: Context, actor: Actor, id: string): Promise<void> {
  await write(db, async (trx) => {
    const at = now();
    const row = await getRule(trx, id);
    await trx.deleteFrom('schedules').where('id', '=', id).execute();
    await followSchedules(trx, at);
    const of = { id, name: row.rule_name, environmentId: row.environment_id };
    const details = { cronExpression: row.cron_expression };
    await recordAudit(trx, actor, auditEntry('backup_schedule', 'delete', of, { details }), at);
  });
}

async function saved(
  trx: Trx,
  actor: Actor,
  id: string,
  {
    action,
    details,
    at,
  }: {
    readonly action: 'create' | 'update';
    readonly details: Readonly<Record<string, unknown>>;
    readonly at: Date;
  },
): Promise<Rule> {
  await followSchedules(trx, at);
  const row = await getRule(trx, id);
  const of = { id, name: row.rule_name, environmentId: row.environment_id };
  await recordAudit(trx, actor, auditEntry('backup_schedule', action, of, { details }), at);
  const { count } = await trx
    .selectFrom('database_schedules')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('schedule_id', '=', id)
    .executeTakeFirstOrThrow();
  return toRule(row, Number(count));
}

async function check(trx: Trx, input: RuleChange, before: ScheduleRow | null, now: Date): Promise<void> {
  if (typeof input.environmentId === 'string') await getEnvironmentRow(trx, input.environmentId);
  if (typeof input.engine === 'string' && engineFor(input.engine) === undefined) {
    const message = 'Must be an engine whose databases can be backed up';
    const issues = [{ path: ['engine'], message, code: 'custom' }];
    throw new AppError('invalid', 'Invalid input', { details: { issues } });
  }
  const zone = input.timeZone === undefined ? before?.time_zone : input.timeZone;
  const inZone = zone ?? (await readSettings(trx)).timezone;
  const expression = input.cronExpression ?? before?.cron_expression;
  if (expression !== undefined) requireRun(expression, inZone, now);
  const drills = input.drillCron === undefined ? before?.drill_cron : input.drillCron;
  if (drills) requireRun(drills, inZone, now, 'drillCron');
}

async function getRule(trx: Trx, id: string): Promise<ScheduleRow> {
  const row = await trx
    .selectFrom('schedules')
    .selectAll()
    .where('id', '=', id)
    .where('rule_name', 'is not', null)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('not_found', 'Rule not found');
  return row;
}

async function saving<T>(save: () => Promise<T>): Promise<T> {
  try {
    return await save();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('conflict', 'A rule of this name already exists', { cause: error });
  }
}

function toRule(row: ScheduleRow, databases: number): Rule {
  return {
    id: row.id,
    name: row.rule_name ?? '',
    cronExpression: row.cron_expression,
    words: inWords(parseCron(row.cron_expression)),
    enabled: row.enabled === 1,
    environmentId: row.environment_id,
    tag: row.tag,
    engine: row.engine,
    timeZone: row.time_zone,
    jitterMinutes: row.jitter_minutes,
    catchUpHours: row.catch_up_hours,
    retries: row.retries,
    retryMinutes: row.retry_minutes,
    pausedReason: row.paused_reason,
    pausedAt: row.paused_at,
    drillCron: row.drill_cron,
    drillServerId: row.drill_server_id,
    drillFolder: row.drill_folder,
    verifyEveryDays: row.verify_every_days,
    databases,
  };
}
