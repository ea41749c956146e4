import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { registerFound, type SharedSettings } from '../../src/databases/register-found.ts';
import type { Db } from '../../src/db/schema.ts';
import { createEnvironment } from '../../src/environments/environments.ts';
import { readConfig } from '../../src/node/read-config.ts';
import { createVault } from '../../src/secrets/vault.ts';
import { createServer } from '../../src/servers/servers.ts';
import { dropStates, openState, STATES } from '../support/states.ts';

const ACTOR = { userId: null, address: '203.0.113.7' };
const now = () => new Date('2026-03-01T12:00:00.000Z');
const ODD = `sh'op "1" +ü🙂\n<script>`;
const POSTGRES: SharedSettings = {
  type: 'postgres',
  host: 'localhost',
  port: 5432,
  username: 'backup',
  password: 'pa"ss w+rd',
  backupStorageType: 'spaces',
  backupSpacesBucket: 'backups',
};

afterAll(dropStates);

describe.each(STATES)('databases that were found, on %s', (state) => {
  let db: Db;
  let serverId: string;
  let register: (found: readonly string[], settings?: SharedSettings) => ReturnType<typeof registerFound>;
  beforeEach(async () => {
    db = await openState(state);
    const vault = await createVault(new Uint8Array(32).fill(1));
    const context = { db, vault, now, config: readConfig({ DATA_DIR: '/srv/data' }) };
    const { id } = await createEnvironment(context, ACTOR, { name: 'production' });
    serverId = (await createServer(context, ACTOR, id, { name: 'db1', hostname: '10.0.0.5' })).id;
    register = (found, settings = POSTGRES) => registerFound(context, ACTOR, serverId, settings, found);
  });
  afterEach(() => db.destroy());
  const rows = () =>
    db
      .selectFrom('databases')
      .select(['name', 'database_name'])
      .orderBy('created_at')
      .orderBy('name')
      .execute();

  it('are registered together, odd names kept, each with its line in the audit', async () => {
    const { registered, refused } = await register(['shop', ODD, 'shop']);
    expect(refused).toEqual([]);
    expect(registered.map(({ name }) => name)).toEqual(['shop', ODD.replace('\n', '_')]);
    expect(await rows()).toEqual(
      expect.arrayContaining([
        { name: 'shop', database_name: 'shop' },
        { name: ODD.replace('\n', '_'), database_name: ODD },
      ]),
    );
    const audit = await db
      .selectFrom('audit_logs')
      .selectAll()
      .where('resource_type', '=', 'database')
      .execute();
    expect(audit.map(({ action, resource_id }) => [action, resource_id]).sort()).toEqual(
      registered.map(({ id }) => ['create', id]).sort(),
    );
    const stored = await db
      .selectFrom('databases')
      .selectAll()
      .where('name', '=', 'shop')
      .executeTakeFirstOrThrow();
    expect(stored).toMatchObject({
      server_id: serverId,
      backup_storage_type: 'spaces',
      backup_spaces_bucket: 'backups',
      backup_spaces_prefix: 'production/shop/',
      password_target: expect.stringContaining('"hostname":"10.0.0.5"'),
    });
  });

  it('get a number where their name is taken by another, and are refused where they are that other', async () => {
    await register(['shop']);
    const again = await register(['shop', 'blog']);
    expect(again.registered.map(({ name }) => name)).toEqual(['blog']);
    expect(again.refused).toEqual([{ name: 'shop', reason: 'It is registered already, as "shop".' }]);
    // Another server on another port of the same machine.
    const other = await register(['shop', 'blog'], { ...POSTGRES, port: 5433 });
    expect(other.registered.map(({ name }) => name)).toEqual(['shop (2)', 'blog (2)']);
    const files = await register(['/srv/a/app.db', '/srv/b/app.db', '/srv/a\n.db'], {
      type: 'sqlite',
      backupStorageType: 'spaces',
    });
    expect(files.registered.map(({ name }) => name)).toEqual(['app.db', 'app.db (2)']);
    expect(files.refused).toEqual([
      { name: '/srv/a\n.db', reason: expect.stringContaining('control characters') },
    ]);
  });

  it('are registered once by two people at the same time', async () => {
    const all = ['one', 'two', 'three'];
    const both = await Promise.all([register(all), register(all)]);
    expect(both.flatMap(({ registered }) => registered.map(({ name }) => name)).sort()).toEqual(
      [...all].sort(),
    );
    expect(both.flatMap(({ refused }) => refused)).toHaveLength(3);
    expect(await rows()).toHaveLength(3);
  });
});
