import type { Config } from '../../config.ts';
import type { Db } from '../schema.ts';
import { lockDataDir } from './lock.ts';
import { migrate } from './migrate.ts';
import { openDatabase } from './open.ts';
import { refuseForeignContent, refuseLostFile, signsOfInstallation } from './signs.ts';
import { type Opening, type State, stateFile } from './state.ts';

/** Opens the file of SQLite in the data folder, which it takes for this process alone. Throws as `openState`. */
export async function openFileState(config: Pick<Config, 'dataDir'>, { log, now }: Opening): Promise<State> {
  const lock = lockDataDir(config.dataDir);
  const file = stateFile(config);
  let db: Db | undefined;
  try {
    const signs = signsOfInstallation(file, lock.isUsed);
    refuseLostFile(file, signs);
    db = openDatabase(file);
    await refuseForeignContent(db, file, signs);
    const { copy } = await migrate(db, { file, now });
    if (copy !== null) log.info('the database was copied before its migration', { copy });
  } catch (error) {
    await db?.destroy();
    lock.release();
    throw error;
  }
  const opened = db;
  return {
    db,
    now,
    isAlone: true,
    exclusively: (work) => work(),
    markUsed: () => (lock.isUsed ? undefined : lock.markUsed()),
    async close() {
      await opened.destroy();
      lock.release();
    },
  };
}
