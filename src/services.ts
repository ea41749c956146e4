import { readFileSync } from 'node:fs';
import { sha256 } from './audit/node/sha256.ts';
import { createPasswords } from './auth/node/passwords.ts';
import { type BackupEnds, createBackupEnds } from './backups/backup-ends.ts';
import { createBackupKind } from './backups/node/backup-kind.ts';
import type { RepairRules } from './backups/repair-backup.ts';
import { createChannel } from './channels/node/guarded-channel.ts';
import { createGuardedFetch } from './channels/node/guarded-fetch.ts';
import { createMailer } from './channels/node/smtp-mailer.ts';
import type { Config } from './config.ts';
import { databasesThatHold, followSshUser } from './databases/password-targets.ts';
import { spaceOf } from './db/node/disk.ts';
import { tryLockDataDir } from './db/node/lock.ts';
import { checkMigrated } from './db/node/migrate.ts';
import { openDatabase } from './db/node/open.ts';
import { openState } from './db/node/open-state.ts';
import { stateFile } from './db/node/state.ts';
import { optimise } from './db/node/statistics.ts';
import type { Db } from './db/schema.ts';
import { createDrillKind } from './drills/node/drill-kind.ts';
import { sqliteDumpCommand } from './engines/sqlite/node/dump-command.ts';
import { networksOf } from './hosts/networks.ts';
import { openLocalHost } from './hosts/node/local.ts';
import { createLocalPathCheck } from './hosts/node/local-paths.ts';
import { lookUp } from './hosts/node/look-up.ts';
import { openSshHost } from './hosts/node/ssh.ts';
import { sshKeys } from './hosts/node/ssh-keys.ts';
import { createAssets } from './http/node/assets.ts';
import { gzipText } from './http/node/gzip.ts';
import { type Rotation, rotateMasterKey } from './installation/node/rotate-master-key.ts';
import type { Log } from './log.ts';
import { createProcessMetrics } from './metrics/node/process-metrics.ts';
import { holdLittleMemory } from './node/hold-little-memory.ts';
import { giveBackDeliveries } from './notifications/deliveries.ts';
import { createPartMemory } from './object-stores/part-memory.ts';
import { createS3 } from './object-stores/s3/client.ts';
import { createNodePlatform } from './object-stores/s3/node/platform.ts';
import { proxyFor } from './object-stores/s3/proxy.ts';
import type { Tuning } from './object-stores/s3/tuning.ts';
import { createOidcProvider } from './oidc/client.ts';
import { periodicTasks } from './periodic-tasks.ts';
import { createRestoreKind } from './restores/node/restore-kind.ts';
import { createPruneKind } from './retention/prune-kind.ts';
import { createRunLogs } from './runs/node/keep-logs.ts';
import { createPeriodic, type Periodic } from './runs/periodic.ts';
import { tellingEnds } from './runs/tell-ends.ts';
import { createWorker } from './runs/worker.ts';
import type { Worker, WorkerTiming } from './runs/worker-port.ts';
import { loadMasterKey } from './secrets/node/master-key.ts';
import { recordSealingKey } from './secrets/sealing-key.ts';
import { checkVault } from './secrets/signing-keys.ts';
import { createVault, type Vault } from './secrets/vault.ts';
import { isContainer } from './servers/node/container.ts';
import { createServerAccess } from './servers/open-server.ts';
import { checkOwnMachine } from './servers/own-machine.ts';
import type { Services } from './services-port.ts';
import { privateHostsOf, readSettings } from './settings/settings.ts';
import { createDeepTestKind } from './storage/deep-test-kind.ts';
import { createOpenPlace } from './storage/open-place.ts';
import { createVerificationKind } from './verifications/node/verification-kind.ts';
import { createCertificateReader } from './watches/node/certificates.ts';

export interface RunningServices extends Services {
  /** Repairs, claims and runs; and does what is due every so often. */
  readonly worker: Pick<Worker, 'start' | 'stop'>;
  /** True when this start made the master key. */
  readonly masterKeyGenerated: boolean;
  readonly masterKeyFile: string;
  /** Does what a start does only once while no other start on the same state does it. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  close(): Promise<void>;
}

/** For tests: other than the usual ones. */
export interface Timing extends WorkerTiming, Partial<RepairRules> {
  readonly sweepEveryMs?: number;
  readonly manifestsEveryMs?: number;
}

const MIB = 1024 * 1024;

/**
 * The composition root: opens and migrates the state, opens the vault, and wires every adapter. Throws `config` (and
 * `unavailable`, of a server) for what an admin must mend before the app can start; then nothing is left open.
 */
export async function createServices(
  config: Config,
  about: {
    log: Log;
    version: string;
    now?: () => Date;
    /** The time that schedules and retention go by, where it is another than that of leases and transfers. */
    calendar?: () => Date;
    timing?: Timing;
    tuning?: Partial<Tuning>;
  },
): Promise<RunningServices> {
  const { log, version, now = () => new Date() } = about;
  const state = await openState(config, { log, now });
  const { db } = state;
  try {
    const { masterKey, vault } = await state.exclusively(async () => {
      const masterKey = await loadMasterKey(config, db);
      const vault = await createVault(masterKey.key, masterKey.previous);
      await checkVault(db, vault, now());
      await recordSealingKey(db, vault.keyId, now());
      return { masterKey, vault };
    });
    state.markUsed();
    const wired = wire(
      config,
      { db, vault, log, now: state.now, version, isAlone: state.isAlone },
      { ...about, ownNow: now },
    );
    return {
      ...wired.services,
      worker: wired.worker,
      masterKeyGenerated: masterKey.source === 'generated',
      masterKeyFile: masterKey.file,
      exclusively: state.exclusively,
      async close() {
        await wired.close();
        await state.close();
      },
    };
  } catch (error) {
    await state.close();
    throw error;
  }
}

/** What a command of the image works with. */
export interface CommandServices extends Pick<Services, 'db' | 'now' | 'passwords'> {
  close(): Promise<void>;
}

/**
 * The database for a command that may run beside the app: it takes no lock, migrates nothing and needs no master key.
 * Throws `config` where there is no database of ours.
 */
export async function openForCommand(
  config: Pick<Config, 'dataDir' | 'databaseUrl'>,
): Promise<CommandServices> {
  const db =
    config.databaseUrl === null
      ? openDatabase(stateFile(config), { mustExist: true })
      : (await import('./db/node/postgres.ts')).openPostgres(config.databaseUrl, { connections: 2 });
  try {
    await checkMigrated(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return { db, now: () => new Date(), passwords: createPasswords(), close: () => db.destroy() };
}

/** Seals every secret with the present master key, beside a running app or without one. Throws as `rotateMasterKey`. */
export async function rotateMasterKeyOf(config: Config): Promise<Rotation> {
  const { db, now, close } = await openForCommand(config);
  try {
    // Nothing tells of replicas elsewhere: they are taken to run.
    if (config.databaseUrl !== null) return await rotateMasterKey({ db, now, config, isAppRunning: true });
    // Held meanwhile, so that no app starts with half of it done.
    const lock = tryLockDataDir(config.dataDir);
    try {
      return await rotateMasterKey({ db, now, config, isAppRunning: lock === null });
    } finally {
      lock?.release();
    }
  } finally {
    await close();
  }
}

function wire(
  config: Config,
  {
    isAlone,
    ...base
  }: { db: Db; vault: Vault; log: Log; now: () => Date; version: string; isAlone: boolean },
  {
    timing,
    tuning,
    ownNow,
    calendar = base.now,
  }: { timing?: Timing; tuning?: Partial<Tuning>; readonly ownNow: () => Date; calendar?: () => Date },
): { services: Services; worker: RunningServices['worker']; close: () => Promise<void> } {
  const { db, vault, now } = base;
  const uptimeMs = () => performance.now();
  const runLogs = createRunLogs({ ...base, uptimeMs });
  const { log } = runLogs;
  const processMetrics = createProcessMetrics({ log });
  const storageCa = config.storageCaFile === null ? null : readFileSync(config.storageCaFile, 'utf8');
  const proxies = { https: config.httpsProxy, http: config.httpProxy, exempt: config.noProxy };
  const platform = createNodePlatform({
    log,
    meter: processMetrics,
    // A storage has a clock of its own, which signatures go by.
    now: ownNow,
    partMemory: createPartMemory(config.partMemoryMib * MIB, holdLittleMemory),
    publicEndpoint: config.storagePublicEndpoint,
    proxy: proxies,
    ...(storageCa === null ? {} : { ca: storageCa }),
  });
  const servers = createServerAccess({
    db,
    vault,
    log,
    now,
    networks: networksOf(config.reachableNetworks),
    lookUp,
    sshStrict: config.sshStrict,
    readyTimeoutMs: async () => (await readSettings(db)).sshReadyTimeoutMs,
    checkLocalPath: createLocalPathCheck(config),
    checkOwnMachine: () => checkOwnMachine(config),
    openLocal: () => openLocalHost({ label: 'this machine', log, environment: sqliteDumpCommand() }),
    openSsh: (address, timeouts) => openSshHost(address, timeouts, log),
  });
  const openS3 = (settings: Parameters<typeof createS3>[0]) =>
    createS3(settings, platform, { patienceMs: config.storagePatienceMs, ...tuning });
  const openPlace = createOpenPlace({ db, vault, openS3, servers });
  const allowed = async () => privateHostsOf((await readSettings(db)).privateHosts);
  const channel = createChannel({ allowed });
  const guardedFetch = createGuardedFetch({ allowed, proxyOf: (url) => proxyFor(url, proxies) });
  const oidc = createOidcProvider({ fetch: guardedFetch, now });
  const mailer = createMailer();
  const context = { db, vault, servers, openPlace, openS3, now, uptimeMs, log };
  const backups = createBackupKind(context, timing);
  const kinds = {
    backup: backups,
    deep_test: createDeepTestKind(context),
    verification: createVerificationKind(context),
    prune: createPruneKind({ ...context, now: calendar }),
    restore: createRestoreKind(context),
    drill: createDrillKind(context),
  };
  const watched = runLogs.kinds(tellingEnds(kinds, context, processMetrics.ended));
  // What the worker says of one run is said while another goes on.
  const worker = createWorker(base, watched, {
    ...timing,
    isAlone,
    limits: async () => {
      const settings = await readSettings(db);
      return { total: settings.maxConcurrentBackups, perServer: settings.maxConcurrentBackupsPerServer };
    },
  });
  const runs = { wake: worker.wake, cancel: worker.cancel, progress: backups.progress };
  const backupEnds = createBackupEnds(context);
  const freeSpace = async () => (config.databaseUrl === null ? spaceOf(config.dataDir) : null);
  const certificates = createCertificateReader((url) => (platform.proxyOf?.(url) ?? null) === null);
  const periodic = createPeriodic(
    context,
    periodicTasks(
      {
        ...{ ...context, calendar, channel, mailer, runs, config, sha256, optimise: () => optimise(db) },
        ...{ freeSpace, certificates, storageCa, publicUrl: config.publicUrl },
      },
      timing,
    ),
    { isAlone, giveBack: giveBackDeliveries },
  );
  return {
    services: {
      ...base,
      uptimeMs,
      config,
      passwords: createPasswords(),
      sshKeys,
      followSshUser,
      databasesThatHold,
      servers,
      openS3,
      openPlace,
      channel,
      mailer,
      oidc,
      runs,
      backupEnds,
      processMetrics,
      assets: createAssets(),
      gzip: gzipText,
      sha256,
      isContainer: isContainer(),
      freeSpace,
    },
    worker: together(worker, periodic, backupEnds),
    close: () => platform.close(),
  };
}

function together(worker: Worker, periodic: Periodic, backupEnds: BackupEnds): RunningServices['worker'] {
  return {
    start() {
      worker.start();
      periodic.start();
    },
    async stop(withinMs) {
      backupEnds.stop();
      await Promise.all([worker.stop(withinMs), periodic.stop(withinMs)]);
    },
  };
}
