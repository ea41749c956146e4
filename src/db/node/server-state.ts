import { existsSync } from 'node:fs';
import type { Config } from '../../config.ts';
import type { Log } from '../../log.ts';
import { followDatabase } from '../clock.ts';
import type { Db } from '../schema.ts';
import { untilFree } from '../write.ts';
import { migrate } from './migrate.ts';
import { openPostgres } from './postgres.ts';
import { refuseForeignTables } from './signs.ts';
import { withStartLock } from './start-lock.ts';
import { type Opening, type State, stateFile } from './state.ts';

/** A server that starts at the same time may need so long. */
const SERVER_STARTS_WITHIN_MS = 30_000;

/** Opens the database of a PostgreSQL, which other replicas may work on. Throws as `openState`. */
export async function openServerState(
  config: Pick<Config, 'dataDir'> & { readonly databaseUrl: string },
  { log, now }: Opening,
): Promise<State> {
  const { databaseUrl } = config;
  const exclusively = <T>(work: () => Promise<T>) => withStartLock(databaseUrl, log, work);
  if (existsSync(stateFile(config))) {
    log.warn('DATABASE_URL is set: the installation in the file of DATA_DIR is not used', {
      file: stateFile(config),
    });
  }
  await untilReachable(databaseUrl, log);
  await exclusively(async () => {
    const migrating = openPostgres(databaseUrl, { connections: 2, isForMigration: true });
    try {
      await refuseForeignTables(migrating);
      await migrate(migrating, { file: null, now });
    } finally {
      await migrating.destroy();
    }
  });
  const db = openPostgres(databaseUrl);
  const clock = await keepClock(db, { log, now });
  return {
    db,
    now: clock.now,
    isAlone: false,
    exclusively,
    markUsed: () => undefined,
    async close() {
      clock.stop();
      await db.destroy();
    },
  };
}

const LOOK_AT_CLOCK_EVERY_MS = 10_000;
/** What goes by the machine's own clock, such as the log, is then hard to compare. */
const CLOCK_OFF_MS = 5_000;

async function keepClock(db: Db, { log, now }: Opening): Promise<{ now: () => Date; stop(): void }> {
  const clock = followDatabase({ db, now });
  const aheadMs = await clock.follow();
  if (Math.abs(aheadMs) > CLOCK_OFF_MS) {
    log.warn("this machine's clock is not that of the PostgreSQL, which counts", {
      aheadMs: Math.round(aheadMs),
    });
  }
  const timer = setInterval(() => {
    clock.follow().catch((error: unknown) => log.debug('the clock could not be looked at', { error }));
  }, LOOK_AT_CLOCK_EVERY_MS).unref();
  return { now: clock.now, stop: () => clearInterval(timer) };
}

async function untilReachable(databaseUrl: string, log: Log): Promise<void> {
  const db = openPostgres(databaseUrl, { connections: 1 });
  let isTold = false;
  const ask = async () => {
    try {
      await db.selectNoFrom((eb) => eb.lit(1).as('one')).execute();
    } catch (error) {
      if (!isTold) log.warn('PostgreSQL can not be asked yet', { error });
      isTold = true;
      throw error;
    }
  };
  try {
    await untilFree(ask, { patienceMs: SERVER_STARTS_WITHIN_MS });
  } finally {
    await db.destroy();
  }
}
