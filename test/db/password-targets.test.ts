import type { Insertable } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { changesOfTarget } from '../../src/databases/password-target.ts';
import { addressOfServer } from '../../src/databases/password-targets.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { DatabaseRow, Db } from '../../src/db/schema.ts';
import { openPostgresDatabase } from '../support/database.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';

const now = () => new Date('2026-03-04T05:06:07.890Z');
const at = { created_at: now().toISOString(), updated_at: now().toISOString() };

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await sharedPostgres();
});
afterAll(() => postgres.stop());

const openers: Readonly<Record<string, () => Promise<Db>>> = {
  SQLite: async () => openDatabase(':memory:'),
  PostgreSQL: () => openPostgresDatabase(postgres),
};

describe.each(Object.entries(openers))(
  'passwords that were stored by an earlier version, on %s,',
  (_, open) => {
    let db: Db;
    beforeEach(async () => {
      db = await open();
    });
    afterEach(() => db.destroy());

    it('count as given for where the settings lead at the upgrade', async () => {
      const earlier = Object.entries(migrations).filter(([name]) => name < '0003_untrusted_targets');
      await migrate(db, { file: null, now, migrations: Object.fromEntries(earlier) });
      await db
        .insertInto('environments')
        .values({
          ...{ id: 'e', name: 'prod + "ü" 🌍', ssh_user: 'backup', ...at, allow_backup_download: 0 },
          ...{ default_monitoring_enabled: 0, default_collection_interval_sec: 300 },
        })
        .execute();
      for (const [id, ssh_user] of [
        ['s1', null],
        ['s2', 'root'],
      ] as const) {
        await db
          .insertInto('servers')
          .values({
            ...{ id, environment_id: 'e', name: id, hostname: `${id}.example`, tags: '[]', ssh_user, ...at },
            ...{ ssh_port: 2222, status: 'unknown' },
          })
          .execute();
      }
      for (const [id, server_id, options, credentials] of [
        ['here', null, '{}', 'sealed'],
        ['there', 's1', '{"useSsl":true}', 'sealed'],
        ['other', 's2', '{"useSsl":null}', 'sealed'],
        ['open', 's2', '{}', null],
      ] as const) {
        await db
          .insertInto('databases')
          .values({
            ...{
              id,
              environment_id: 'e',
              server_id,
              name: `kunden "${id}" 🗄`,
              type: 'postgres',
              options,
              ...at,
            },
            ...{ backup_storage_type: 'local', pg_dump_timeout_ms: 300_000, monitoring_enabled: 0 },
            ...{ collection_interval_sec: 300, host: 'db + "ü"', port: 5432, credentials },
            // Of the newest schema: the table is older.
          } as Insertable<DatabaseRow>)
          .execute();
      }
      await migrate(db, { file: null, now });
      const changes = async (id: string) => {
        const row = await db
          .selectFrom('databases')
          .selectAll()
          .where('id', '=', id)
          .executeTakeFirstOrThrow();
        return changesOfTarget(row, await addressOfServer(db, row.server_id));
      };
      for (const id of ['here', 'there', 'other', 'open']) expect([id, await changes(id)]).toEqual([id, []]);
      const targets = await db.selectFrom('databases').select('password_target').orderBy('id').execute();
      expect(targets.map((row) => row.password_target === null)).toEqual([false, true, false, false]);

      await db.updateTable('databases').set({ port: 5433, options: '{}' }).execute();
      await db.updateTable('environments').set({ ssh_user: 'mallory' }).execute();
      expect(await changes('here')).toEqual(['port: 5433 instead of 5432']);
      expect(await changes('there')).toEqual([
        'SSH user of the server: mallory instead of backup',
        'port: 5433 instead of 5432',
        'TLS: not required instead of encrypted only',
      ]);
      expect(await changes('other')).toEqual(['port: 5433 instead of 5432']);
      expect(await changes('open')).toEqual([]);
    });
  },
);
