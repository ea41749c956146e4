import type { Context } from 'hono';
import type { BackupListProps } from '../../../views/database/backup-list.tsx';
import type { DatabaseSummary } from '../../../views/database/database-head.tsx';
import type { DatabaseFigures } from '../../../views/database/database-page.tsx';
import type { EndedRun } from '../../../views/database/live-runs.tsx';
import type { ProtectionOfDatabase } from '../../../views/database/protection-banner.tsx';
import type { EnvironmentChoice } from '../../../views/frame/frame.ts';
import { changeText } from '../../../views/parts/format.ts';
import { hasRole } from '../../auth/roles.ts';
import { type BackupFilter, findBackup, listBackups, liveBackups } from '../../backups/backups.ts';
import { dayStates } from '../../backups/day-states.ts';
import { monthUntil, storedNow, talliesSince, usualOf } from '../../backups/day-tallies.ts';
import { dayOf, daysUntil, parseDay, weekdayOf } from '../../backups/days.ts';
import { type KnownDatabase, knownDatabases } from '../../backups/known-databases.ts';
import { failuresSinceGood, protectionOfOne } from '../../backups/protection-of.ts';
import { type Restorable, restorableOfOne } from '../../backups/restorable.ts';
import { sizeChanges, sizeChangesOf } from '../../backups/size-changes.ts';
import type { Database } from '../../databases/databases.ts';
import { prefixWarnings } from '../../databases/prefix-warnings.ts';
import { databaseType } from '../../databases/types.ts';
import type { Db } from '../../db/schema.ts';
import { DRILL_FAILURES } from '../../drills/failure.ts';
import { getSettings } from '../../environments/environment-settings.ts';
import { freezeOf } from '../../retention/freeze.ts';
import { keptOf } from '../../retention/kept.ts';
import { getServerRow } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { isStorageEnabled } from '../../storage/enabled.ts';
import { endedRuns, toBackupItem, toLiveRuns } from './backup-views.ts';
import { pageOf } from './kit/paging.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** With charts above them and a rule beside each: more would make the page larger than pages may be. */
const PER_PAGE = 20;
const WEEKS = 26;
const DAYS_A_WEEK = 7;
/** Good backups whose sizes are drawn. */
const SIZES = 24;

export async function summaryOf(
  services: Services,
  database: Database,
  environment: EnvironmentChoice,
): Promise<DatabaseSummary> {
  const server = database.serverId === null ? null : await getServerRow(services.db, database.serverId);
  const isLocal = database.backupStorageType === 'local';
  return {
    id: database.id,
    name: database.name,
    typeName: databaseType(database.type)?.displayName ?? database.type,
    environment,
    server: server === null ? null : { id: server.id, name: server.name },
    source: sourceOf(database),
    destination: {
      bucket: isLocal ? null : database.backupSpacesBucket,
      folder: isLocal ? (database.backupLocalPath ?? '/var/backups') : null,
    },
    compression: compressionOf(database),
    protection: await shownProtection(services, database),
    warnings: await prefixWarnings(services.db, database),
    backups: database.counts.backups,
    freeze: (await freezeOf(services.db, database.id)).freeze,
  };
}

/** What is set, with its label, for the settings. */
export function factsOf(database: Database, { typeName, server }: DatabaseSummary) {
  const facts: (readonly [string, string])[] = [
    ['Type', typeName],
    ['Server', server?.name ?? 'the machine that BRIDGEPORT runs on'],
    ...(database.host === null ? [] : [['Host', hostOf(database)] as const]),
    ...(database.databaseName === null ? [] : [['Database', database.databaseName] as const]),
    ...(database.filePath === null ? [] : [['File', database.filePath] as const]),
    ['Format', `${database.backupFormat}, ${compressionOf(database)}`],
    ['Backup storage', storageOf(database)],
    ['Gives up after', `${Math.round(database.pgDumpTimeoutMs / 6000) / 10} min without a byte`],
    ['Should be no older than', `${database.maxBackupAgeHours} h`],
  ];
  return facts;
}

export async function shownProtection(
  services: Services,
  { id, updatedAt }: Pick<Database, 'id' | 'updatedAt'>,
): Promise<ProtectionOfDatabase> {
  const known = await protectionOfOne(services, id);
  const { state, lastGood, dueAt, maxAgeHours } = known;
  const failures = state === 'protected' ? null : await failuresSinceGood(services.db, id, known);
  return {
    ...{ state, dueAt, maxAgeHours },
    failures: failures && { ...failures, isBeforeChange: failures.lastAt < updatedAt },
    lastGoodId: lastGood?.id ?? null,
    lastGoodAt: lastGood?.at ?? null,
  };
}

export async function figuresOf(
  services: Services,
  database: Database,
  { good: storedBackups }: Pick<BackupListProps['counts'], 'good'>,
): Promise<DatabaseFigures> {
  const { db } = services;
  const scope = { databaseId: database.id };
  const today = dayOf(services.now());
  // Whole weeks, of which the last one is not over.
  const days = daysUntil(today, (WEEKS - 1) * DAYS_A_WEEK + weekdayOf(today) + 1);
  const tallies = await talliesSince(db, scope, days[0] ?? today);
  const usual = await usualOf(db, database.id, { sizes: SIZES });
  const [known] = await knownDatabases(services, [database]);
  const changes = sizeChanges(usual.sizes.map(({ bytes }) => bytes));
  return {
    databaseId: database.id,
    lastGood: await lastGoodOf(db, known),
    ...drillFigures(await restorableOfOne(db, database.id)),
    ...monthUntil(today, tallies),
    usualSeconds: usual.seconds,
    storedBytes: await storedNow(db, database.id),
    storedBackups,
    nextRunAt: known?.nextRunAt ?? null,
    isPaused: known?.protection.state === 'paused',
    days: dayStates(tallies, days, database.maxBackupAgeHours),
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

function drillFigures({ restorable, drillFailure }: Restorable) {
  return {
    restorable,
    drillFailure: drillFailure && { at: drillFailure.at, failure: DRILL_FAILURES[drillFailure.failure] },
  };
}

async function lastGoodOf(db: Db, known: KnownDatabase | undefined): Promise<DatabaseFigures['lastGood']> {
  const lastGood = known?.protection.lastGood;
  if (!lastGood) return null;
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
): Promise<BackupListProps> {
  const page = pageOf(c, PER_PAGE);
  const filter: BackupFilter = { result: resultOf(c.req.query('result')), day: parseDay(c.req.query('day')) };
  const { backups, total } = await listBackups(services.db, database.id, page, filter, counts);
  const settings = await getSettings(services.db, database.environmentId, 'data');
  const { role } = c.get('session').user;
  const kept = await keptOf(services, database.id);
  const changes = await sizeChangesOf(
    services.db,
    database.id,
    backups.filter(({ status }) => status === 'completed'),
  );
  return {
    databaseId: database.id,
    backups: backups.map((row) => toBackupItem(row, { kept, changes })),
    page: { ...page, total },
    filter: { ...filter, each: c.req.query('each') !== undefined },
    counts,
    environment,
    allowDownload: settings['allowBackupDownload'] === true,
    isStorageEnabled: await isStorageEnabled(services.db, database.environmentId),
    mayChange: hasRole(role, 'operator'),
    mayConfigure: hasRole(role, 'admin'),
  };
}

function resultOf(text: string | undefined): BackupFilter['result'] {
  return (['good', 'failed', 'pinned'] as const).find((result) => result === text);
}

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
