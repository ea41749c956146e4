import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asWritten } from '../support/as-written.ts';
import type { EndedBackup } from '../support/installation.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

let bed: RestoreBed;
let source: string;
let backup: EndedBackup;
beforeAll(async () => {
  bed = await startRestoreBed();
  source = bed.name('s');
  await bed.postgres.createDatabase(source);
  await bed.postgres.query('CREATE TABLE a (n int); INSERT INTO a VALUES (1), (2)', source);
  backup = await bed.backUpOf(await bed.source(source));
});
afterAll(() => bed.close());

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;

describe('what was restored beside a database', () => {
  it('is dropped by its name, the very one and nobody else’s, and never one that is in use', async () => {
    const newName = bed.name('n');
    const { restore, message } = await bed.restore(backup, { newName });
    expect([message, restore['state']]).toEqual(['', 'done']);
    const drop = (confirm: string, more: object = {}) =>
      bed.app.call('POST', `/api/restores/${restore['id']}/drop`, { confirm, ...more });
    expect(await drop(source)).toMatchObject({ status: 400, body: { field: 'confirm' } });

    const session = new pg.Client({
      ...{ host: '127.0.0.1', port: bed.postgres.port, database: newName },
      ...{ user: bed.postgres.superuser.username, password: bed.postgres.superuser.password },
    });
    await session.connect();
    expect(await drop(newName)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('Somebody uses') },
    });
    await session.end();

    // It has another name by now, and its own is another one's.
    const moved = bed.name('moved');
    await bed.postgres.query(`ALTER DATABASE ${quoted(newName)} RENAME TO ${quoted(moved)}`);
    const other = {
      status: 409,
      body: { message: expect.stringContaining('is not the one that was restored') },
    };
    expect(await drop(newName)).toMatchObject(other);
    await bed.postgres.createDatabase(newName);
    expect(await drop(newName)).toMatchObject(other);
    await bed.postgres.query(`DROP DATABASE ${quoted(newName)}`);
    await bed.postgres.query(`ALTER DATABASE ${quoted(moved)} RENAME TO ${quoted(newName)}`);

    // Somebody goes on with it.
    const registered = await bed.source(newName);
    expect(await drop(newName)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('is registered as the database') },
    });
    await bed.app.call('DELETE', `/api/databases/${registered}`);

    // Somebody has made it a template, which the server does not drop; somebody has written into it, and is gone.
    await bed.postgres.query(`ALTER DATABASE ${quoted(newName)} IS_TEMPLATE true`);
    expect(await drop(newName)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('a template since it was restored') },
    });
    const isTemplate = 'SELECT datistemplate AS is FROM pg_database WHERE datname = current_database()';
    expect(await bed.postgres.query(isTemplate, newName)).toEqual([{ is: true }]);
    await bed.postgres.query(`ALTER DATABASE ${quoted(newName)} IS_TEMPLATE false`);
    await bed.postgres.query('INSERT INTO a VALUES (3)', newName);
    expect(await drop(newName)).toMatchObject({
      status: 409,
      body: { field: 'isUnused', message: expect.stringContaining('somebody has written into') },
    });
    expect(await bed.postgres.query('SELECT count(*)::int AS n FROM a', newName)).toEqual([{ n: 3 }]);

    expect(await bed.databases()).toEqual([newName, source].sort());
    expect(await drop(newName, { isUnused: true })).toMatchObject({ status: 200 });
    expect(await bed.databases()).toEqual([source]);
    expect(await bed.postgres.query('SELECT count(*)::int AS n FROM a', source)).toEqual([{ n: 2 }]);
    expect(await drop(newName)).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('was removed already') },
    });
    const { db } = bed.app.services;
    const audited = await db
      .selectFrom('audit_logs')
      .select('success')
      .where('action', '=', 'restore.drop_restored')
      .orderBy(asWritten(db))
      .execute();
    expect(audited).toEqual([0, 0, 0, 0, 0, 1].map((success) => ({ success })));
  });

  it('is not dropped where the app can’t tell it, such as one of before that was recorded', async () => {
    const newName = bed.name('old');
    const { restore } = await bed.restore(backup, { newName });
    const { db } = bed.app.services;
    await db
      .updateTable('restores')
      .set({ load_options: null })
      .where('id', '=', String(restore['id']))
      .execute();
    const refused = await bed.app.call('POST', `/api/restores/${restore['id']}/drop`, { confirm: newName });
    expect(refused).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('can’t be told from all else') },
    });
    expect(await bed.databases()).toContain(newName);
  });
});
