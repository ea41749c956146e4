import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Insertable, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../migrations/index.ts';
import { migrate } from '../../src/db/node/migrate.ts';
import { openDatabase } from '../../src/db/node/open.ts';
import type { DatabaseRow, Db } from '../../src/db/schema.ts';
import { openPostgresDatabase } from '../support/database.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { restoreRow } from '../support/restore-row.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';

const now = () => new Date('2026-03-04T05:06:07.890Z');

/** The next version of the schema: one good change and one that fails after having changed something. */
const next: Migration = {
  up: (db: Kysely<unknown>) => db.schema.alterTable('users').addColumn('nickname', 'text').execute(),
};
const failing: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.createTable('half_done').addColumn('id', 'text').execute();
    await sql`select * from no_such_table`.execute(db);
  },
};

let postgres: TestPostgres;
beforeAll(async () => {
  postgres = await sharedPostgres();
});
afterAll(() => postgres.stop());

const openers: Readonly<Record<string, () => Promise<Db>>> = {
  SQLite: async () => openDatabase(':memory:'),
  PostgreSQL: () => openPostgresDatabase(postgres),
};

describe.each(Object.entries(openers))('migrations on %s', (_, open) => {
  let db: Db;
  beforeEach(async () => {
    db = await open();
  });
  afterEach(() => db.destroy());

  const tables = async () => (await db.introspection.getTables()).map((table) => table.name).sort();

  it('make every table of the schema, and do nothing the second time', async () => {
    await migrate(db, { file: null, now });
    await migrate(db, { file: null, now });
    expect(await tables()).toEqual(
      [
        ...[
          'audit_logs',
          'audit_marks',
          'backup_objects',
          'backup_policies',
          'backups',
          'databases',
          'environments',
          'leftovers',
          'servers',
        ],
        ...[
          'database_schedules',
          'events',
          'periodic_tasks',
          'ping_targets',
          'pings',
          'protection_spells',
          'restores',
          'restore_logins',
          'recovery_codes',
          'second_factors',
          'drills',
          'drill_states',
          'api_token_environments',
          'api_tokens',
          'service_accounts',
          'token_backups',
          'idempotency_keys',
          'notification_types',
          'notification_preferences',
          'notifications',
          'notification_spells',
          'notification_channels',
          'smtp_settings',
          'oidc_settings',
          'oidc_identities',
          'oidc_used_states',
          'webhook_subscriptions',
          'deliveries',
          'delivery_items',
          'retention_freezes',
          'run_askers',
          'run_logs',
          'runs',
          'schedule_slots',
          'schedules',
          'server_blackouts',
          'sessions',
          'sign_in_failures',
          'sign_in_places',
          'signing_keys',
          'spaces_config',
          'spaces_environments',
          'storage_probes',
          'bucket_traits',
          'stored_totals',
          'backup_days',
          'environment_days',
          'newest_backups',
          'noted_troubles',
          'system_settings',
          'vanished_tables',
          'weekly_reports',
        ],
        'users',
      ].sort(),
    );
  });

  it('leave nothing behind when one fails', async () => {
    await migrate(db, { file: null, now });
    const before = await tables();
    const withFailure = { ...migrations, '0998_next': next, '0999_failing': failing };
    await expect(migrate(db, { file: null, now, migrations: withFailure })).rejects.toThrow(
      'Migration 0999_failing failed',
    );
    expect(await tables()).toEqual(before);
    const users = (await db.introspection.getTables()).find((table) => table.name === 'users');
    expect(users?.columns.map((column) => column.name)).not.toContain('nickname');
    await migrate(db, { file: null, now });
  });

  it('refuse data that a newer version wrote', async () => {
    await migrate(db, { file: null, now, migrations: { ...migrations, '0998_next': next } });
    await expect(migrate(db, { file: null, now })).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('newer version'),
    });
  });

  it('keep one waiting and one running backup per database, and bytes beyond 32 bits', async () => {
    await migrate(db, { file: null, now });
    await insertDatabase(db);
    const insert = (id: string, status: 'pending' | 'in_progress' | 'completed') =>
      db
        .insertInto('backups')
        .values({
          ...{
            id,
            status,
            database_id: 'd',
            filename: 'f',
            size: 6_000_000_000_000,
            type: 'manual' as const,
          },
          ...{
            storage_type: 'local' as const,
            storage_path: '/f',
            bytes_read: 0,
            bytes_stored: 0,
          },
          ...{ created_at: now().toISOString(), is_pinned: 0 as const, token: id },
        })
        .execute();
    await insert('a', 'pending');
    await insert('b', 'in_progress');
    await insert('c', 'completed');
    await insert('d', 'completed');
    await expect(insert('e', 'pending')).rejects.toThrow(/unique/i);
    await expect(insert('f', 'in_progress')).rejects.toThrow(/unique/i);
    const row = await db.selectFrom('backups').select('size').where('id', '=', 'a').executeTakeFirstOrThrow();
    expect(Number(row.size)).toBe(6_000_000_000_000);
  });

  it('count what is stored already: completed and visible backups, by database and place', async () => {
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0007_totals'));
    await migrate(db, { file: null, now, migrations: before });
    await insertDatabase(db);
    const backup = { database_id: 'd', filename: 'f', size: 1, type: 'manual', status: 'completed' } as const;
    const more = {
      storage_type: 'spaces',
      storage_path: 'f',
      bytes_read: 0,
      bytes_stored: 0,
    } as const;
    const at = { created_at: now().toISOString(), is_pinned: 0, token: 't' } as const;
    const changes = [{}, {}, { status: 'failed' as const }, { deleted_at: now().toISOString() }];
    for (const [number, change] of changes.entries()) {
      const id = `b${number}`;
      await db
        .insertInto('backups')
        .values({ id, ...backup, ...more, ...at, ...change })
        .execute();
      const place = {
        endpoint: 'https://s3.example.com',
        region: null,
        bucket: number === 1 ? 'alt' : 'b',
      };
      await db
        .insertInto('backup_objects')
        .values({ id, backup_id: id, kind: 'dump', number: 0, ...place, key: id, bytes: 6_000_000_000_000 })
        .execute();
    }
    await migrate(db, { file: null, now });
    const totals = await db.selectFrom('stored_totals').selectAll().orderBy('bucket').execute();
    expect(
      totals.map((row) => [row.database_id, row.bucket, Number(row.backups), Number(row.bytes)]),
    ).toEqual([
      ['d', 'alt', 1, 6_000_000_000_000],
      ['d', 'b', 1, 6_000_000_000_000],
    ]);
  });

  it('count the days that there were, and find the newest backups of each database', async () => {
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0011'));
    await migrate(db, { file: null, now, migrations: before });
    await insertDatabase(db);
    const size = 6_000_000_000_000;
    const rows = [
      ['good', '2026-02-25T00:00:00.000Z', { status: 'completed', outcome: 'completed', size }],
      ['more', '2026-02-25T23:59:59.999Z', { status: 'completed', outcome: 'completed', size: 5 }],
      ['gone', '2026-02-26T01:00:00.000Z', { status: 'completed', deleted_at: now().toISOString() }],
      ['bad ü', '2026-02-26T02:00:00.000Z', { status: 'failed', outcome: 'interrupted' }],
      ['stopped', '2026-02-27T02:00:00.000Z', { status: 'failed', outcome: 'cancelled' }],
      ['runs', '2026-02-28T02:00:00.000Z', { status: 'in_progress' }],
    ] as const;
    for (const [id, created_at, more] of rows) {
      const row = { id, created_at, database_id: 'd', filename: 'f', size: 1, type: 'manual', token: 't' };
      const rest = {
        storage_type: 'spaces',
        storage_path: 'f',
        bytes_read: 0,
        bytes_stored: 0,
        is_pinned: 0,
      };
      await db
        .insertInto('backups')
        .values({ ...row, ...rest, ...more } as never)
        .execute();
    }
    await migrate(db, { file: null, now });
    const days = await db.selectFrom('backup_days').selectAll().orderBy('day').execute();
    const numbers = ({ good, failed, added, freed }: (typeof days)[number]) =>
      [good, failed, added, freed].map(Number);
    expect(days.map((row) => [row.day, ...numbers(row), Number(row.kept)])).toEqual([
      ['2026-02-25', 2, 0, size + 5, 0, 2],
      ['2026-02-26', 0, 1, 0, 0, 0],
    ]);
    const all = await db.selectFrom('environment_days').selectAll().orderBy('day').execute();
    expect(all.map((row) => [row.day, ...numbers(row as never)])).toEqual([
      ['2026-02-25', 2, 0, size + 5, 0],
      ['2026-02-26', 0, 1, 0, 0],
    ]);
    const newest = await db.selectFrom('newest_backups').selectAll().execute();
    expect(newest.map((row) => ({ ...row, good_size: Number(row.good_size) }))).toEqual([
      {
        ...{ database_id: 'd', good_id: 'more', good_at: '2026-02-25T23:59:59.999Z' },
        ...{ good_size: 5, usual_size: null },
        ...{ ended_id: 'bad ü', ended_at: '2026-02-26T02:00:00.000Z' },
      },
    ]);
  });

  it('count the signing keys that there are, by purpose, and refuse two of one generation', async () => {
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0009'));
    await migrate(db, { file: null, now, migrations: before });
    const at = now().toISOString();
    const keys = [
      ['b', 'session', at],
      ['a', 'session', at],
      ['c', 'session', '2025-01-01T00:00:00.000Z'],
      ['d', 'manifest', at],
    ] as const;
    for (const [id, purpose, created_at] of keys) {
      const key = { id, purpose, secret: 'sealed', created_at };
      await db
        .insertInto('signing_keys')
        .values(key as never)
        .execute();
    }
    await migrate(db, { file: null, now });
    const counted = await db.selectFrom('signing_keys').select(['id', 'generation']).orderBy('id').execute();
    expect(counted.map(({ id, generation }) => [id, generation])).toEqual([
      ['a', 2],
      ['b', 3],
      ['c', 1],
      ['d', 1],
    ]);
    const second = { id: 'e', purpose: 'session', generation: 3, secret: 'sealed', created_at: at } as const;
    await expect(db.insertInto('signing_keys').values(second).execute()).rejects.toThrow(/unique/i);
  });

  it('find who asked for the runs that there are', async () => {
    const before = Object.fromEntries(Object.entries(migrations).filter(([name]) => name < '0033'));
    await migrate(db, { file: null, now, migrations: before });
    await insertDatabase(db);
    const at = now().toISOString();
    const user = { id: 'ada', email: 'e', name: null, password_hash: 'h', role: 'admin' } as const;
    await db
      .insertInto('users')
      .values({ ...user, created_at: at, updated_at: at })
      .execute();
    const token = { id: 'ci', name: 'n', token_hash: 'h', token_prefix: 'p', role: 'operator' } as const;
    await db
      .insertInto('api_tokens')
      .values({ ...token, access: 'backups', all_environments: 1, expires_at: at, created_at: at })
      .execute();
    const backup = { database_id: 'd', filename: 'f', size: 1, status: 'completed', token: 't' } as const;
    const stored = { storage_type: 'spaces', storage_path: 'f', bytes_read: 0, bytes_stored: 0 } as const;
    const run = { subject_id: 'slot', server_id: null, state: 'completed', progress: 100 } as const;
    const addRun = (id: string, kind: 'backup' | 'drill' | 'restore') =>
      db
        .insertInto('runs')
        .values({ ...run, id, kind, lane: id, attempts: 1, in_repair: 0, created_at: at })
        .execute();
    for (const [id, type, personId] of [
      ['slot', 'scheduled', null],
      ['hand', 'manual', 'ada'],
      ['deploy', 'manual', 'ada'],
      ['nobody', 'manual', null],
    ] as const) {
      await db
        .insertInto('backups')
        .values({ ...backup, ...stored, id, type, triggered_by_id: personId, is_pinned: 0, created_at: at })
        .execute();
      await addRun(id, 'backup');
    }
    await db
      .insertInto('token_backups')
      .values({ backup_id: 'deploy', token_id: 'ci', holds_pin: 0 })
      .execute();
    await addRun('drill', 'drill');
    const drill = { id: 'drill', database_id: 'd', backup_id: 'slot', due_at: at, created_at: at };
    await db.insertInto('drills').values(drill).execute();
    await addRun('restore', 'restore');
    await db
      .insertInto('restores')
      .values(restoreRow({ id: 'restore', asked_by_id: 'ada' }))
      .execute();
    await migrate(db, { file: null, now });
    const found = await db.selectFrom('run_askers').selectAll().execute();
    expect(new Set(found.map((row) => row.created_at))).toEqual(new Set([at]));
    expect(found.map((row) => `${row.asker} ${row.run_id}`).sort()).toEqual([
      ...['person hand', 'person restore', 'person:ada deploy', 'person:ada hand', 'person:ada restore'],
      ...['schedule drill', 'schedule slot', 'token deploy', 'token:ci deploy'],
    ]);
    await db.deleteFrom('runs').execute();
    expect(await db.selectFrom('run_askers').selectAll().execute()).toEqual([]);
  });

  it('refuse a value outside a closed list, and a row without its owner', async () => {
    await migrate(db, { file: null, now });
    const at = now().toISOString();
    const user = { id: 'u', email: 'e', name: null, password_hash: 'h', created_at: at, updated_at: at };
    await expect(
      // The type refuses it too; the table must, whoever writes.
      db
        .insertInto('users')
        .values({ ...user, role: 'root' as 'admin' })
        .execute(),
    ).rejects.toThrow(/check/i);
    const session = { id: 's', user_id: 'nobody', kind: 'api' as const, created_at: at, expires_at: at };
    await expect(db.insertInto('sessions').values(session).execute()).rejects.toThrow(/foreign key/i);
  });
});

describe('an upgrade of a SQLite file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'migrate-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('keeps a whole copy of the file from before, for its owner alone', async () => {
    const file = join(folder, 'bridgeport.sqlite');
    const db = openDatabase(file);
    expect(await migrate(db, { file, now })).toEqual({ copy: null });
    await insertDatabase(db);
    const { copy } = await migrate(db, { file, now, migrations: { ...migrations, '0998_next': next } });
    await db.destroy();
    expect(copy).toBe(`${file}.before-2026-03-04T05-06-07-890Z`);
    expect(statSync(copy ?? '').mode & 0o777).toBe(0o600);
    const before = openDatabase(copy ?? '');
    expect(await before.selectFrom('databases').select('name').execute()).toEqual([{ name: 'appdb' }]);
    // Ours, not newer: the older version starts on it.
    await migrate(before, { file: null, now });
    await before.destroy();
  });

  it('tells the planner of every table, before the first question', async () => {
    const db = openDatabase(':memory:');
    await migrate(db, { file: null, now });
    await insertDatabase(db);
    await migrate(db, { file: null, now, migrations: { ...migrations, '0998_next': next } });
    const stats = await sql<{ tbl: string }>`select distinct tbl from sqlite_stat1`.execute(db);
    expect(stats.rows.map(({ tbl }) => tbl)).toEqual(expect.arrayContaining(['databases', 'environments']));
    await db.destroy();
  });

  it('makes no copy when there is nothing to change', async () => {
    const file = join(folder, 'bridgeport.sqlite');
    const db = openDatabase(file);
    await migrate(db, { file, now });
    await migrate(db, { file, now });
    await db.destroy();
    expect(readdirSync(folder).filter((name) => name.includes('before'))).toEqual([]);
  });
});

async function insertDatabase(db: Db): Promise<void> {
  const at = { created_at: now().toISOString(), updated_at: now().toISOString() };
  await db
    .insertInto('environments')
    .values({
      ...{ id: 'e', name: 'production', ssh_user: 'root', ...at, allow_backup_download: 0 },
      ...{ default_monitoring_enabled: 0, default_collection_interval_sec: 300 },
    })
    .execute();
  await db
    .insertInto('databases')
    .values({
      ...{ id: 'd', environment_id: 'e', name: 'appdb', type: 'postgres', options: '{}', ...at },
      ...{ backup_storage_type: 'local', pg_dump_timeout_ms: 300_000, monitoring_enabled: 0 },
      collection_interval_sec: 300,
      // Of the newest schema: the tables may be older.
    } as Insertable<DatabaseRow>)
    .execute();
}
