import type { DatabaseSummary } from '../../../views/database/database-head.tsx';
import type { ProtectionOfDatabase } from '../../../views/database/protection-banner.tsx';
import type { EnvironmentChoice } from '../../../views/frame/frame.ts';
import { keptWords } from '../../../views/retention/words.ts';
import { isUnderWay, serverVersionOf } from '../../backups/backups.ts';
import { adviceFor } from '../../backups/failure-advice.ts';
import { isOverdue, type Protection } from '../../backups/protection.ts';
import {
  type Failures,
  failuresSinceGood,
  newestDamaged,
  protectionOfOne,
} from '../../backups/protection-of.ts';
import type { Database } from '../../databases/databases.ts';
import { prefixWarnings } from '../../databases/prefix-warnings.ts';
import { databaseType } from '../../databases/types.ts';
import { engineFor } from '../../engines/engines.ts';
import { type Standing, standingOf } from '../../retention/standing.ts';
import { type BriefSchedule, briefSchedules } from '../../schedules/schedules.ts';
import { findServerName, getServerRow } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';

/** What stands above the tabs of a database. */
export async function summaryOf(
  services: Services,
  database: Database,
  environment: EnvironmentChoice,
  /** What the page has read already. */
  read: { readonly standing?: Standing; readonly protection?: Protection | undefined } = {},
): Promise<DatabaseSummary> {
  const { db } = services;
  const server = database.serverId === null ? null : await getServerRow(db, database.serverId);
  const isLocal = database.backupStorageType === 'local';
  const schedule = await scheduleOf(services, database.id);
  const protection = await shownProtection(services, database, { schedule, known: read.protection });
  const { policy, freeze } = read.standing ?? (await standingOf(db, database.id));
  return {
    id: database.id,
    name: database.name,
    typeName: databaseType(database.type)?.displayName ?? database.type,
    version: await versionOf(services, database, protection.lastGoodId),
    environment,
    server: server === null ? null : { id: server.id, name: server.name },
    source: sourceOf(database),
    destination: {
      bucket: isLocal ? null : database.backupSpacesBucket,
      folder: isLocal ? (database.backupLocalPath ?? '/var/backups') : null,
    },
    schedule,
    keeps: keptWords(policy),
    protection,
    warnings: await prefixWarnings(db, database),
    backups: database.counts.backups,
    freeze,
  };
}

/** What is set, with its label, for the settings. */
export function factsOf(database: Database, { typeName, server, protection }: DatabaseSummary) {
  const { maxBackupAgeHours: own } = database;
  const facts: (readonly [string, string])[] = [
    ['Type', typeName],
    ['Server', server?.name ?? 'the machine that BRIDGEPORT runs on'],
    ...(database.host === null ? [] : [['Host', hostOf(database)] as const]),
    ...(database.databaseName === null ? [] : [['Database', database.databaseName] as const]),
    ...(database.filePath === null ? [] : [['File', database.filePath] as const]),
    ['Format', `${database.backupFormat}, ${compressionOf(database)}`],
    ['Backup storage', storageOf(database)],
    ['Gives up after', `${Math.round(database.pgDumpTimeoutMs / 6000) / 10} min without a byte`],
    [
      'Should be no older than',
      protection.maxAgeHours === own
        ? `${own} h`
        : `${protection.maxAgeHours} h, by its schedule (${own} h where none says it)`,
    ],
  ];
  return facts;
}

/** Whether it is safe; where it is not, since when, why, and what to do about it. */
export async function shownProtection(
  services: Services,
  database: Database,
  read: { readonly schedule?: BriefSchedule | null; readonly known?: Protection | undefined } = {},
): Promise<ProtectionOfDatabase> {
  const known = read.known ?? (await protectionOfOne(services, database.id));
  const { state, lastGood, dueAt, maxAgeHours } = known;
  const isSafe = state === 'protected';
  const damaged = isSafe ? null : await newestDamaged(services.db, database.id);
  // Whatever failed before it was over by then.
  const hasFailed = !isSafe && damaged === null;
  const failures = hasFailed ? await failuresSinceGood(services, database.id, known) : null;
  return {
    ...{ state, dueAt, maxAgeHours },
    waitedFor: isOverdue(known, services.now()) ? known.underWay : null,
    failures: failures && {
      ...failures,
      isBeforeChange: failures.lastAt < database.updatedAt,
      mend: await mendOf(services, database, failures),
    },
    damaged,
    schedule: isSafe
      ? null
      : read.schedule === undefined
        ? await scheduleOf(services, database.id)
        : read.schedule,
    isUnderWay: !isSafe && (await isUnderWay(services.db, database.id)),
    lastGoodId: lastGood?.id ?? null,
    lastGoodAt: lastGood?.at ?? null,
  };
}

async function mendOf({ db }: Services, database: Database, { error }: Failures) {
  const { id, type, serverId, environmentId } = database;
  const advice = error && adviceFor(error, { isFile: engineFor(type)?.isFile ?? false });
  if (!advice) return null;
  const isOnServer = advice.mend.on === 'server' && serverId !== null;
  const serverName = isOnServer ? ((await findServerName(db, serverId)) ?? null) : null;
  return { advice, database: { id, serverId, serverName, environmentId } };
}

async function scheduleOf({ db }: Services, databaseId: string): Promise<BriefSchedule | null> {
  return (await briefSchedules(db, [databaseId])).get(databaseId) ?? null;
}

/** Of the server, as the last good backup met it; of a file there is none. */
async function versionOf({ db }: Services, { filePath }: Database, lastGoodId: string | null) {
  if (filePath !== null || lastGoodId === null) return null;
  const version = (await serverVersionOf(db, lastGoodId)) ?? '';
  return /^\d+(\.\d+)*/.exec(version)?.[0] ?? null;
}

function sourceOf(database: Database): string {
  if (database.filePath !== null) return database.filePath;
  return [hostOf(database), database.databaseName ?? ''].filter((text) => text !== '').join(', ');
}

function hostOf({ host, port }: Database): string {
  return port === null ? (host ?? '') : `${host ?? ''} port ${port}`;
}

function compressionOf({ backupCompression, backupCompressionLevel }: Database): string {
  return backupCompression === 'none'
    ? 'not compressed'
    : `${backupCompression} level ${backupCompressionLevel}`;
}

function storageOf(database: Database): string {
  if (database.backupStorageType === 'local') return `Local: ${database.backupLocalPath ?? '/var/backups'}`;
  return `Spaces: ${database.backupSpacesBucket ?? 'no bucket chosen'}, ${database.backupSpacesPrefix ?? ''}`;
}
