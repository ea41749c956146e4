import * as z from 'zod';
import { PROTECTIONS, type Protection } from '../../backups/protection.ts';
import type { Restorable } from '../../backups/restorable.ts';
import type { Database, WholeDatabase } from '../../databases/databases.ts';
import type { BackupSummary, ListedDatabase } from '../../databases/lists.ts';
import { databaseType } from '../../databases/types.ts';
import type { BriefSchedule } from '../../schedules/schedules.ts';
import { drillFailure } from './drills.ts';
import { effectiveShape, scheduleShape } from './schedules.ts';
import { id, instant } from './shapes.ts';

const text = z.string().nullable();
const database = z.object({
  id,
  name: z.string(),
  type: z.string(),
  host: text,
  port: z.number().int().nullable(),
  databaseName: text,
  hasCredentials: z.boolean(),
  filePath: text,
  useSsl: z.boolean(),
  tlsMode: z.enum(['off', 'encrypt', 'verify']),
  tlsCa: text,
  serverId: text,
  databaseTypeId: text,
  databaseType: z
    .object({ id, name: z.string(), displayName: z.string(), hasBackupCommand: z.boolean() })
    .nullable(),
  backupStorageType: z.enum(['local', 'spaces']),
  backupLocalPath: text,
  backupSpacesBucket: text,
  backupSpacesPrefix: text,
  backupFormat: z.enum(['plain', 'custom', 'tar', 'binary']),
  backupScratchPath: text,
  backupCompression: z.enum(['none', 'gzip', 'zstd']),
  backupCompressionLevel: z.number().int(),
  pgDumpOptions: z.record(z.string(), z.boolean()).nullable(),
  /** As the engine reads them, with its defaults. */
  options: z.record(z.string(), z.unknown()),
  pgDumpTimeoutMs: z.number().int(),
  maxBackupAgeHours: z.number().int(),
  monitoringEnabled: z.boolean(),
  collectionIntervalSec: z.number().int(),
  createdAt: instant,
  updatedAt: instant,
  environmentId: id,
  _count: z.object({ backups: z.number(), services: z.number() }),
});

export const protectionShape = z.object({
  state: z.enum(PROTECTIONS),
  lastGood: z.object({ id, at: instant }).nullable(),
  dueAt: instant.nullable(),
  /** The backup that is being made, and that is waited for until then before the database is late. */
  underWay: z
    .object({ backupId: id, since: instant, until: instant, lastSeconds: z.number().nullable() })
    .nullable(),
  maxAgeHours: z.number(),
  /** The last drill that proved that a backup can be restored, and how long that takes. */
  restorable: z.object({ at: instant, backupId: id, restoreMs: z.number(), bytes: z.number() }).nullable(),
  /** The last drill, where it failed. */
  drillFailure: z.object({ at: instant, drillId: id, failure: drillFailure, says: z.string() }).nullable(),
});

export const wholeDatabase = database.extend({
  /** Null, or why the stored password is not sent, and a name for where the settings lead now. */
  passwordHeld: z.object({ target: z.string(), changes: z.array(z.string()) }).nullable(),
});

/** Of a schedule, in lists. */
const BRIEF = { enabled: true, nextRunAt: true } as const;

const status = z.enum(['pending', 'in_progress', 'completed', 'failed']);
const lastBackup = z.object({
  id,
  status,
  outcome: z.enum(['cancelled', 'interrupted', 'uncertain', 'failed', 'completed']).nullable(),
  type: z.enum(['manual', 'scheduled']),
  createdAt: instant,
  completedAt: instant.nullable(),
  error: text,
});
export const listedDatabase = database.extend({
  lastBackup: lastBackup.nullable(),
  schedule: scheduleShape.pick({ ...BRIEF, cronExpression: true, lastRunAt: true }).nullable(),
  /** Its own or a rule's. */
  effectiveSchedule: effectiveShape
    .pick({ ...BRIEF, cronExpression: true, words: true, lastRunAt: true, pausedReason: true })
    .extend(effectiveShape.pick({ rule: true, heldBack: true }).shape)
    .nullable(),
  protection: protectionShape,
});
export const databaseSummary = z.object({
  databaseId: id,
  name: z.string(),
  supportsBackup: z.boolean(),
  lastBackup: lastBackup.pick({ id: true, status: true, createdAt: true, completedAt: true }).nullable(),
  schedule: scheduleShape.pick(BRIEF).nullable(),
  effectiveSchedule: effectiveShape.pick({ ...BRIEF, rule: true, heldBack: true }).nullable(),
  protection: protectionShape,
});

type Schedules = ReadonlyMap<string, BriefSchedule>;
/** What is known of each: how safe it is. */
export type Known = (databaseId: string) => Protection & Restorable;

/** The contract's `D`. Types of the wire's list are known by their name alone; services belong to other parts of it. */
function wireDatabase({ counts, ...fields }: Database): z.input<typeof database> {
  const type = databaseType(fields.type);
  return {
    ...fields,
    databaseTypeId: type?.id ?? null,
    databaseType: type,
    _count: { ...counts, services: 0 },
  };
}

/** With why its stored password is not sent, if it is not. */
export function wireWhole({ passwordHeld, ...fields }: WholeDatabase) {
  return { ...wireDatabase(fields), passwordHeld };
}

/** `schedule` is the database's own, as clients of the contract know it. */
export function wireListed({ lastBackup, ...fields }: ListedDatabase, known: Known, schedules: Schedules) {
  const effective = schedules.get(fields.id) ?? null;
  const { enabled, cronExpression, lastRunAt, nextRunAt } = effective ?? NO_SCHEDULE;
  return {
    ...wireDatabase(fields),
    lastBackup,
    schedule: effective?.rule === null ? { enabled, cronExpression, lastRunAt, nextRunAt } : null,
    effectiveSchedule: effective && wireEffective(effective),
    protection: known(fields.id),
  };
}

/** How safe it is, in few words. */
export function wireSummary(
  { id, name, type, lastBackup }: BackupSummary,
  known: Known,
  schedules: Schedules,
) {
  const supportsBackup = databaseType(type)?.hasBackupCommand ?? false;
  const protection = known(id);
  const effective = schedules.get(id);
  const { enabled, nextRunAt } = effective ?? NO_SCHEDULE;
  return {
    ...{ databaseId: id, name, supportsBackup, lastBackup, protection },
    schedule: effective?.rule === null ? { enabled, nextRunAt } : null,
    effectiveSchedule:
      effective === undefined
        ? null
        : { enabled, nextRunAt, rule: effective.rule, heldBack: effective.heldBack },
  };
}

/** As much as lists tell of it. */
function wireEffective({ pausedAt: _, zone: __, ...told }: BriefSchedule) {
  return told;
}

const NO_SCHEDULE = { enabled: false, cronExpression: '', lastRunAt: null, nextRunAt: null };
