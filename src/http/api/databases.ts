import * as z from 'zod';
import { PROTECTIONS, type Protection } from '../../backups/protection.ts';
import { NEVER, protectionOf, protectionOfOne } from '../../backups/protection-of.ts';
import { removeDatabase } from '../../backups/remove-database.ts';
import { NO_DRILLS, type Restorable, restorableOf, restorableOfOne } from '../../backups/restorable.ts';
import { confirmTarget, targetConfirmation } from '../../databases/confirm-target.ts';
import {
  createDatabase,
  type Database,
  databaseChange,
  deleteDatabase,
  getDatabase,
  newDatabase,
  updateDatabase,
  type WholeDatabase,
} from '../../databases/databases.ts';
import {
  type BackupSummary,
  type ListedDatabase,
  listDatabases,
  summariseBackups,
} from '../../databases/lists.ts';
import { heldSentence } from '../../databases/password-target.ts';
import { prefixWarnings } from '../../databases/prefix-warnings.ts';
import { tryDatabase } from '../../databases/try-database.ts';
import { databaseType } from '../../databases/types.ts';
import { type BriefSchedule, briefSchedules } from '../../schedules/schedules.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { drillFailure } from './drills.ts';
import { effectiveShape, scheduleShape } from './schedules.ts';
import { id, instant, pageQuery, SUCCESS, success, total } from './shapes.ts';

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

const protectionShape = z.object({
  state: z.enum(PROTECTIONS),
  lastGood: z.object({ id, at: instant }).nullable(),
  dueAt: instant.nullable(),
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
const listed = database.extend({
  lastBackup: lastBackup.nullable(),
  schedule: scheduleShape.pick({ ...BRIEF, cronExpression: true, lastRunAt: true }).nullable(),
  /** Its own or a rule's. */
  effectiveSchedule: effectiveShape
    .pick({ ...BRIEF, cronExpression: true, words: true, lastRunAt: true, pausedReason: true, rule: true })
    .nullable(),
  protection: protectionShape,
});
const summary = z.object({
  databaseId: id,
  name: z.string(),
  supportsBackup: z.boolean(),
  lastBackup: lastBackup.pick({ id: true, status: true, createdAt: true, completedAt: true }).nullable(),
  schedule: scheduleShape.pick(BRIEF).nullable(),
  effectiveSchedule: effectiveShape.pick({ ...BRIEF, rule: true }).nullable(),
  protection: protectionShape,
});

/** What was done, but is seldom meant. */
const warnings = z.array(z.string());

const READONLY = [
  ...['id', 'createdAt', 'updatedAt', 'environmentId', 'encryptedCredentials', 'credentialsNonce'],
  ...['monitoringStatus', 'lastCollectedAt', 'lastMonitoringError'],
];

export function databaseRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/environments/:envId/databases',
      access: 'viewer',
      summary: 'The databases of an environment, by name',
      query: pageQuery(25),
      answer: z.object({ databases: z.array(listed), total }),
      refusals: [404],
      handle: async ({ params, query }) => {
        const { databases, total } = await listDatabases(services.db, params.envId, query);
        const known = await protectionsOf(services, databases);
        const schedules = await briefSchedules(
          services.db,
          databases.map(({ id }) => id),
        );
        return { databases: databases.map((row) => wireListed(row, known, schedules)), total };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:envId/databases/backup-summary',
      access: 'viewer',
      isForBackups: true,
      summary: 'The latest completed backup of each database',
      answer: z.object({ databases: z.array(summary) }),
      refusals: [404],
      handle: async ({ params }) => {
        const databases = await summariseBackups(services.db, params.envId);
        const known = await protectionsOf(services, databases);
        const schedules = await briefSchedules(
          services.db,
          databases.map(({ id }) => id),
        );
        return { databases: databases.map((row) => wireSummary(row, known, schedules)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/environments/:envId/databases',
      access: 'operator',
      summary: 'Register a database',
      body: newDatabase,
      example: {
        name: 'shop',
        type: 'postgres',
        serverId: 'SERVER_ID',
        host: '127.0.0.1',
        port: 5432,
        databaseName: 'shop',
        username: 'backup',
        password: '…',
        backupStorageType: 'spaces',
        backupSpacesBucket: 'backups',
        backupFormat: 'custom',
        backupCompression: 'zstd',
      },
      answer: z.object({ database: wholeDatabase, warnings }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => {
        const created = await createDatabase(services, actor, params.envId, body);
        return { database: wireWhole(created), warnings: await prefixWarnings(services.db, created) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/databases/:id',
      access: 'viewer',
      summary: 'One database',
      answer: z.object({ database: wholeDatabase, protection: protectionShape }),
      refusals: [404],
      handle: async ({ params }) => ({
        database: wireWhole(await getDatabase(services.db, params.id)),
        protection: {
          ...(await protectionOfOne(services, params.id)),
          ...(await restorableOfOne(services.db, params.id)),
        },
      }),
    }),
    route({
      method: 'PATCH',
      path: '/api/databases/:id',
      access: 'operator',
      summary: 'Change a database; what was backed up stays where it is',
      readonlyFields: READONLY,
      body: databaseChange,
      example: { name: 'shop' },
      answer: z.object({ database: wholeDatabase, warnings }),
      refusals: [404, 409, 422],
      handle: async ({ params, actor, body }) => {
        const updated = await updateDatabase(services, actor, params.id, body);
        return {
          database: wireWhole(updated),
          warnings: [...heldWarning(updated), ...(await prefixWarnings(services.db, updated))],
        };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/databases/:id',
      access: 'operator',
      summary:
        'Delete a database that has no backups; with `backups=delete` or `backups=keep`, also one that has: their files are removed, or stay where they are',
      query: z.object({ backups: z.enum(['delete', 'keep']).optional() }),
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, query, actor }) => {
        if (query.backups === undefined) await deleteDatabase(services, actor, params.id);
        else await removeDatabase(services, actor, params.id, { files: query.backups });
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/environments/:envId/databases/:id/test-connection',
      access: 'operator',
      summary: 'Look at the database from its server',
      answer: z.object({
        success: z.boolean(),
        latencyMs: z.number().nullable(),
        serverVersion: z.string().optional(),
        clientVersion: z.string().optional(),
        estimatedBytes: z.number().optional(),
        warnings: z.array(z.string()).optional(),
        error: z.string().optional(),
        pinnedFingerprint: z.string().optional(),
      }),
      refusals: [404],
      handle: ({ params, actor, signal }) => tryDatabase(services, actor, params.envId, params.id, signal),
    }),
    route({
      method: 'POST',
      path: '/api/databases/:id/confirm-target',
      access: 'admin',
      summary: 'Let the stored password go to where the settings lead now',
      body: targetConfirmation,
      answer: z.object({ database: wholeDatabase }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => {
        await confirmTarget(services, actor, params.id, body);
        return { database: wireWhole(await getDatabase(services.db, params.id)) };
      },
    }),
  ] as const;
}

function heldWarning({ name, passwordHeld }: WholeDatabase): readonly string[] {
  return passwordHeld === null ? [] : [heldSentence(name, passwordHeld.changes)];
}

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
function wireListed({ lastBackup, ...fields }: ListedDatabase, known: Known, schedules: Schedules) {
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

function wireSummary({ id, name, type, lastBackup }: BackupSummary, known: Known, schedules: Schedules) {
  const supportsBackup = databaseType(type)?.hasBackupCommand ?? false;
  const protection = known(id);
  const effective = schedules.get(id);
  const { enabled, nextRunAt } = effective ?? NO_SCHEDULE;
  return {
    ...{ databaseId: id, name, supportsBackup, lastBackup, protection },
    schedule: effective?.rule === null ? { enabled, nextRunAt } : null,
    effectiveSchedule: effective === undefined ? null : { enabled, nextRunAt, rule: effective.rule },
  };
}

/** As much as lists tell of it. */
function wireEffective({ pausedAt: _, zone: __, ...told }: BriefSchedule) {
  return told;
}

const NO_SCHEDULE = { enabled: false, cronExpression: '', lastRunAt: null, nextRunAt: null };
type Schedules = ReadonlyMap<string, BriefSchedule>;
type Known = (databaseId: string) => Protection & Restorable;

async function protectionsOf(
  services: Services,
  databases: readonly { readonly id: string }[],
): Promise<Known> {
  const ids = databases.map(({ id }) => id);
  const [known, drills] = [await protectionOf(services, ids), await restorableOf(services.db, ids)];
  return (id) => ({ ...(known.get(id) ?? NEVER), ...(drills.get(id) ?? NO_DRILLS) });
}
