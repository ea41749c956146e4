import { rmSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { prepareFirstAdmin } from '../../src/auth/first-admin.ts';
import { startBackup } from '../../src/backups/backup-actions.ts';
import { createDatabase } from '../../src/databases/databases.ts';
import { askDrill } from '../../src/drills/ask-drill.ts';
import { changeSettings } from '../../src/environments/environment-settings.ts';
import { createEnvironment } from '../../src/environments/environments.ts';
import { makeSshKey } from '../../src/environments/made-ssh-key.ts';
import { confirmMasterKeyCopy } from '../../src/installation/master-key-copy.ts';
import { createLog } from '../../src/log.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { putSchedule } from '../../src/schedules/schedules.ts';
import { createServer } from '../../src/servers/servers.ts';
import { createServices, type RunningServices } from '../../src/services.ts';
import { setStorageEnabled } from '../../src/storage/enabled.ts';
import { saveStorage } from '../../src/storage/save-storage.ts';
import { askVerification } from '../../src/verifications/ask-verification.ts';
import { PAST_DATABASES, type PastDatabase } from './past-databases.ts';

export interface PastOptions {
  /** Of the app that is started on it afterwards. */
  readonly env: Readonly<Record<string, string>>;
  /** Where the files of the databases are made; the app may read them there. */
  readonly samples: string;
  readonly storage: { readonly accessKey: string; readonly secretKey: string; readonly endpoint: string };
  readonly bucket: string;
  /** The days on which backups are made, each as how long ago it is, oldest first; `lastDays` for a whole past. */
  readonly daysAgo: readonly number[];
  /** Told before each day what time it is then; the storage has to know, too. */
  readonly setNow: (now: () => Date) => void;
}

const DAY_MS = 86_400_000;
const ACTOR = { userId: null, address: null };
const SCHEDULING = { ...ACTOR, role: 'admin' } as const;
/** What was missed while the past was made is not caught up. */
const SCHEDULE = { retentionDays: 7, enabled: true, timeZone: 'UTC', catchUpHours: 0 } as const;

/** Each of so many days before today, and today. */
export function lastDays(days: number): readonly number[] {
  return Array.from({ length: days + 1 }, (_, index) => days - index);
}

/**
 * Fills an empty installation with backups of the given days, by the product's own code: each backup is asked for, claimed, dumped,
 * stored and read back as ever, while the clock that is handed in stands on its day. Gives how many there are.
 */
export async function seedPast(
  options: PastOptions,
): Promise<{ readonly databases: number; readonly backups: number }> {
  let now = () => new Date();
  const log = createLog(
    'error',
    () => {},
    () => now(),
  );
  const services = await createServices(readConfig({ ...options.env, LOG_LEVEL: 'error' }), {
    log,
    version: 'demo',
    now: () => now(),
    timing: { tickMs: 20 },
  });
  try {
    const today = Date.now();
    const goTo = (daysAgo: number) => {
      // A few hours ago at last, and running on, so that what takes time is seen to take it.
      const startedAt = performance.now();
      const base = today - daysAgo * DAY_MS - 3 * 3_600_000;
      now = () => new Date(base + performance.now() - startedAt);
      options.setNow(now);
    };
    goTo(Math.max(...options.daysAgo) + 1);
    await services.exclusively(() => prepareFirstAdmin(services));
    const ids = await register(services, options);
    services.worker.start();
    for (const daysAgo of options.daysAgo) {
      goTo(daysAgo);
      await liveOneDay(services, options, ids, daysAgo);
    }
    await rehearse(services, ids.get('wiki') ?? '');
    for (const { name, cron } of PAST_DATABASES) {
      const id = ids.get(name);
      if (id === undefined || cron === undefined) continue;
      await putSchedule(services, SCHEDULING, id, { cronExpression: cron, ...SCHEDULE });
    }
    await services.worker.stop(10_000);
    const backups = await services.db.selectFrom('backups').select('id').execute();
    return { databases: ids.size, backups: backups.length };
  } finally {
    options.setNow(() => new Date());
    await services.close();
  }
}

/** Ids by name. */
async function register(
  services: RunningServices,
  options: PastOptions,
): Promise<ReadonlyMap<string, string>> {
  // There is nothing in a demo that a copy would save.
  await confirmMasterKeyCopy(services, ACTOR);
  const { id: environment } = await createEnvironment(services, ACTOR, { name: 'production' });
  await changeSettings(services, ACTOR, environment, 'data', { allowBackupDownload: true });
  const input = { ...options.storage, region: 'us-east-1', buckets: [] };
  const wish = { by: 'api', validate: false } as const;
  await saveStorage(services, ACTOR, input, wish, AbortSignal.timeout(30_000));
  await setStorageEnabled(services, ACTOR, environment, true);
  await makeSshKey(services, ACTOR, environment, {});
  const here = await createServer(services, ACTOR, environment, { name: 'app1', hostname: 'localhost' });
  // Nothing listens there.
  const away = await createServer(services, ACTOR, environment, {
    name: 'db1',
    hostname: '127.0.0.9',
    sshPort: 1,
  });
  const ids = new Map<string, string>();
  for (const database of PAST_DATABASES) {
    const common = {
      name: database.name,
      type: database.type,
      maxBackupAgeHours: database.maxAgeHours,
      backupStorageType: 'spaces',
      backupSpacesBucket: options.bucket,
      backupCompression: 'zstd',
    } as const;
    const { id } = await createDatabase(
      services,
      ACTOR,
      environment,
      database.type === 'sqlite'
        ? { ...common, serverId: here.id, filePath: fileOf(options, database) }
        : {
            ...common,
            serverId: away.id,
            host: 'localhost',
            databaseName: database.databaseName,
            username: 'backup',
          },
    );
    ids.set(database.name, id);
  }
  return ids;
}

const fileOf = ({ samples }: PastOptions, { name }: PastDatabase) => join(samples, `${name}.sqlite`);

async function liveOneDay(
  services: RunningServices,
  options: PastOptions,
  ids: ReadonlyMap<string, string>,
  daysAgo: number,
): Promise<void> {
  for (const database of PAST_DATABASES) {
    if (database.type === 'sqlite') grow(fileOf(options, database), database, daysAgo);
    const id = ids.get(database.name);
    if (id !== undefined && database.isDue(daysAgo)) await startBackup(services, ACTOR, id);
  }
  while (await isBusy(services)) await new Promise((done) => setTimeout(done, 10));
}

/** What its application wrote on that day; a file that somebody moved away is gone. */
function grow(
  file: string,
  { growth, goneSince = -1 }: { growth: number; goneSince?: number },
  daysAgo: number,
): void {
  if (daysAgo <= goneSince) {
    rmSync(file, { force: true });
    return;
  }
  const database = new Database(file);
  database.exec(`create table if not exists entries (id integer primary key, words text);
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${growth})
    insert into entries (words) select hex(randomblob(100)) from n;`);
  database.close();
}

/** The newest backup of that database is read in full, and shown to come back. */
async function rehearse(services: RunningServices, databaseId: string): Promise<void> {
  const { db } = services;
  const { good_id: newest } = await db
    .selectFrom('newest_backups')
    .select('good_id')
    .where('database_id', '=', databaseId)
    .executeTakeFirstOrThrow();
  await askVerification(services, ACTOR, newest ?? '');
  while (await hasOpenRuns(services)) await new Promise((done) => setTimeout(done, 10));
  await askDrill(services, ACTOR, newest ?? '');
  while (await hasOpenRuns(services)) await new Promise((done) => setTimeout(done, 10));
}

async function hasOpenRuns({ db }: RunningServices): Promise<boolean> {
  const open = await db
    .selectFrom('runs')
    .select('id')
    .where('state', 'in', ['pending', 'running'])
    .where('kind', 'in', ['verification', 'drill'])
    .limit(1)
    .executeTakeFirst();
  return open !== undefined;
}

async function isBusy({ db }: RunningServices): Promise<boolean> {
  const open = await db
    .selectFrom('backups')
    .select('id')
    .where((eb) => eb.or([eb('status', 'in', ['pending', 'in_progress']), eb('outcome', '=', 'uncertain')]))
    .limit(1)
    .executeTakeFirst();
  return open !== undefined;
}
