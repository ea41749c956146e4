import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { loadOptionsOf } from '../../src/restores/load-options.ts';
import { loadRestore } from '../../src/restores/restores.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { until } from '../support/until.ts';
import type { RestoreBed } from './bed.ts';
import { HARM, HARMLESS, type LiveBed, OWNER, startLiveBed } from './live-bed.ts';

const EVER = Number.POSITIVE_INFINITY;

let live: LiveBed;
let bed: RestoreBed;
let source: string;
let confirm: string;
let databaseId: string;
let backup: EndedBackup;
let backedUp: Json;

beforeAll(async () => {
  live = await startLiveBed();
  ({ bed, source, confirm, databaseId, backup, backedUp } = live);
});

afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

const asOwner = (text: string) => live.asOwner(text);
const contentOf = () => live.contentOf();
const marks = () => live.marks();
const path = () => `/api/backups/${backup.id}/restore`;
const body = (input: Json = {}) => ({
  inPlace: true,
  intoLive: true,
  confirm,
  safetyBackup: false,
  ...input,
});
const replace = (input: Json = {}) => bed.restore(backup, body(input));
const checkOf = (restore: Json, name: string) =>
  (restore['checks'] as Json[]).find((check) => check['name'] === name);
const oidOf = async () =>
  (await asOwner('SELECT oid FROM pg_database WHERE datname = current_database()'))[0];
it('brings back what the backup holds, leaves what it lacks, and is a proof that it can be restored', async () => {
  await asOwner(
    `DELETE FROM a WHERE id > 50; DROP VIEW seen; ALTER TABLE a ADD more int; CREATE TABLE extra AS SELECT 1 AS x`,
  );
  const before = await oidOf();
  const { run, restore, message } = await bed.restore(backup, body({ safetyBackup: true }));
  expect(message).toBe('');
  expect(run).toMatchObject({ state: 'completed', error: null });
  expect(restore).toMatchObject({
    ...{ state: 'done', inPlace: true, intoLive: true, kept: null, safetyBackupId: expect.any(String) },
    ...{ newName: source, exists: expect.stringContaining('what the backup lacks stayed') },
  });
  expect(checkOf(restore, 'What stays')).toMatchObject({
    ok: true,
    says: expect.stringContaining('lacks public.extra, which stays as it is'),
  });
  expect((await asOwner('SELECT x FROM extra'))[0]).toEqual({ x: 1 });
  await asOwner('DROP TABLE extra');
  expect(await contentOf()).toEqual(backedUp);
  expect(await oidOf()).toEqual(before);
  expect((await asOwner(`SELECT count(*)::int AS n FROM pg_largeobject_metadata`))[0]).toEqual({ n: 1 });
  const { backup: proven } = await bed.app.ask('GET', `/api/backups/${backup.id}`);
  expect(proven).toMatchObject({
    ...{ verification: 'drill', restoreMs: expect.any(Number), proofs: { restored: expect.any(String) } },
  });
  const { protection } = await bed.app.ask('GET', `/api/databases/${databaseId}`);
  expect(protection).toMatchObject({ restorable: { backupId: backup.id } });
});

it('is only for archives, in place, and for who may create no database', async () => {
  const { body: refused, status } = await bed.app.call('POST', path(), { intoLive: true });
  expect([status, refused['field']]).toEqual([400, 'intoLive']);
  // A tar that breaks off within its last rows is committed by pg_restore as it is.
  for (const backupFormat of ['plain', 'tar']) {
    const other = await bed.backUpOf(await bed.source(source, { backupFormat, ...OWNER }));
    const asked = await bed.app.call('POST', `/api/backups/${other.id}/restore`, body());
    expect(asked).toMatchObject({ status: 400, body: { field: 'intoLive' } });
  }
  const { message, restore } = await replace({ ...bed.postgres.superuser });
  expect(message).toMatch(/was not begun\. Rights: User “postgres” may create databases/);
  expect(restore['state']).toBe('none');
});

it('says before what would be in the way, and what nobody could see leaves all as it is', async () => {
  await asOwner('CREATE VIEW outside AS SELECT noise FROM a; CREATE TABLE keyed (a int REFERENCES a)');
  const seen = await replace();
  await asOwner('DROP VIEW outside; DROP TABLE keyed');
  expect(seen.message).toContain(
    'What depends on it: public.keyed has a foreign key to public.a; public.outside is a view of public.a.',
  );
  expect(seen.restore['state']).toBe('none');
  await asOwner('CREATE TABLE "s ü".stray (x int)');
  const stray = await replace();
  await asOwner('DROP TABLE "s ü".stray');
  expect(stray.message).toContain('and s ü.stray in them would be in the way');

  await asOwner(
    'DELETE FROM a WHERE id > 3000; CREATE FUNCTION rows_of() RETURNS SETOF a LANGUAGE sql AS $$ SELECT NULL::int, NULL::text $$',
  );
  const before = await contentOf();
  const unseen = await replace();
  await asOwner('DROP FUNCTION rows_of()');
  expect(unseen.run).toMatchObject({ state: 'failed', error: { code: 'conflict', step: 'load' } });
  expect(unseen.message).toMatch(
    /depends on table public\.a in .*nothing is dropped by CASCADE: so all is as it was.*function public\.rows_of\(\) depends on type public\.a\. Command/,
  );
  expect(unseen.restore).toMatchObject({ state: 'removed', kept: null });
  expect(await contentOf()).toEqual(before);
});

it('sends nothing of an archive that was changed, and nothing stays of one that breaks off, changes or is cancelled', async () => {
  await asOwner('CREATE TABLE IF NOT EXISTS mine (x int)');
  const before = [await contentOf(), await marks()];
  const now = async () => [await contentOf(), await marks()];
  const [object] = bed.bucket
    .objects('backups')
    .filter(({ key }) => key.endsWith(String(backup['filename'])));
  expect(object).toBeDefined();

  bed.bucket.faults.add({ match: { operation: 'GetObject' }, times: EVER, fault: { kind: 'corrupt' } });
  const changed = await replace();
  expect(changed.run).toMatchObject({ error: { code: 'storage_mismatch', step: 'look' } });
  expect(changed.message).toMatch(/Nothing of it was sent to the database\. .* is as it was/);
  expect(changed.restore['state']).toBe('none');
  expect(await now()).toEqual(before);
  bed.bucket.faults.clear();

  // The first reading is whole; what comes then is another.
  bed.bucket.faults.add({
    match: { operation: 'GetObject' },
    skip: 1,
    times: EVER,
    fault: { kind: 'corrupt' },
  });
  const meanwhile = await replace();
  expect(meanwhile.run).toMatchObject({ state: 'failed', error: { step: 'load' } });
  expect(meanwhile.restore['state']).toBe('removed');
  expect(await now()).toEqual(before);
  bed.bucket.faults.clear();

  bed.bucket.faults.add({
    match: { operation: 'GetObject' },
    skip: 1,
    times: EVER,
    fault: { kind: 'stall', bytes: 100_000 },
  });
  const { runId } = await bed.app.ask('POST', path(), body());
  await until('the load to have begun', 30_000, async () => {
    const [row] = await bed.postgres.query(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name LIKE 'bp_restore_%'`,
    );
    return Number(row?.['n']) > 0 ? true : undefined;
  });
  await bed.app.ask('POST', `/api/runs/${runId}/cancel`, {});
  const cancelled = await bed.ended(String(runId));
  expect(cancelled.run['state']).toBe('cancelled');
  expect(cancelled.restore['state']).toBe('removed');
  expect(await now()).toEqual(before);
  await asOwner('DROP TABLE mine');
});

it('runs nothing of a forged archive, which would not wait for its end to do harm', async () => {
  await asOwner('CREATE TABLE mine (x int)');
  const before = [await contentOf(), await marks()];
  const { db } = bed.app.services;
  const putBack = await live.forge((bytes) => {
    const at = bytes.indexOf(HARMLESS);
    expect(at).toBeGreaterThan(0);
    return Buffer.concat([bytes.subarray(0, at), Buffer.from(HARM), bytes.subarray(at + HARM.length)]);
  });
  const forged = await replace();
  await putBack();
  expect(forged.run).toMatchObject({ error: { code: 'storage_mismatch', step: 'look' } });
  expect(forged.message).toMatch(/SHA-256 is .* Nothing of it was sent to the database\./);
  expect([await contentOf(), await marks()]).toEqual(before);
  await asOwner('DROP TABLE mine');

  const { sha256 } = await db
    .selectFrom('backups')
    .select('sha256')
    .where('id', '=', backup.id)
    .executeTakeFirstOrThrow();
  await db.updateTable('backups').set({ sha256: null }).where('id', '=', backup.id).execute();
  const unknown = await replace();
  await db.updateTable('backups').set({ sha256 }).where('id', '=', backup.id).execute();
  expect(unknown.message).toContain('The SHA-256 of this backup was not recorded');
  expect(unknown.restore['state']).toBe('none');
});

it('throws out who holds what it replaces where that was said, and gives up on them where not', async () => {
  const idle = live.client();
  const thrownOut = new Promise((resolve) => idle.on('error', resolve));
  await idle.connect();
  await idle.query('BEGIN; SELECT count(*) FROM a');
  const refused = await replace();
  expect(refused.message).toMatch(/was not begun\. Sessions: There is 1 session on/);
  const { message } = await replace({ endSessions: true });
  expect(message).toBe('');
  expect(String(await thrownOut)).toMatch(/terminat/);
  await idle.end().catch(() => {});

  // One that comes behind the look.
  const hits = bed.bucket.faults.hits().length;
  const { promise, resolve } = Promise.withResolvers<void>();
  bed.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'hold', until: promise } });
  const { runId } = await bed.app.ask('POST', path(), body());
  await until('its reading', 20_000, () => bed.bucket.faults.hits().length > hits);
  const late = live.client();
  await late.connect();
  await late.query('BEGIN; SELECT count(*) FROM a');
  const before = await marks();
  resolve();
  const given = await bed.ended(String(runId));
  await late.query('COMMIT');
  await late.end();
  expect(given.message).toMatch(
    /Nothing was changed: for a quarter of a minute o "wner" ü in process \d+ held something .* is as it was/,
  );
  expect(given.restore['state']).toBe('removed');
  expect(await marks()).toEqual(before);
});

it('that has committed with its app gone is compared at the next start, and one that has not is taken back', async () => {
  const runOf = async (id: string) => (await bed.app.ask('GET', `/api/runs/${id}`))['run'];
  const present = await marks();
  expect(await runOf(await live.killed('loading', present))).toMatchObject({
    ...{
      state: 'interrupted',
      restore: { state: 'removed', exists: expect.stringContaining('is as it was') },
    },
  });
  const old = [['public', 'a', 1]];
  expect(await runOf(await live.killed('loading', old))).toMatchObject({
    ...{ state: 'completed', restore: { state: 'done', kept: null } },
  });
  const [here] = await bed.postgres.query(
    `SELECT system_identifier::text AS system, (SELECT oid::text FROM pg_database WHERE datname = current_database()) AS oid FROM pg_control_system()`,
    source,
  );
  const { system, oid } = here ?? {};
  const { restore } = await replace();
  const replaced = await loadRestore(bed.app.services.db, String(restore['id']));
  expect(loadOptionsOf(replaced).madeIn).toBe(`${system} ${oid}`);
  expect(await runOf(await live.killed('loading', old, `${system} ${oid}`))).toMatchObject({
    ...{ state: 'completed', restore: { state: 'done' } },
  });
  await asOwner(`INSERT INTO a (id, noise) VALUES (10001, 'since')`);
  const different = await live.killed('finishing', old);
  expect(await runOf(different)).toMatchObject({
    state: 'failed',
    error: {
      message: expect.stringMatching(
        /public\.a has 4001 rows instead of 4000.*can’t be taken back.*safety backup/,
      ),
    },
    restore: { state: 'done' },
  });
  await asOwner('DELETE FROM a WHERE id = 10001');
  const unknown = [...(await marks()), ['public', 'gone', 7]];
  expect(await runOf(await live.killed('finishing', unknown))).toMatchObject({ state: 'uncertain' });
  // All tables are others in another database, too: one behind the same name, or made anew.
  for (const madeIn of [`${system} 1`, `1 ${oid}`, '- 1']) {
    const elsewhere = await live.killed('loading', old, madeIn);
    expect(await runOf(elsewhere)).toMatchObject({ state: 'uncertain', restore: { state: 'loading' } });
    const { removal_error: why } = await loadRestore(bed.app.services.db, elsewhere);
    expect(why).toContain('Nobody can tell whether the backup was restored into');
  }
});
