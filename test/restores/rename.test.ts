import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/ids.ts';
import { inPlaceRow } from '../../src/restores/ask-in-place.ts';
import { adoptedChecks } from '../../src/restores/ask-rename.ts';
import { hostOutput } from '../../src/restores/host-output.ts';
import { loadOptionsOf } from '../../src/restores/load-options.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from '../../src/restores/open-target.ts';
import { removeMade } from '../../src/restores/remove-made.ts';
import { loadRestore } from '../../src/restores/restores.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

let bed: RestoreBed;
let source: string;
let databaseId: string;
let confirm: string;
let backup: EndedBackup;
beforeAll(async () => {
  bed = await startRestoreBed();
  source = bed.name('s');
  await bed.postgres.createDatabase(source);
  await bed.postgres.query('CREATE TABLE a (n int); INSERT INTO a VALUES (1), (2)', source);
  databaseId = await bed.source(source);
  const { database } = await bed.app.ask('GET', `/api/databases/${databaseId}`);
  confirm = String((database as Json)['name']);
  backup = await bed.backUpOf(databaseId);
});
afterAll(() => bed.close());

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const rowsOf = async (name: string) =>
  (await bed.postgres.query('SELECT n FROM a ORDER BY n', name)).map(({ n }) => n);

/** By which name is which, and whose it is. */
async function oidOf(name: string): Promise<unknown> {
  const found = await bed.postgres.query(
    `SELECT oid::int, pg_get_userbyid(datdba) AS owner, datconnlimit FROM pg_database WHERE datname = '${name.replaceAll("'", "''")}'`,
  );
  return found[0] ?? null;
}

/** Grants as they come to, settings of the database and of roles in it, and its comment. */
async function settingsOf(name: string): Promise<unknown> {
  return bed.postgres.query(
    `SELECT array(SELECT a.grantee || a.privilege_type FROM aclexplode(coalesce(datacl, acldefault('d', datdba))) a ORDER BY 1) AS grants,
      array(SELECT setrole || setconfig::text FROM pg_db_role_setting WHERE setdatabase = d.oid ORDER BY 1) AS settings,
      shobj_description(d.oid, 'pg_database') AS comment
      FROM pg_database d WHERE datname = '${name.replaceAll("'", "''")}'`,
  );
}

async function beside(what: string): Promise<{ readonly id: string; readonly name: string }> {
  const { restore, message } = await bed.restore(backup, { newName: bed.name(what) });
  expect(message).toBe('');
  return { id: String(restore['id']), name: String(restore['newName']) };
}

const rename = (id: string, body: Json) =>
  bed.app.call('POST', `/api/restores/${id}/rename`, { confirm, safetyBackup: false, ...body });

async function session(name: string): Promise<pg.Client> {
  const { superuser, port } = bed.postgres;
  const { username: user, password } = superuser;
  const client = new pg.Client({ host: '127.0.0.1', port, user, password, database: name });
  client.on('error', () => {});
  await client.connect();
  return client;
}

describe('what was restored beside a database', () => {
  it('takes its place as it is by now, with its owner and settings, and keeps what was there', async () => {
    const { id, name } = await beside('now');
    await bed.postgres.query('INSERT INTO a VALUES (3)', name);
    await bed.postgres.query(
      `ALTER DATABASE ${quoted(source)} OWNER TO pg_monitor; ALTER DATABASE ${quoted(source)} CONNECTION LIMIT 7`,
    );
    // Somebody has looked at it, and closed it off meanwhile: that must not come with it.
    await bed.postgres.query(`ALTER DATABASE ${quoted(name)} SET default_transaction_read_only = on;
      ALTER ROLE CURRENT_USER IN DATABASE ${quoted(name)} SET work_mem = '1MB';
      ALTER DATABASE ${quoted(name)} CONNECTION LIMIT 3; COMMENT ON DATABASE ${quoted(name)} IS 'looked at';
      REVOKE CONNECT ON DATABASE ${quoted(name)} FROM PUBLIC; GRANT CREATE ON DATABASE ${quoted(name)} TO pg_read_all_data`);
    const [live, made] = (await Promise.all([oidOf(source), oidOf(name)])) as { readonly oid: number }[];
    expect(await rename(id, { confirm: source })).toMatchObject({ status: 400, body: { field: 'confirm' } });
    const asked = await rename(id, { safetyBackup: true });
    expect(asked).toMatchObject({ status: 200 });
    const { run, restore, message } = await bed.ended(String(asked.body['runId']));
    expect([message, run['state'], restore['state']]).toEqual(['', 'completed', 'done']);
    expect(restore).toMatchObject({ inPlace: true, newName: source, safetyBackupId: expect.any(String) });
    const keptName = String((restore['kept'] as Json)['name']);
    expect(await oidOf(source)).toEqual({ oid: made?.oid, owner: 'pg_monitor', datconnlimit: 7 });
    expect(await oidOf(keptName)).toEqual({ ...live });
    expect(await settingsOf(source)).toEqual(await settingsOf(keptName));
    expect([await rowsOf(source), await rowsOf(keptName)]).toEqual([
      [1, 2, 3],
      [1, 2],
    ]);
    expect(await bed.databases()).toEqual([keptName, source].sort());
    const audited = await bed.app.services.db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'restore')
      .where('details', 'like', '%"adopts"%')
      .execute();
    expect(audited).toEqual([{ details: expect.stringContaining('"inPlace":true') }]);
    // It is neither there to be dropped nor to be renamed once more.
    const drop = await bed.app.call('POST', `/api/restores/${id}/drop`, { confirm: name });
    expect(drop).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('is the database itself') },
    });
    expect(await rename(id, {})).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('has taken the place of its database already') },
    });
    const beforehand = (await bed.app.ask('GET', `/api/restores/${id}`))['restore'] as Json;
    expect(beforehand['exists']).toBe(`“${name}” has taken the place of its database.`);
    expect(await oidOf(source)).toMatchObject({ oid: made?.oid });
    // Somebody goes back by hand: then nothing is kept any more, and what was restored stands beside it again.
    const swapBack = `BEGIN; ALTER DATABASE ${quoted(source)} RENAME TO ${quoted(name)};
      ALTER DATABASE ${quoted(keptName)} RENAME TO ${quoted(source)}; COMMIT`;
    await bed.postgres.query(swapBack);
    const settled = await bed.app.ask('POST', `/api/restores/${restore['id']}/drop-kept`, {
      confirm: keptName,
    });
    expect(settled).toMatchObject({ success: true, outcome: 'taken-back' });
    const back = (await bed.app.ask('GET', `/api/restores/${restore['id']}`))['restore'] as Json;
    expect(back).toMatchObject({
      kept: { state: 'taken-back', droppedAt: null },
      exists: expect.stringContaining('it is what was there before again'),
    });
    expect([await oidOf(source), await rowsOf(name)]).toEqual([live, [1, 2, 3]]);
    const again = `/api/restores/${restore['id']}/drop-kept`;
    expect(await bed.app.call('POST', again, { confirm: keptName })).toMatchObject({ status: 409 });
    // What was written into it is dropped for whoever says so alone.
    const dropBeside = (more: Json) =>
      bed.app.call('POST', `/api/restores/${id}/drop`, { confirm: name, ...more });
    expect(await dropBeside({})).toMatchObject({ status: 409, body: { field: 'isUnused' } });
    expect(await dropBeside({ isUnused: true })).toMatchObject({ status: 200 });
    expect(await bed.databases()).toEqual([source]);
  });

  it('stays beside it, whole and by its name, where somebody is connected to either of the two', async () => {
    const { id, name } = await beside('in use');
    for (const [used, words] of [
      [source, 'Sessions: There is 1 session'],
      [name, 'Somebody uses'],
    ] as const) {
      const client = await session(used);
      const before = [await oidOf(source), await oidOf(name)];
      const asked = await rename(id, {});
      expect(asked).toMatchObject({ status: 200 });
      const { run, restore, message } = await bed.ended(String(asked.body['runId']));
      expect([run['state'], message]).toEqual(['failed', expect.stringContaining(words)]);
      expect(restore['exists']).toBe(`Nothing was renamed: “${source}” is as it was.`);
      expect([await oidOf(source), await oidOf(name)]).toEqual(before);
      await client.end();
    }
    expect(await rowsOf(name)).toEqual([1, 2]);
    // Somebody has renamed it, and another one has its name: that is not the one that was restored.
    const moved = bed.name('moved');
    await bed.postgres.query(`ALTER DATABASE ${quoted(name)} RENAME TO ${quoted(moved)}`);
    await bed.postgres.createDatabase(name);
    const before = [await oidOf(source), await oidOf(name), await oidOf(moved)];
    const { message } = await bed.ended(String((await rename(id, {})).body['runId']));
    expect(message).toContain(`is called “${moved}” by now`);
    expect([await oidOf(source), await oidOf(name), await oidOf(moved)]).toEqual(before);
    await bed.postgres.dropDatabase(moved);
    const last = String((await rename(id, {})).body['runId']);
    const { message: gone } = await bed.ended(last);
    expect(gone).toContain('is not there any more');
    expect([await oidOf(source), await oidOf(name)]).toEqual(before.slice(0, 2));
    // Somebody goes on with what has its name.
    await bed.source(name);
    expect(await rename(id, {})).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('is registered as the database') },
    });
    // Meanwhile, too.
    const { db } = bed.app.services;
    expect(await adoptedChecks(db, await loadRestore(db, last))).toMatchObject([{ ok: false }]);
  });

  it('gets its name back where its app did not survive the taking, and never behind the swap', async () => {
    const { id, name } = await beside('killed');
    const { services } = bed.app;
    const { db } = services;
    const database = await db
      .selectFrom('databases')
      .selectAll()
      .where('id', '=', databaseId)
      .executeTakeFirstOrThrow();
    const before = await oidOf(source);
    const adopts = { restoreId: id, name, id: loadOptionsOf(await loadRestore(db, id)).made ?? '' };
    const actor = { userId: null, address: null } as never;
    const wanted = { id: newId(), backupId: backup.id, database, newName: source, input: {}, adopts };
    const made = await inPlaceRow(services, { ...wanted, actor, at: new Date() });
    const row = { ...made, replaced_id: String((before as Json)['oid']) };
    const signal = AbortSignal.timeout(60_000);
    const run = async (which: 'create' | 'swap', by = row) => {
      const { host, plan } = await openRestoreTarget(services, by, UNKNOWN_DUMP, 'person');
      const command = which === 'create' ? plan.create : plan.swap?.swap(row.replaced_id);
      if (command === undefined) throw new Error('nothing is swapped');
      try {
        await hostOutput(host, command, { signal, name: which, explain: plan.explain });
      } finally {
        await host.close();
      }
    };
    const restored = await oidOf(name);
    await run('create');
    expect(await oidOf(name)).toBeNull();
    // Its name is another's meanwhile.
    await bed.postgres.createDatabase(name);
    const work = `bp_restore_${row.token}`;
    expect((await removeMade(services, row, signal, 'person'))?.message).toContain(
      `is there, whole, and called ${work}`,
    );
    expect(await oidOf(work)).toEqual(restored);
    await bed.postgres.dropDatabase(name);
    for (const _ of [1, 2]) {
      expect(await removeMade(services, row, signal, 'person')).toBeNull();
      expect([await rowsOf(name), await oidOf(name), await oidOf(source)]).toEqual([
        [1, 2],
        restored,
        before,
      ]);
    }
    // One of that name that is not it is not taken, whatever the look said before.
    const other = { ...row, load_options: JSON.stringify({ adopts: { ...adopts, id: row.replaced_id } }) };
    await expect(run('create', other)).rejects.toThrow('Nothing was renamed');
    // Somebody came in between: it is told of that one, and not of the database in use.
    const client = await session(name);
    await expect(run('create')).rejects.toThrow(`Nothing was renamed: somebody uses database "${name}"`);
    await client.end();
    expect([await oidOf(name), await oidOf(source)]).toEqual([restored, before]);
    await run('create');
    await run('swap');
    expect((await removeMade(services, row, signal, 'person'))?.message).toContain('has taken the place of');
    expect([await rowsOf(source), await oidOf(name)]).toEqual([[1, 2], null]);
    expect(await oidOf(row.kept_name ?? '')).toEqual(before);
  });

  it('is refused where it is not all of the database, or on another server', async () => {
    const { id, name } = await beside('part');
    const { db } = bed.app.services;
    const row = await loadRestore(db, id);
    const say = (load_options: string) =>
      db.updateTable('restores').set({ load_options }).where('id', '=', id).execute();
    const known = loadOptionsOf(row);
    await say(JSON.stringify({ ...known, tables: [{ schema: 'public', name: 'a' }] }));
    expect(await rename(id, {})).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('some tables alone') },
    });
    await say(JSON.stringify(known));
    const ofBackup = db.updateTable('backups').where('id', '=', backup.id);
    await ofBackup.set({ deleted_at: new Date().toISOString() }).execute();
    expect(await rename(id, {})).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('Swap the two on the server by hand') },
    });
    await ofBackup.set({ deleted_at: null }).execute();
    await db.updateTable('restores').set({ host: 'elsewhere' }).where('id', '=', id).execute();
    expect(await rename(id, {})).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('on another server') },
    });
    // Nobody has written into it, which needs no word of anybody.
    await db.updateTable('restores').set({ host: row.host }).where('id', '=', id).execute();
    await bed.app.ask('POST', `/api/restores/${id}/drop`, { confirm: name });
    expect(await oidOf(name)).toBeNull();
  });
});
