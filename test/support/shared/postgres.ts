import { connectPostgres, type PostgresPlace, type TestPostgres } from '../postgres.ts';
import { askForShared } from './ask.ts';

/**
 * The run's PostgreSQL, for test files that need databases and nothing else of a server: databases are named by
 * `ownName`, roles and settings are left alone. Its `stop` drops the databases that were made through it.
 */
export async function sharedPostgres(): Promise<TestPostgres> {
  const server = connectPostgres(await askForShared<PostgresPlace>('postgres'));
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
