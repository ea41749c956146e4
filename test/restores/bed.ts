import { expect } from 'vitest';
import { type Bed, startBed, TINY_PARTS, TO_BUCKET } from '../faults/bed.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { until } from '../support/until.ts';

/** An app, a host over SSH, a bucket, and a PostgreSQL that the host reaches. */
export interface RestoreBed extends Bed {
  readonly postgres: TestPostgres;
  /** Databases of this bed alone, which are dropped with it; names are odd. */
  name(what: string): string;
  source(name: string, options?: Json): Promise<string>;
  backUpOf(databaseId: string): Promise<EndedBackup>;
  /** Asks for it and waits for its end. */
  restore(backup: EndedBackup, input?: Json): Promise<EndedRestore>;
  ended(runId: string): Promise<EndedRestore>;
  /** Names of databases that there are, of this bed and of any restore that goes on. */
  databases(): Promise<readonly string[]>;
}

export interface EndedRestore {
  readonly run: Json;
  readonly restore: Json;
  readonly newName: string;
  readonly message: string;
}

export async function startRestoreBed(): Promise<RestoreBed> {
  const [bed, postgres] = await Promise.all([startBed(TINY_PARTS), sharedPostgres()]);
  const mark = ownName('r');
  let sources = 0;
  const { app } = bed;
  const own = async () => {
    const rows = await postgres.query('SELECT datname FROM pg_database');
    return rows.map(({ datname }) => String(datname)).filter((name) => name.includes(mark));
  };
  const ended = async (runId: string): Promise<EndedRestore> => {
    const run = await until('the restore to end', 60_000, async () => {
      const { run: row } = (await app.ask('GET', `/api/runs/${runId}`)) as { run: Json };
      return ['pending', 'running'].includes(String(row['state'])) ? undefined : row;
    });
    const restore = run['restore'] as Json;
    const error = run['error'] as { readonly message: string } | null;
    return { run, restore, newName: String(restore['newName']), message: error?.message ?? '' };
  };
  return {
    ...bed,
    postgres,
    name: (what) => `${what} ü"😀' ${mark}`,
    source: (databaseName, options = {}) => {
      sources += 1;
      return bed.addDatabase({
        ...{
          name: `${sources} ${databaseName}`,
          databaseName,
          type: 'postgres',
          host: '127.0.0.1',
          port: postgres.port,
        },
        ...postgres.superuser,
        ...TO_BUCKET,
        ...options,
      });
    },
    async backUpOf(databaseId) {
      const backup = await app.backUp(databaseId);
      expect(backup.error).toBeNull();
      return backup;
    },
    async restore(backup, input = {}) {
      const { runId } = await app.ask('POST', `/api/backups/${backup.id}/restore`, input);
      return ended(String(runId));
    },
    ended,
    async databases() {
      const rows = await postgres.query(
        "SELECT datname FROM pg_database WHERE datname LIKE 'bp\\_restore\\_%'",
      );
      return [...(await own()), ...rows.map(({ datname }) => String(datname))].sort();
    },
    async close() {
      for (const name of await own()) await postgres.dropDatabase(name);
      await postgres.stop();
      await bed.close();
    },
  };
}
