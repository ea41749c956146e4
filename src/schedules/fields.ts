import * as z from 'zod';
import type { ScheduleRow } from '../db/schema.ts';
import { AppError, isAppError } from '../errors.ts';
import { absolutePath, line, nameField } from '../fields.ts';
import { timeZoneField } from '../time-zone.ts';
import { parseCron } from './cron.ts';
import { nextRun } from './next-run.ts';

const cronField = z
  .string()
  .min(1)
  .max(1000)
  .superRefine((text, context) => {
    try {
      parseCron(text);
    } catch (error) {
      if (!isAppError(error, 'invalid')) throw error;
      const message = error.details.issues?.[0]?.message ?? error.message;
      context.addIssue({ code: 'custom', message });
    }
  })
  .transform((text) => text.trim());

/** What a schedule is beside its times; what is left out stays, or is as by default. */
const options = {
  /** Null: the installation's. */
  timeZone: timeZoneField.nullable().optional(),
  /** A run begins up to so much after its time, always the same for a slot. */
  jitterMinutes: z.number().int().min(0).max(120).optional(),
  /** How late a slot that was missed may be caught up: 0 never, null whenever. */
  catchUpHours: z.number().int().min(0).max(8760).nullable().optional(),
  /** Of a run that failed for a cause that can pass. */
  retries: z.number().int().min(0).max(10).optional(),
  /** Before the first retry; doubled before each other. */
  retryMinutes: z.number().int().min(1).max(1440).optional(),
  /** Pauses it, with the reason that its skipped slots show; null lets it go on. */
  pausedReason: line(300)
    .refine((text) => text.trim() !== '', { error: 'Must not be empty' })
    .nullable()
    .optional(),
  /** When the newest good backup is restored in a drill; null: never by itself. */
  drillCron: cronField.nullable().optional(),
  /** Where drills are made, for admins to say; null: on the server of the database. */
  drillServerId: z.string().max(64).nullable().optional(),
  /** The folder there, of files; null: that of the file. */
  drillFolder: absolutePath.nullable().optional(),
  /** How often the newest good backup is read in full; 0: never, null: as set for the installation. */
  verifyEveryDays: z.number().int().min(0).max(365).nullable().optional(),
};

/** What a PUT of a database's own schedule sends. */
export const scheduleInput = z.object({
  cronExpression: cronField,
  /** The wire's, for its clients; what is kept is said by the retention policy. */
  retentionDays: z.number().int().min(1).max(365).default(7),
  enabled: z.boolean().default(true),
  ...options,
});
export type ScheduleInput = z.infer<typeof scheduleInput>;

const scope = {
  environmentId: z.string().max(100).nullable(),
  tag: line(100)
    .refine((text) => text.trim() !== '', { error: 'Must not be empty' })
    .nullable(),
  engine: line(100).nullable(),
};

export const newRule = z.object({
  name: nameField,
  cronExpression: cronField,
  enabled: z.boolean().default(true),
  environmentId: scope.environmentId.default(null),
  tag: scope.tag.default(null),
  engine: scope.engine.default(null),
  ...options,
});
export type NewRule = z.infer<typeof newRule>;

export const ruleChange = z
  .object({ name: nameField, cronExpression: cronField, enabled: z.boolean(), ...scope })
  .partial()
  .extend(options);
export type RuleChange = z.infer<typeof ruleChange>;

type Options = z.infer<z.ZodObject<typeof options>>;
type Columns = Partial<Omit<ScheduleRow, 'id' | 'database_id' | 'created_at'>>;

/** What was sent, as columns; what is left out is left out. */
export function columnsOf(
  input: Options & Partial<RuleChange> & { readonly retentionDays?: number },
  now: Date,
): Columns {
  const { pausedReason } = input;
  const columns = {
    rule_name: input.name,
    environment_id: input.environmentId,
    tag: input.tag,
    engine: input.engine,
    cron_expression: input.cronExpression,
    retention_days: input.retentionDays,
    enabled: input.enabled === undefined ? undefined : input.enabled ? (1 as const) : (0 as const),
    time_zone: input.timeZone,
    jitter_minutes: input.jitterMinutes,
    catch_up_hours: input.catchUpHours,
    retries: input.retries,
    retry_minutes: input.retryMinutes,
    paused_reason: pausedReason,
    drill_cron: input.drillCron,
    drill_server_id: input.drillServerId === '' ? null : input.drillServerId,
    drill_folder: input.drillFolder,
    verify_every_days: input.verifyEveryDays,
    paused_at: pausedReason === undefined ? undefined : pausedReason === null ? null : now.toISOString(),
  };
  // Only what was sent: an absent field must not be written as null.
  return Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)) as Columns;
}

/** Throws `invalid` for what has no run within five years, such as 30 February. */
export function requireRun(
  cronExpression: string,
  zone: string,
  now: Date,
  field: 'cronExpression' | 'drillCron' = 'cronExpression',
): void {
  if (nextRun(parseCron(cronExpression), zone, now) !== null) return;
  const message = 'Has no run within the next five years: no such day comes';
  const issues = [{ path: [field], message, code: 'custom' }];
  throw new AppError('invalid', 'Invalid input', { details: { issues } });
}
