import { connectMariadb, type MariadbPlace, type TestMariadb } from '../mariadb.ts';
import { askForShared } from './ask.ts';

/**
 * The run's MariaDB, for test files that need databases and nothing else of a server: databases are named by `ownName`,
 * users and settings are left alone. Its `stop` drops the databases that were made through it.
 */
export async function sharedMariadb(): Promise<TestMariadb> {
  const server = connectMariadb(await askForShared<MariadbPlace>('mariadb'));
  const made = new Set<string>();
  return {
    ...server,
    async createDatabase(name) {
      await server.createDatabase(name);
      made.add(name);
    },
    async stop() {
      for (const name of made) await server.dropDatabase(name);
    },
  };
}
