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
  /** Stands in every name of its own. */
  readonly mark: string;
  /** Databases of this bed alone, which are dropped with it; names are odd. */
  name(what: string): string;
  source(name: string, options?: Json): Promise<string>;
  backUpOf(databaseId: string): Promise<EndedBackup>;
  /** Asks for it and waits for its end. */
  restore(backup: EndedBackup, input?: Json): Promise<EndedRestore>;
  ended(runId: string): Promise<EndedRestore>;
  /** Names of databases that there are, of this bed and of its restores that go on. */
  databases(): Promise<readonly string[]>;
}

export interface EndedRestore {
  readonly run: Json;
  readonly restore: Json;
  readonly newName: string;
  readonly message: string;
}

/** With a server of its own for what changes its roles. */
export async function startRestoreBed(
  start: () => Promise<TestPostgres> = sharedPostgres,
): Promise<RestoreBed> {
  // What is held stays held, however long a busy machine takes to act meanwhile: a request that is given up is sent again.
  const tuning = { ...TINY_PARTS.tuning, attemptTimeoutMs: 120_000 };
  const [bed, postgres] = await Promise.all([startBed({ ...TINY_PARTS, tuning }), start()]);
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
    mark,
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
      // Other test files restore on the same server.
      const restores = await app.services.db.selectFrom('restores').select('token').execute();
      const rows = await postgres.query('SELECT datname FROM pg_database');
      const names = new Set(rows.map(({ datname }) => String(datname)));
      const made = restores.map(({ token }) => `bp_restore_${token}`).filter((name) => names.has(name));
      return [...(await own()), ...made].sort();
    },
    async close() {
      for (const name of await own()) await postgres.dropDatabase(name);
      await postgres.stop();
      await bed.close();
    },
  };
}
