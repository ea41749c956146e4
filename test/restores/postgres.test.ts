import { existsSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readContents } from '../../src/backups/contents.ts';
import type { Json } from '../support/installation.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import { until } from '../support/until.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

let bed: RestoreBed;
let source: string;
let expected: Awaited<ReturnType<typeof checksums>>;

beforeAll(async () => {
  bed = await startRestoreBed();
  source = bed.name('shop');
  await bed.postgres.createDatabase(source);
  await fillDatabase(bed.postgres, source, 1);
  expected = await checksums(bed.postgres, source);
});
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

describe('a drill of PostgreSQL', () => {
  const drill = async (backupId: string, login = {}) => {
    const { runId } = await bed.app.ask('POST', `/api/backups/${backupId}/drill`, login);
    const { run, restore, message } = await bed.ended(String(runId));
    const tables = restore['tables'] as readonly { expected: number | null; rows: number | null }[];
    return { run, drill: run['drill'] as Json, tables, message };
  };
  const drilled = async () => {
    const rows = await bed.postgres.query('SELECT datname FROM pg_database');
    const names = new Set(rows.map(({ datname }) => String(datname)));
    const own = await bed.app.services.db.selectFrom('restores').select('new_name').execute();
    return own.map(({ new_name }) => new_name).filter((name) => names.has(name));
  };

  it('proves a backup beside its source, which it does not touch, and leaves nothing', async () => {
    const backup = await bed.backUpOf(await bed.source(source, { backupFormat: 'custom' }));
    const proven = await drill(backup.id);
    expect(proven.message).toBe('');
    expect(proven.run['state']).toBe('completed');
    expect(proven.drill).toMatchObject({ outcome: 'proven', restoreMs: expect.any(Number) });
    expect(await drilled()).toEqual([]);
    expect(await checksums(bed.postgres, source)).toEqual(expected);
    // Its rows lie in compressed blocks, which nobody had read: they were counted on the way in, compared, and written down.
    const counts = proven.tables.map(({ expected: rows }) => rows);
    expect(counts.length).toBeGreaterThan(5);
    expect(counts).not.toContain(null);
    expect(proven.tables.map(({ rows }) => rows)).toEqual(counts);
    const known = await readContents(bed.app.services.db, backup.id);
    expect(known?.tables.map(({ rows }) => rows)).toEqual(counts);
    const [first, ...others] = known?.tables ?? [];
    const tables = [{ ...first, rows: null }, ...others.map((of) => ({ ...of, rows: Number(of.rows) + 1 }))];
    const record = (contents: object) =>
      bed.app.services.db
        .updateTable('backups')
        .set({ contents: JSON.stringify(contents) })
        .where('id', '=', backup.id)
        .execute();

    const needs = (more: object) =>
      record({ tables: [], largeObjects: 0, extensions: [], roles: [], ...more });
    for (const [missing, failure] of [
      [{ roles: [`nobody ü"'`] }, 'role'],
      [{ extensions: [`nothing ü"'`] }, 'extension'],
    ] as const) {
      await needs(missing);
      const failed = await drill(backup.id);
      expect(failed.drill).toMatchObject({ outcome: 'failed', failure, says: expect.stringContaining('ü"') });
    }
    const wrong = await drill(backup.id, { username: 'nobody', password: 'typed for this alone' });
    expect(wrong.drill).toMatchObject({ outcome: 'failed', failure: 'other' });
    const { verification } = await bed.app.services.db
      .selectFrom('backups')
      .select('verification')
      .where('id', '=', backup.id)
      .executeTakeFirstOrThrow();
    expect(verification).toBe('drill');

    await needs({});
    const hits = bed.bucket.faults.hits().length;
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'stall', bytes: 2_000 } });
    const { runId } = await bed.app.ask('POST', `/api/backups/${backup.id}/drill`, {});
    await until('the drill to load', 20_000, () => bed.bucket.faults.hits().length > hits);
    await bed.app.ask('POST', `/api/runs/${runId}/cancel`, {});
    const { run: cancelled, restore } = await bed.ended(String(runId));
    expect([cancelled['state'], restore['state']]).toEqual(['cancelled', 'removed']);
    expect(cancelled['drill']).toMatchObject({ outcome: 'cancelled', failure: null });
    expect(await drilled()).toEqual([]);

    await record({ ...known, tables });
    const another = await drill(backup.id);
    expect(another.message).toContain('not the dump that was made');
    expect(await drilled()).toEqual([]);
    // The bytes are those that were made, so the counts were wrong: a second reading writes them anew, and says that it is whole.
    expect(another.drill).toMatchObject({
      ...{ outcome: 'failed', failure: 'other' },
      says: expect.stringContaining('Read a second time the backup is whole'),
    });
    expect((await readContents(bed.app.services.db, backup.id))?.tables.map(({ rows }) => rows)).toEqual(
      counts,
    );
    expect((await drill(backup.id)).drill).toMatchObject({ outcome: 'proven' });
  });
});

describe('a drill on a server that an admin named for it', () => {
  it('is made there, as its login for restores and not as who backs up, and leaves nothing', async () => {
    const { app, sshd } = bed;
    const databaseId = await bed.source(source, { backupFormat: 'plain' });
    const backup = await bed.backUpOf(databaseId);
    const drillServerId = await app.create('server', `/api/environments/${bed.environment}/servers`, {
      ...{ name: `drills ü "1" <b> ${bed.mark}`, hostname: sshd.host, sshPort: sshd.port },
    });
    const login = { ...bed.postgres.superuser, host: 'localhost', port: bed.postgres.port };
    await app.ask('PUT', `/api/servers/${drillServerId}/restore-logins/postgres`, login);
    const schedule = { cronExpression: '0 2 * * *', enabled: true, drillServerId };
    await app.ask('PUT', `/api/databases/${databaseId}/schedule`, schedule);
    // Who backs up could do nothing there.
    await app.services.db
      .updateTable('databases')
      .set({ host: '127.0.0.1', port: 9 })
      .where('id', '=', databaseId)
      .execute();
    const { runId } = await app.ask('POST', `/api/backups/${backup.id}/drill`, {});
    const { run, restore, message } = await bed.ended(String(runId));
    expect([message, run['state']]).toEqual(['', 'completed']);
    expect(run['drill']).toMatchObject({ outcome: 'proven', restoreMs: expect.any(Number) });
    const tables = restore['tables'] as readonly Json[];
    expect(tables.length).toBeGreaterThan(5);
    expect(tables.map(({ rows }) => rows)).toEqual(tables.map(({ expected: rows }) => rows));
    const row = await app.services.db
      .selectFrom('restores')
      .selectAll()
      .where('id', '=', String(runId))
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({
      ...{ server_id: drillServerId, host: 'localhost', port: bed.postgres.port, state: 'removed' },
      new_name: `bp_drill_${row.token}`,
    });
    const names = await bed.postgres.query('SELECT datname FROM pg_database');
    expect(names.map(({ datname }) => datname)).not.toContain(row.new_name);
    expect((await app.ask('GET', `/api/databases/${databaseId}`))['protection']).toMatchObject({
      restorable: { backupId: backup.id },
    });
  });
});

describe('some tables of an archive', () => {
  const ODD = { schema: `s "ü" 😀`, name: `t '<script> *` };
  const NOTES = { schema: 'public', name: 'odd "name" 表; -- $x$ \\. ' };

  it('are restored alone, what is not chosen is not, and what fails leaves nothing', async () => {
    const name = (table: typeof ODD) =>
      `"${table.schema.replaceAll('"', '""')}"."${table.name.replaceAll('"', '""')}"`;
    const parts = bed.name('parts');
    await bed.postgres.createDatabase(parts);
    await fillDatabase(bed.postgres, parts, 1);
    await bed.postgres.query(
      `CREATE SCHEMA "s ""ü"" 😀"; CREATE TABLE ${name(ODD)} (a text PRIMARY KEY); INSERT INTO ${name(ODD)} VALUES ('x'), ('ü');
       CREATE TABLE "s ""ü"" 😀".twin (a int); CREATE TABLE public.twin (a int)`,
      parts,
    );
    const options = { backupFormat: 'custom', backupCompression: 'zstd' };
    const backup = await bed.backUpOf(await bed.source(parts, options));
    const refusal = async (tables: readonly object[]) => {
      const { status, body } = await bed.app.call('POST', `/api/backups/${backup.id}/restore`, { tables });
      return [status, JSON.stringify(body)];
    };
    expect(await refusal([{ schema: 'public', name: 'nobody' }])).toEqual([
      400,
      expect.stringContaining('public.nobody'),
    ]);
    expect(await refusal([ODD, { schema: 'public', name: 'twin' }])).toEqual([
      400,
      expect.stringContaining('in two goes'),
    ]);

    const before = await bed.databases();
    const { run, restore, newName, message } = await bed.restore(backup, { tables: [ODD, NOTES, ODD] });
    expect([message, run['state']]).toEqual(['', 'completed']);
    expect(restore).toMatchObject({
      onlyTables: [ODD, NOTES],
      exists: expect.stringContaining('chosen tables'),
      tables: [
        expect.objectContaining({ rows: 3, expected: 3 }),
        expect.objectContaining({ rows: 2, expected: 2 }),
      ],
    });
    expect(await bed.postgres.query(`SELECT a FROM ${name(ODD)} ORDER BY 1`, newName)).toEqual(
      await bed.postgres.query(`SELECT a FROM ${name(ODD)} ORDER BY 1`, parts),
    );
    await bed.postgres.dropDatabase(newName);
    const proofsOf = async () => (await bed.app.ask('GET', `/api/backups/${backup.id}`))['backup'];
    expect(await proofsOf()).toMatchObject({ proofs: { restored: null } });

    const needsType = await bed.restore(backup, { tables: [{ schema: 'public', name: 'accounts' }] });
    expect(needsType.run['state']).toBe('failed');
    expect(needsType.message).toContain('email');
    // Behind the chosen rows, and before pg_restore has been fed all of it.
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'corrupt' } });
    const damaged = await bed.restore(backup, { tables: [ODD] });
    expect(damaged.restore['state']).toBe('removed');
    expect(await bed.databases()).toEqual(before);
  });
});

describe('a database that is not UTF-8', () => {
  const counted = ({ restore }: { restore: Json }) =>
    (restore['tables'] as readonly Json[]).map(({ schema, name, rows, expected }) => [
      `${schema}.${name}`,
      rows,
      expected,
    ]);

  it('is restored with its names, all of it or some tables, and a partitioned one not empty', async () => {
    const latin = `latin ${bed.mark}`;
    await bed.postgres.query(
      `CREATE DATABASE "${latin}" TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'`,
    );
    await bed.postgres.query(
      `CREATE SCHEMA "straße"; CREATE TABLE "straße"."größe é" (a text); INSERT INTO "straße"."größe é" VALUES ('ÿ'), ('ü');
       ALTER TABLE "straße"."größe é" ENABLE ROW LEVEL SECURITY; CREATE POLICY none ON "straße"."größe é" USING (false);
       GRANT SELECT ON "straße"."größe é" TO public; CREATE VIEW "straße"."sicht ä" AS SELECT 1;
       CREATE SEQUENCE "straße"."zähler"; CREATE TABLE public."zähler" (a int);
       CREATE TABLE "straße"."maß" (a int) PARTITION BY RANGE (a);
       CREATE TABLE "straße"."maß ö" PARTITION OF "straße"."maß" FOR VALUES FROM (1) TO (9); INSERT INTO "straße"."maß" VALUES (1), (2), (3)`,
      latin,
    );
    const all = [
      ['public.zähler', 0, 0],
      ['straße.größe é', 2, 2],
      ['straße.maß', 0, 0],
      ['straße.maß ö', 3, 3],
    ];
    const options = { backupFormat: 'custom', backupCompression: 'zstd' };
    const backup = await bed.backUpOf(await bed.source(latin, options));
    // As it was written down once: a reading in full finds it whole, and mends it.
    const { db } = bed.app.services;
    const known = await readContents(db, backup.id);
    const misread = known?.tables.map((table) => ({ ...table, schema: 'stra\ufffde' }));
    const wrong = JSON.stringify({ ...known, tables: misread, encoding: undefined });
    await db.updateTable('backups').set({ contents: wrong }).where('id', '=', backup.id).execute();
    const { runId } = await bed.app.ask('POST', `/api/backups/${backup.id}/verify`, {});
    const read = await until('the reading to end', 60_000, async () => {
      const { run } = (await bed.app.ask('GET', `/api/runs/${runId}`)) as { run: Json };
      return ['pending', 'running'].includes(String(run['state'])) ? undefined : run;
    });
    expect([read['state'], await readContents(db, backup.id)]).toEqual(['completed', known]);
    const whole = await bed.restore(backup);
    expect([whole.message, counted(whole)]).toEqual(['', all]);
    await bed.postgres.dropDatabase(whole.newName);

    const table = (name: string, schema = 'straße') => ({ schema, name });
    for (const [tables, words] of [
      [[table('maß')], 'Choose these, too: straße.maß ö'],
      [[table('größe é'), table('zähler', 'public')], 'restore straße.zähler with them'],
    ] as const) {
      const { status, body } = await bed.app.call('POST', `/api/backups/${backup.id}/restore`, { tables });
      expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining(words)]);
    }
    const some = await bed.restore(backup, { tables: [table('größe é'), table('maß'), table('maß ö')] });
    expect([some.message, counted(some)]).toEqual(['', all.slice(1)]);
    expect(some.restore['checks']).toEqual(
      expect.arrayContaining([
        {
          name: 'Partitions',
          ok: true,
          isUnknown: false,
          says: expect.stringContaining('straße.maß each comes without rows'),
        },
        { name: 'Roles', ok: true, isUnknown: false, says: 'None are needed.' },
        { name: 'Tables', ok: true, isUnknown: false, says: expect.stringContaining('row security') },
      ]),
    );
    const granted = await bed.postgres.query(
      `SELECT relacl, relrowsecurity FROM pg_class WHERE relname = 'größe é'`,
      some.newName,
    );
    expect(granted).toEqual([{ relacl: null, relrowsecurity: false }]);
    expect(await bed.postgres.query('SELECT a FROM "straße"."größe é" ORDER BY 1', some.newName)).toEqual([
      { a: 'ü' },
      { a: 'ÿ' },
    ]);
    await bed.postgres.dropDatabase(some.newName);

    const plain = await bed.restore(await bed.backUpOf(await bed.source(latin, { backupFormat: 'plain' })));
    expect([plain.message, counted(plain)]).toEqual(['', all]);
    await bed.postgres.dropDatabase(plain.newName);
  });
});

describe('an archive by several jobs', () => {
  it('is all there, and its file on the host is gone, whatever came of it', async () => {
    const backup = await bed.backUpOf(
      await bed.source(source, { backupFormat: 'custom', backupCompression: 'zstd' }),
    );
    const left = async (runId: unknown) => {
      const { token } = await bed.app.services.db
        .selectFrom('restores')
        .select('token')
        .where('id', '=', String(runId))
        .executeTakeFirstOrThrow();
      return existsSync(bed.sshd.hostPath(`/var/tmp/bp_restore_${token}`));
    };
    const before = await bed.databases();
    const { run, restore, newName, message } = await bed.restore(backup, { jobs: 3 });
    expect([message, run['state'], restore['jobs']]).toEqual(['', 'completed', 3]);
    expect(restore['checks']).toContainEqual({
      name: 'Jobs',
      ok: true,
      isUnknown: true,
      says: expect.stringContaining('/var/tmp'),
    });
    expect(await checksums(bed.postgres, newName)).toEqual(expected);
    expect(await left(run['id'])).toBe(false);
    await bed.postgres.dropDatabase(newName);
    // All of it, compared: as good a proof as a drill.
    const proven = await bed.app.ask('GET', `/api/backups/${backup.id}`);
    expect(proven['backup']).toMatchObject({
      verification: 'drill',
      proofs: { restored: expect.any(String) },
    });

    const hits = bed.bucket.faults.hits().length;
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'stall', bytes: 2_000 } });
    const { runId } = await bed.app.ask('POST', `/api/backups/${backup.id}/restore`, { jobs: 2 });
    await until('the restore to load', 20_000, () => bed.bucket.faults.hits().length > hits);
    await until('the file on the host', 20_000, async () => (await left(runId)) || undefined);
    await bed.app.ask('POST', `/api/runs/${runId}/cancel`, {});
    const cancelled = await bed.ended(String(runId));
    expect(cancelled.restore['state']).toBe('removed');
    expect(await left(runId)).toBe(false);
    bed.bucket.faults.clear();

    bed.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'corrupt' } });
    const damaged = await bed.restore(backup, { jobs: 2 });
    expect([damaged.restore['state'], await left(damaged.run['id'])]).toEqual(['removed', false]);
    expect(await bed.databases()).toEqual(before);
    const plain = await bed.backUpOf(await bed.source(source, { backupFormat: 'plain' }));
    const refused = await bed.app.call('POST', `/api/backups/${plain.id}/restore`, { jobs: 2 });
    expect([refused.status, JSON.stringify(refused.body)]).toEqual([
      400,
      expect.stringContaining('custom archives'),
    ]);
  });
});
