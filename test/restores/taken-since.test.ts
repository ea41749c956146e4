import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DatabaseRow, Db, RestoreRow } from '../../src/db/schema.ts';
import { refuseTaken } from '../../src/restores/taken-since.ts';
import { insertBackup } from '../support/backup-row.ts';
import { openTestDatabase } from '../support/database.ts';
import { restoreRow } from '../support/restore-row.ts';

const ENDED = '2026-02-01T00:00:00.000Z';
const AT = { created_at: ENDED, updated_at: ENDED };

let db: Db;
let environmentId: string;
beforeEach(async () => {
  db = await openTestDatabase();
  const { database_id } = await insertBackup(db, new Date(ENDED), { status: 'failed', outcome: 'failed' });
  environmentId = (
    await db
      .selectFrom('databases')
      .select('environment_id')
      .where('id', '=', database_id)
      .executeTakeFirstOrThrow()
  ).environment_id;
  for (const [id, hostname, publicIp] of [
    ['here', 'localhost', null],
    ['db1', 'db1.example', '192.0.2.7'],
    ['again', 'DB1.example.', null],
    ['bare', '192.0.2.7', null],
    ['other', 'db2.example', null],
  ]) {
    const server = { id, environment_id: environmentId, name: id, hostname, public_ip: publicIp };
    const more = { tags: '[]', ssh_port: 22, status: 'unknown', ...AT };
    await db
      .insertInto('servers')
      .values({ ...server, ...more } as never)
      .execute();
  }
});
afterEach(() => db.destroy());

const register = (values: Partial<DatabaseRow>) =>
  db
    .insertInto('databases')
    .values({
      ...{ id: 'd', environment_id: environmentId, name: 'goes on', type: 'postgres', ...AT },
      ...{ server_id: null, host: null, port: null, database_name: null, options: '{}' },
      ...values,
    } as never)
    .execute();
const done = (values: Partial<RestoreRow> = {}) =>
  restoreRow({ id: 'r', state: 'done', ended_at: ENDED, host: null, port: null, ...values });
const refusal = (row: RestoreRow) =>
  refuseTaken(db, row, row.new_name).then(
    () => null,
    (error: Error) => error.message,
  );

describe('what a restore has made', () => {
  it.each([
    ['localhost', null, null, null, null, true],
    ['::1', 5432, null, '127.0.0.1', null, true],
    ['/run/postgresql', null, null, null, 5432, true],
    [null, 5433, null, null, null, false],
    ['LOCALHOST', null, 'here', null, null, true],
    [null, null, 'db1', null, null, false],
    ['db1.example', null, 'db1', null, 5432, true],
    ['192.0.2.7', null, 'db1', 'localhost', null, true],
    ['other.example', null, 'db1', null, null, false],
  ])(
    'is told from the registered database at %s:%s by where it is itself (%s, %s:%s): %s',
    async (host, port, serverId, own, ownPort, isSame) => {
      await register({ host, port, database_name: 'shop_restored' });
      const said = await refusal(done({ server_id: serverId, host: own, port: ownPort }));
      expect(said?.includes('is registered as the database goes on') ?? false).toBe(isSame);
      expect(
        await refusal(done({ server_id: serverId, host: own, port: ownPort, new_name: 'another' })),
      ).toBeNull();
    },
  );

  it('is told by the name under which a drop that was killed has left it, too', async () => {
    const row = done({ host: 'localhost', port: 5432 });
    await register({ host: 'localhost', port: 5432, database_name: `bp_drop_${row.token}` });
    expect(await refusal(row)).toContain('is registered as the database goes on');
    expect(await refusal({ ...row, token: 'another' })).toBeNull();
  });

  it('is told by another registered server that is the same machine, too', async () => {
    await register({ server_id: 'again', host: 'localhost', database_name: 'shop_restored' });
    expect(await refusal(done({ server_id: 'db1' }))).toContain('is registered');
    await db.updateTable('databases').set({ server_id: 'bare' }).where('id', '=', 'd').execute();
    expect(await refusal(done({ server_id: 'db1' }))).toContain('is registered');
    await db.updateTable('databases').set({ server_id: 'other' }).where('id', '=', 'd').execute();
    expect(await refusal(done({ server_id: 'db1' }))).toBeNull();
  });

  it('is told by the path of a file however it is written, and gives those that a link may lead to it by', async () => {
    const row = done({ engine: 'sqlite', new_name: '/srv/ü/shop.db', server_id: 'db1' });
    const at = (filePath: string) => ({ options: JSON.stringify({ filePath }) });
    await register({ type: 'sqlite', server_id: 'again', host: 'x', ...at('/srv//./y/../ü/shop.db') });
    expect(await refusal(row)).toContain('is registered as the database goes on');
    await db.updateTable('databases').set(at('/srv/other.db')).where('id', '=', 'd').execute();
    await register({ id: 'e', name: 'e', type: 'sqlite', server_id: 'db1', ...at('/link/shop.db') });
    await register({ id: 'f', name: 'f', type: 'sqlite', server_id: 'other', ...at('/srv/ü/shop.db') });
    expect(await refuseTaken(db, row, row.new_name)).toEqual({
      registered: ['/link/shop.db', '/srv/other.db'],
    });
  });

  it('is what was restored into that name last, and none that has failed or was before it', async () => {
    const other = (values: Partial<RestoreRow>) =>
      db.updateTable('restores').set(values).where('id', '=', 's');
    await db
      .insertInto('restores')
      .values(done({ id: 's', host: 'localhost', port: 5432, ended_at: '2026-02-02T00:00:00.000Z' }))
      .execute();
    expect(await refusal(done())).toContain('was restored again since');
    // A drop that was killed may have left it under another name: its number tells which it is.
    expect(await refusal(done({ load_options: '{"dropBegun":true}' }))).toBeNull();
    expect(await refusal(done({ new_name: 'another' }))).toBeNull();
    expect(await refusal(done({ server_id: 'db1' }))).toBeNull();
    await other({ ended_at: '2026-01-31T00:00:00.000Z' }).execute();
    expect(await refusal(done())).toBeNull();
    await other({ state: 'finishing', ended_at: null }).execute();
    expect(await refusal(done())).toContain('was restored again since');
    for (const state of ['none', 'removed', 'left'] as const) {
      await other({ state }).execute();
      expect(await refusal(done())).toBeNull();
    }
  });
});
