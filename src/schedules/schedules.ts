import { type Actor, auditEntry, recordAudit } from '../audit/audit.ts';
import { type HeldBack, heldBack } from '../backups/held-back.ts';
import { getDatabaseRow } from '../databases/databases.ts';
import type { Context } from '../db/context.ts';
import type { Db, ScheduleRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { newId } from '../ids.ts';
import { readSettings } from '../settings/settings.ts';
import { parseCron } from './cron.ts';
import { checkDrillPlace, type Scheduling } from './drill-place.ts';
import { columnsOf, requireRun, type ScheduleInput } from './fields.ts';
import { followSchedules } from './follow.ts';
import { runsBetween } from './next-run.ts';
import { inWords } from './words.ts';

/** When a database is backed up by itself. */
export interface Schedule {
  readonly id: string;
  readonly databaseId: string;
  readonly cronExpression: string;
  /** In English, such as `At 02:00`. */
  readonly words: string;
  readonly retentionDays: number;
  readonly enabled: boolean;
  /** Its own; null: the installation's. */
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
  readonly lastRunAt: string | null;
  /** When the next run begins; null where it is disabled or paused, or what it makes could not be stored. */
  readonly nextRunAt: string | null;
}

/** The schedule that counts for a database: its own, or a rule's. */
export interface EffectiveSchedule extends Schedule {
  /** Null: the database's own. */
  readonly rule: { readonly id: string; readonly name: string } | null;
  /** The zone that it is read in. */
  readonly zone: string;
  /** Its next five slots, whatever speaks against them. */
  readonly nextSlots: readonly string[];
  /** What keeps the backups of the database from being made; null: nothing. */
  readonly heldBack: HeldBack | null;
}

export interface DatabaseSchedule {
  readonly own: Schedule | null;
  readonly effective: EffectiveSchedule | null;
}

const SLOTS_SHOWN = 5;

/** Throws `not_found`. */
export async function getSchedule({ db, now }: Context, databaseId: string): Promise<DatabaseSchedule> {
  await getDatabaseRow(db, databaseId);
  return readSchedule(db, databaseId, now());
}

/** Gives a database a schedule of its own, or changes it. Throws `not_found`, `invalid`. */
export async function putSchedule(
  { db, now }: Context,
  actor: Scheduling,
  databaseId: string,
  input: ScheduleInput,
): Promise<DatabaseSchedule> {
  return write(db, async (trx) => {
    const at = now();
    await putScheduleIn(trx, actor, databaseId, input, at);
    return readSchedule(trx, databaseId, at);
  });
}

/** The same in a transaction of the caller. */
export async function putScheduleIn(
  trx: Trx,
  actor: Scheduling,
  databaseId: string,
  input: ScheduleInput,
  at: Date,
): Promise<void> {
  const database = await getDatabaseRow(trx, databaseId);
  const before = await ownRow(trx, databaseId);
  const zone = input.timeZone === undefined ? before?.time_zone : input.timeZone;
  const inZone = zone ?? (await readSettings(trx)).timezone;
  requireRun(input.cronExpression, inZone, at);
  if (input.drillCron) requireRun(input.drillCron, inZone, at, 'drillCron');
  await checkDrillPlace(trx, actor, input, before);
  const columns = { ...columnsOf(input, at), updated_at: at.toISOString() };
  if (before === undefined)
    await trx
      .insertInto('schedules')
      .values(newRow(databaseId, input, at))
      .execute();
  await trx.updateTable('schedules').set(columns).where('database_id', '=', databaseId).execute();
  await followSchedules(trx, at, [databaseId]);
  const after = await ownRow(trx, databaseId);
  const of = { id: after?.id ?? null, name: database.name, environmentId: database.environment_id };
  const entry = auditEntry('backup_schedule', 'update', of, { details: { databaseId, ...input } });
  await recordAudit(trx, actor, entry, at);
}

/** Takes a database's own schedule away, so that a rule may count; nothing where it has none. Throws `not_found`. */
export async function deleteSchedule({ db, now }: Context, actor: Actor, databaseId: string): Promise<void> {
  await write(db, async (trx) => {
    const at = now();
    const database = await getDatabaseRow(trx, databaseId);
    const row = await ownRow(trx, databaseId);
    if (row === undefined) return;
    await trx.deleteFrom('schedules').where('id', '=', row.id).execute();
    await followSchedules(trx, at, [databaseId]);
    const of = { id: row.id, name: database.name, environmentId: database.environment_id };
    const details = { databaseId, cronExpression: row.cron_expression };
    await recordAudit(trx, actor, auditEntry('backup_schedule', 'delete', of, { details }), at);
  });
}

function ownRow(db: Db | Trx, databaseId: string): Promise<ScheduleRow | undefined> {
  return db.selectFrom('schedules').selectAll().where('database_id', '=', databaseId).executeTakeFirst();
}

function newRow(databaseId: string, input: ScheduleInput, now: Date) {
  const at = now.toISOString();
  return {
    id: newId(),
    database_id: databaseId,
    rule_name: null,
    cron_expression: input.cronExpression,
    retention_days: input.retentionDays,
    enabled: 1,
    jitter_minutes: 0,
    retries: 0,
    retry_minutes: 10,
    created_at: at,
    updated_at: at,
  } as const;
}

async function readSchedule(db: Db | Trx, databaseId: string, now: Date): Promise<DatabaseSchedule> {
  const row = await ownRow(db, databaseId);
  const found = await effectiveSchedules(db, now, [databaseId]);
  const effective = found.get(databaseId) ?? null;
  const { lastRunAt = null, nextRunAt = null, heldBack: why = null } = effective ?? {};
  const state = { last_run_at: lastRunAt, run_at: nextRunAt, held_back: why };
  return { own: row === undefined ? null : toSchedule(row, databaseId, state), effective };
}

/** What lists say of the schedule that counts for a database. */
export interface BriefSchedule {
  readonly cronExpression: string;
  readonly words: string;
  readonly enabled: boolean;
  readonly pausedReason: string | null;
  readonly pausedAt: string | null;
  /** The zone that it is read in. */
  readonly zone: string;
  readonly lastRunAt: string | null;
  readonly nextRunAt: string | null;
  /** Null: the database's own. */
  readonly rule: { readonly id: string; readonly name: string } | null;
  /** What keeps the backups of the database from being made; null: nothing. */
  readonly heldBack: HeldBack | null;
}

/** For lists: of these databases, by id, or of all that have one. */
export async function briefSchedules(
  db: Db,
  databaseIds?: readonly string[],
): Promise<ReadonlyMap<string, BriefSchedule>> {
  if (databaseIds?.length === 0) return new Map();
  const rows = await db
    .selectFrom('database_schedules as when')
    .innerJoin('schedules', 'schedules.id', 'when.schedule_id')
    .innerJoin('databases', 'databases.id', 'when.database_id')
    .select(heldBack.as('held_back'))
    .select(['when.database_id', 'when.run_at', 'when.last_run_at', 'when.time_zone as zone'])
    .select(['schedules.id', 'cron_expression', 'enabled', 'paused_reason', 'paused_at', 'rule_name'])
    .$if(databaseIds !== undefined, (query) =>
      query.where('when.database_id', 'in', [...(databaseIds ?? [])]),
    )
    .execute();
  const known = new Map<string, string>();
  return new Map(
    rows.map((row) => {
      const words = known.get(row.cron_expression) ?? inWords(parseCron(row.cron_expression));
      known.set(row.cron_expression, words);
      const brief = {
        cronExpression: row.cron_expression,
        words,
        enabled: row.enabled === 1,
        pausedReason: row.paused_reason,
        pausedAt: row.paused_at,
        zone: row.zone,
        lastRunAt: row.last_run_at,
        nextRunAt: row.paused_reason === null && row.held_back === null ? row.run_at : null,
        rule: row.rule_name === null ? null : { id: row.id, name: row.rule_name },
        heldBack: row.held_back,
      };
      return [row.database_id, brief];
    }),
  );
}

/** The schedules that count for these databases, by id. */
export async function effectiveSchedules(
  db: Db | Trx,
  now: Date,
  databaseIds: readonly string[],
): Promise<ReadonlyMap<string, EffectiveSchedule>> {
  if (databaseIds.length === 0) return new Map();
  const rows = await db
    .selectFrom('database_schedules')
    .innerJoin('schedules', 'schedules.id', 'database_schedules.schedule_id')
    .innerJoin('databases', 'databases.id', 'database_schedules.database_id')
    .selectAll('schedules')
    .select(heldBack.as('held_back'))
    .select(['database_schedules.database_id as for_database', 'database_schedules.time_zone as zone'])
    .select(['database_schedules.run_at', 'database_schedules.last_run_at'])
    .where('database_schedules.database_id', 'in', [...databaseIds])
    .execute();
  return new Map(rows.map((row) => [row.for_database, toEffective(row, now)]));
}

function toEffective(
  row: ScheduleRow & {
    readonly for_database: string;
    readonly zone: string;
    readonly run_at: string | null;
    readonly last_run_at: string | null;
    readonly held_back: HeldBack | null;
  },
  now: Date,
): EffectiveSchedule {
  const until = new Date(now.getTime() + 10 * 366 * 86_400_000);
  const slots =
    row.enabled === 1
      ? runsBetween(parseCron(row.cron_expression), row.zone, { after: now, until, most: SLOTS_SHOWN })
      : [];
  return {
    ...toSchedule(row, row.for_database, row),
    heldBack: row.held_back,
    rule: row.rule_name === null ? null : { id: row.id, name: row.rule_name },
    zone: row.zone,
    nextSlots: slots.map((slot) => slot.toISOString()),
  };
}

function toSchedule(
  row: ScheduleRow,
  databaseId: string,
  state: {
    readonly last_run_at: string | null;
    readonly run_at: string | null;
    readonly held_back: HeldBack | null;
  },
): Schedule {
  const isRunning = row.enabled === 1 && row.paused_reason === null && state.held_back === null;
  return {
    id: row.id,
    databaseId,
    cronExpression: row.cron_expression,
    words: inWords(parseCron(row.cron_expression)),
    retentionDays: row.retention_days,
    enabled: row.enabled === 1,
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
    lastRunAt: state.last_run_at,
    nextRunAt: isRunning ? state.run_at : null,
  };
}
