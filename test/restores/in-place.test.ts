import { chown, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RestoreRow } from '../../src/db/schema.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import { asWritten } from '../support/as-written.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { checksums } from '../support/postgres-data.ts';
import { restoreRow } from '../support/restore-row.ts';
import { until } from '../support/until.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

const EVER = Number.POSITIVE_INFINITY;

let bed: RestoreBed;
let source: string;
let databaseId: string;
let confirm: string;
let backup: EndedBackup;
let backedUp: Awaited<ReturnType<typeof checksums>>;

beforeAll(async () => {
  bed = await startRestoreBed();
  source = bed.name('shop <script> $x$');
  await bed.postgres.createDatabase(source);
  await bed.postgres.query(
    `CREATE TABLE a AS SELECT g AS id, md5(g::text) AS noise FROM generate_series(1, 4000) g;
     CREATE TABLE "b ü" (id int PRIMARY KEY, t text); INSERT INTO "b ü" VALUES (1, 'ü'), (2, NULL)`,
    source,
  );
  databaseId = await bed.source(source, { backupFormat: 'plain', backupCompression: 'none' });
  ({ name: confirm } = await nameOf(databaseId));
  backup = await bed.backUpOf(databaseId);
  backedUp = await checksums(bed.postgres, source);
});
afterEach(() => bed.bucket.faults.clear());
afterAll(async () => {
  for (const name of await kept()) await bed.postgres.query(`DROP DATABASE ${quoted(name)}`);
  await bed.close();
});

const nameOf = (id: string) =>
  bed.app.services.db.selectFrom('databases').select('name').where('id', '=', id).executeTakeFirstOrThrow();
const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
const kept = async () => (await bed.databases()).filter((name) => name.includes('_before_'));

async function oidOf(name: string): Promise<number | undefined> {
  const rows = await bed.postgres.query('SELECT oid::int, datname FROM pg_database');
  const found = rows.find(({ datname }) => datname === name)?.['oid'];
  return found === undefined ? undefined : Number(found);
}

const path = () => `/api/backups/${backup.id}/restore`;
const replace = (input: Json = {}) => bed.restore(backup, { inPlace: true, confirm, ...input });

/** All that a database has beside what is in it; the grants in any order. */
async function settingsOf(name: string): Promise<Json> {
  const [row] = await bed.postgres.query(
    `SELECT pg_get_userbyid(d.datdba) AS owner, d.encoding, d.datcollate, d.datctype, d.datconnlimit, d.datistemplate, d.datallowconn,
       d.dattablespace, shobj_description(d.oid, 'pg_database') AS comment,
       (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(d.datacl) a) AS grants,
       (SELECT json_agg(json_build_array(s.setrole::regrole, s.setconfig) ORDER BY s.setrole) FROM pg_db_role_setting s
         WHERE s.setdatabase = d.oid) AS settings
     FROM pg_database d WHERE d.datname = current_database()`,
    name,
  );
  return row as Json;
}

describe('a restore in place', () => {
  it('takes the place of the database with all that this has, and keeps it until it is dropped by its name', async () => {
    const name = quoted(source);
    await bed.postgres.query(`INSERT INTO a VALUES (0, 'later'); DROP TABLE "b ü"`, source);
    await bed.postgres.query(`ALTER DATABASE ${name} OWNER TO pg_monitor`);
    await bed.postgres.query(
      `ALTER DATABASE ${name} CONNECTION LIMIT 7;
       ALTER DATABASE ${name} SET search_path TO "$user", 'odd "ü, x', public;
       ALTER DATABASE ${name} SET "odd.setting" TO 'it''s = $x$ "<script>"';
       ALTER DATABASE ${name} SET default_transaction_read_only TO on;
       ALTER ROLE postgres IN DATABASE ${name} SET work_mem TO '7MB';
       COMMENT ON DATABASE ${name} IS 'it''s ü "😀"';
       REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
       GRANT CONNECT ON DATABASE ${name} TO pg_read_all_data WITH GRANT OPTION`,
    );
    const [settings, replaced, later] = [
      await settingsOf(source),
      await oidOf(source),
      await checksums(bed.postgres, source),
    ];
    expect(later).not.toEqual(backedUp);

    const { run, restore, message } = await replace();
    expect(message).toBe('');
    expect(run).toMatchObject({ kind: 'restore', state: 'completed' });
    expect(restore).toMatchObject({
      ...{ newName: source, state: 'done', inPlace: true, safetyBackupId: expect.any(String) },
      kept: { name: expect.stringMatching(/_before_\d{14}$/), state: 'kept', droppedAt: null },
      exists: expect.stringContaining('is kept as'),
    });
    const keptName = String((restore['kept'] as Json)['name']);
    expect(await checksums(bed.postgres, source)).toEqual(backedUp);
    expect(await settingsOf(source)).toEqual(settings);
    expect(await oidOf(keptName)).toBe(replaced);
    expect(await checksums(bed.postgres, keptName)).toEqual(later);
    const safety = (await bed.app.ask('GET', `/api/backups/${restore['safetyBackupId']}`))['backup'] as Json;
    expect(safety).toMatchObject({ status: 'completed', databaseId });

    const drop = `/api/restores/${restore['id']}/drop-kept`;
    const listed = async () =>
      ((await bed.app.ask('GET', '/api/restores?kept=true'))['restores'] as Json[]).map(({ id }) => id);
    expect(await listed()).toEqual([restore['id']]);
    expect(await bed.app.call('POST', drop, { confirm: source })).toMatchObject({
      status: 400,
      body: { field: 'confirm' },
    });
    // Somebody goes on with it, and nobody is connected at this moment.
    const goesOn = await bed.source(keptName);
    expect(await bed.app.call('POST', drop, { confirm: keptName })).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('is registered as the database') },
    });
    await bed.app.call('DELETE', `/api/databases/${goesOn}`);
    expect(await kept()).toEqual([keptName]);
    // Its safety backup has all of it but what was written since: damaged, it is none.
    const { db } = bed.app.services;
    const ofSafety = db.updateTable('backups').where('id', '=', String(restore['safetyBackupId']));
    await ofSafety.set({ verification: 'failed' }).execute();
    expect(await bed.app.call('POST', drop, { confirm: keptName })).toMatchObject({
      status: 400,
      body: { field: 'isOnlyCopy', message: expect.stringContaining('is the only copy') },
    });
    await ofSafety.set({ verification: 'stored' }).execute();
    expect(await bed.app.ask('POST', drop, { confirm: keptName })).toMatchObject({ outcome: 'dropped' });
    expect(await kept()).toEqual([]);
    expect(await listed()).toEqual([]);
    expect(await bed.app.call('POST', drop, { confirm: keptName })).toMatchObject({ status: 409 });
    const audited = await bed.app.services.db
      .selectFrom('audit_logs')
      .select(['action', 'success'])
      .where('action', 'in', ['restore', 'restore.drop_kept'])
      .orderBy(asWritten(bed.app.services.db))
      .execute();
    expect(audited).toEqual([
      { action: 'restore', success: 1 },
      { action: 'restore.drop_kept', success: 0 },
      { action: 'restore.drop_kept', success: 1 },
    ]);
    await bed.postgres.query(`ALTER DATABASE ${name} RESET ALL`);
  });

  it('of an archive keeps encoding, locale and tablespace that are not the usual ones of its server', async () => {
    const space = `space ü "x" ${bed.mark}`;
    const latin = `latin ${bed.mark}`;
    const { postgres } = bed;
    const location = join(postgres.folder, `tablespace ${bed.mark}`);
    await mkdir(location, { mode: 0o700 });
    const { uid, gid } = await stat(join(postgres.folder, 'data'));
    await chown(location, uid, gid);
    await postgres.query(`CREATE TABLESPACE ${quoted(space)} LOCATION '${location}'`);
    try {
      await postgres.query(
        `CREATE DATABASE ${quoted(latin)} TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TABLESPACE ${quoted(space)}`,
      );
      await postgres.query(
        `CREATE TABLE "größe é" AS SELECT g AS id, 'ÿ' || g AS t FROM generate_series(1, 500) g; ALTER TABLE "größe é" ADD PRIMARY KEY (id)`,
        latin,
      );
      const options = { name: `latin "ü" <b>`, backupFormat: 'custom', backupCompression: 'zstd' };
      const id = await bed.source(latin, options);
      const archive = await bed.backUpOf(id);
      const content = await checksums(postgres, latin);
      await postgres.query('DELETE FROM "größe é" WHERE id > 7', latin);
      const [settings, replaced] = [await settingsOf(latin), await oidOf(latin)];
      // As made, and not as what a server of the tests has.
      expect(settings).toMatchObject({ encoding: 8, datcollate: 'C', datctype: 'C' });
      const usual = await settingsOf('postgres');
      expect(usual['encoding']).not.toBe(settings['encoding']);
      expect(usual['dattablespace']).not.toBe(settings['dattablespace']);

      const { name } = await nameOf(id);
      const { restore, message } = await bed.restore(archive, {
        ...{ inPlace: true, confirm: name, safetyBackup: false },
      });
      expect([message, restore['state']]).toEqual(['', 'done']);
      expect(await settingsOf(latin)).toEqual(settings);
      expect(await oidOf(latin)).not.toBe(replaced);
      expect(await checksums(postgres, latin)).toEqual(content);
      expect(
        await postgres.query(`SELECT count(*)::int AS n FROM pg_stats WHERE schemaname = 'public'`, latin),
      ).toEqual([{ n: 2 }]);
      const { name: keptName } = restore['kept'] as Json;
      expect(await oidOf(String(keptName))).toBe(replaced);
      const drop = `/api/restores/${restore['id']}/drop-kept`;
      expect(await bed.app.call('POST', drop, { confirm: keptName })).toMatchObject({
        status: 400,
        body: { field: 'isOnlyCopy' },
      });
      expect(await oidOf(String(keptName))).toBe(replaced);
      await bed.app.ask('POST', drop, { confirm: keptName, isOnlyCopy: true });
      expect(await kept()).toEqual([]);
    } finally {
      await postgres.dropDatabase(latin);
      await postgres.query(`DROP TABLESPACE ${quoted(space)}`);
      await rm(location, { recursive: true });
    }
  });

  it('is asked for with the name of the database and of nothing else, and once at a time', async () => {
    const refusals: readonly [Json, string][] = [
      [{ inPlace: true }, 'confirm'],
      [{ inPlace: true, confirm: `${confirm} ` }, 'confirm'],
      [{ inPlace: true, confirm, newName: 'x' }, 'newName'],
      [{ inPlace: true, confirm, port: 5432 }, 'port'],
      [{ endSessions: true }, 'endSessions'],
    ];
    for (const [body, field] of refusals) {
      expect(await bed.app.call('POST', path(), body)).toMatchObject({ status: 400, body: { field } });
    }
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, times: EVER, fault: { kind: 'hang' } });
    const body = { inPlace: true, confirm, safetyBackup: false };
    const asked = await Promise.all([1, 2].map(() => bed.app.call('POST', path(), body)));
    expect(asked.map(({ status }) => status).sort()).toEqual([200, 409]);
    const runId = String(asked.find(({ status }) => status === 200)?.body['runId']);
    await bed.app.ask('POST', `/api/runs/${runId}/cancel`, {});
    expect((await bed.ended(runId)).run['state']).toBe('cancelled');
    expect(await bed.databases()).toEqual([source]);
  });
});

describe('who is connected', () => {
  let session: pg.Client;
  let ended: Promise<unknown>;
  beforeEach(async () => {
    const { superuser, port } = bed.postgres;
    const { username: user, password } = superuser;
    session = new pg.Client({ host: '127.0.0.1', port, user, password, database: source });
    ended = new Promise((resolve) => session.on('error', resolve));
    await session.connect();
  });
  afterEach(() => session.end().catch(() => {}));

  it('is told of before anything is made, and thrown out where that was said', async () => {
    const before = await oidOf(source);
    const refused = await replace({ safetyBackup: false });
    expect(refused.message).toMatch(/was not begun\. Sessions: There is 1 session on .*\(postgres: 1\)/);
    expect(refused.restore['state']).toBe('none');
    expect(await oidOf(source)).toBe(before);

    const { message, restore } = await replace({ safetyBackup: false, endSessions: true });
    expect(message).toBe('');
    expect(String(await ended)).toMatch(/terminating connection|terminated unexpectedly/);
    expect(await checksums(bed.postgres, source)).toEqual(backedUp);
    await bed.app.ask('POST', `/api/restores/${restore['id']}/drop-kept`, {
      confirm: (restore['kept'] as Json)['name'],
      isOnlyCopy: true,
    });
  });
});

describe('what fails', () => {
  let before: readonly unknown[];
  const now = async () => [await bed.databases(), await oidOf(source), await checksums(bed.postgres, source)];
  beforeEach(async () => {
    before = await now();
  });

  it('before it is begun leaves the database as it is: its safety backup', async () => {
    const fault = { kind: 'status', status: 403, code: 'AccessDenied' } as const;
    bed.bucket.faults.add({ match: { operation: 'PutObject' }, times: EVER, fault });
    bed.bucket.faults.add({ match: { operation: 'CreateMultipartUpload' }, times: EVER, fault });
    const { run, restore, message } = await replace();
    expect(run['state']).toBe('failed');
    expect(message).toMatch(/was not begun\. Safety backup: .*did not come about.* is as it was/);
    expect(restore).toMatchObject({ state: 'none', kept: null });
    expect(await now()).toEqual(before);
  });

  it('where the settings name another database by the time that it runs', async () => {
    const { db, runs } = bed.app.services;
    const other = bed.name('another "<b>"');
    await bed.postgres.createDatabase(other);
    const like = await db
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', backup.id)
      .executeTakeFirstOrThrow();
    const set = (values: object) =>
      db.updateTable('databases').set(values).where('id', '=', databaseId).execute();
    const right = { database_name: source, host: '127.0.0.1', port: bed.postgres.port };
    before = await now();
    const changes = [
      [{ database_name: other }, true],
      [{ host: 'localhost' }, false],
      [{ port: 9 }, false],
    ] as const;
    for (const [change, safetyBackup] of changes) {
      // What runs in its lane has it wait.
      const first = {
        ...like,
        id: `first ${safetyBackup} ${Object.keys(change)}`,
        state: 'running',
      } as const;
      const lease = { claimed_by: 'another', lease_until: new Date(Date.now() + 600_000).toISOString() };
      await db
        .insertInto('runs')
        .values({ ...first, ...lease, ended_at: null })
        .execute();
      const { runId } = await bed.app.ask('POST', path(), { inPlace: true, confirm, safetyBackup });
      await set(change);
      await db.deleteFrom('runs').where('id', '=', first.id).execute();
      runs.wake();
      const { run, restore, message } = await bed.ended(String(runId));
      expect(run).toMatchObject({ state: 'failed', error: { code: 'conflict', step: 'look' } });
      expect(message).toMatch(/was not begun\. Settings: .*have changed since .* is as it was/);
      expect(message).toContain(`“${source}” at 127.0.0.1:${bed.postgres.port}, and they name “`);
      expect(restore).toMatchObject({ state: 'none', kept: null });
      await set(right);
      expect(await now()).toEqual(before);
    }
    await bed.postgres.dropDatabase(other);
  });

  it('while it loads leaves the database as it is', async () => {
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, times: EVER, fault: { kind: 'corrupt' } });
    const { run, restore, message } = await replace({ safetyBackup: false });
    expect(run).toMatchObject({ state: 'failed', error: { step: 'load' } });
    expect(message).toContain('is as it was');
    expect(restore).toMatchObject({ state: 'removed', kept: null });
    expect(await now()).toEqual(before);
  });
});

describe('one whose app was killed in the swap', () => {
  let count = 0;

  /** As a kill leaves it: what was restored is there, and what it replaces is recorded. */
  async function killed(run: Json = {}): Promise<RestoreRow> {
    const { db, vault } = bed.app.services;
    count += 1;
    const id = `swap-${count}`;
    const login = JSON.stringify(bed.postgres.superuser);
    const token = `${bed.mark.replaceAll(/\W/g, '')}s${count}`;
    const row = restoreRow({
      ...{
        id,
        backup_id: backup.id,
        database_id: databaseId,
        database_name: source,
        new_name: source,
        token,
      },
      ...{ credentials: await vault.seal(login, SEALED.restoreCredentials.identity(id)) },
      ...{ server_id: bed.server, port: bed.postgres.port, state: 'finishing', in_place: 1 },
      ...{ kept_name: `x ${bed.mark}_before_${count}`, replaced_id: String(await oidOf(source)) },
      ...{ load_options: JSON.stringify({ swapAt: new Date().toISOString() }) },
    });
    await bed.postgres.query(`CREATE DATABASE bp_restore_${token}`);
    const like = await db
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', backup.id)
      .executeTakeFirstOrThrow();
    await db.insertInto('restores').values(row).execute();
    await db
      .insertInto('runs')
      .values({
        ...like,
        ...{ id, kind: 'restore', lane: `swap:${id}`, state: 'running', ended_at: null },
        ...{ claimed_by: 'dead', lease_until: new Date(0).toISOString() },
        ...run,
      })
      .execute();
    return row;
  }

  async function repaired({ id }: RestoreRow) {
    const { db } = bed.app.services;
    await until('its repair', 60_000, async () => {
      const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      return row.state === 'running' || row.claimed_by !== null ? undefined : row;
    });
    return (await bed.app.ask('GET', `/api/runs/${id}`))['run'];
  }

  it('is ended, or goes where it was cancelled; and the name is never nobody’s', async () => {
    const at = new Date().toISOString();
    const cancelled = await killed({ cancel_requested_at: at });
    const before = [await oidOf(source), await checksums(bed.postgres, source)];
    expect(await repaired(cancelled)).toMatchObject({
      state: 'cancelled',
      restore: { state: 'removed', kept: null },
    });
    expect([await oidOf(source), await checksums(bed.postgres, source)]).toEqual(before);
    expect(await bed.databases()).toEqual([source]);

    const row = await killed();
    expect(await repaired(row)).toMatchObject({
      state: 'completed',
      restore: { state: 'done', kept: { name: row.kept_name, state: 'kept' } },
    });
    expect(await oidOf(String(row.kept_name))).toBe(before[0]);
    expect(await bed.databases()).toEqual([source, row.kept_name].sort());
  });
});
