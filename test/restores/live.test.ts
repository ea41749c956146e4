import { Readable } from 'node:stream';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import type { RestoreRow } from '../../src/db/schema.ts';
import { SEALED } from '../../src/secrets/sealed.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { startPostgres } from '../support/postgres.ts';
import { checksums } from '../support/postgres-data.ts';
import { restoreRow } from '../support/restore-row.ts';
import { until } from '../support/until.ts';
import { type RestoreBed, startRestoreBed } from './bed.ts';

const EVER = Number.POSITIVE_INFINITY;
/** Of the database's owner, who may create none. */
const OWNER = { username: 'o "wner" ü', password: "p'w $x 😀" };
/** Of one length: in the body of a function, which ends with the second. */
const [HARMLESS, HARM] = ['_ends with nothing, and does no harm', `'$$;COMMIT;DROP TABLE public.mine;--`];
vi.setConfig({ testTimeout: 120_000 });

let bed: RestoreBed;
let source: string;
let confirm: string;
let databaseId: string;
let backup: EndedBackup;
let backedUp: Json;

beforeAll(async () => {
  bed = await startRestoreBed(startPostgres);
  const { postgres } = bed;
  source = bed.name(`live = 'x' host=y`);
  await postgres.createDatabase(source);
  const owner = pg.escapeIdentifier(OWNER.username);
  await postgres.query(`CREATE ROLE ${owner} LOGIN PASSWORD ${pg.escapeLiteral(OWNER.password)}`);
  await postgres.query(`ALTER DATABASE ${pg.escapeIdentifier(source)} OWNER TO ${owner}`);
  await asOwner(
    `CREATE SCHEMA "s ü";
     CREATE TABLE a (id serial PRIMARY KEY, noise text); CREATE INDEX ON a (noise);
     INSERT INTO a (noise) SELECT md5(g::text) FROM generate_series(1, 4000) g;
     CREATE TABLE "s ü"."b 😀" (id int PRIMARY KEY, a int REFERENCES a);
     INSERT INTO "s ü"."b 😀" SELECT g, g FROM generate_series(1, 50) g;
     CREATE VIEW seen AS SELECT a.id, noise FROM a JOIN "s ü"."b 😀" b ON b.a = a.id;
     CREATE FUNCTION says() RETURNS text LANGUAGE sql AS $$ SELECT '${HARMLESS}'::text $$;
     SELECT lo_from_bytea(0, 'large')`,
  );
  databaseId = await bed.source(source, { backupFormat: 'custom', backupCompression: 'none', ...OWNER });
  ({ name: confirm } = await bed.app.services.db
    .selectFrom('databases')
    .select('name')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow());
  backup = await bed.backUpOf(databaseId);
  backedUp = await contentOf();
}, 120_000);
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

async function asOwner(text: string): Promise<readonly Json[]> {
  const login = { user: OWNER.username, password: OWNER.password };
  const client = new pg.Client({ host: '127.0.0.1', port: bed.postgres.port, database: source, ...login });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const contentOf = async (): Promise<Json> => ({ ...(await checksums(bed.postgres, source)) });
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
const marks = async () => [
  ['public', 'a', Number((await asOwner(`SELECT 'a'::regclass::oid::int8 AS oid`))[0]?.['oid'])],
];

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
  const putBack = await forge((bytes) => {
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

/** Puts another object in the place of the backup's, of which its row knows nothing. */
async function forge(change: (bytes: Buffer) => Buffer): Promise<() => Promise<void>> {
  const { db, openPlace } = bed.app.services;
  const of = db.selectFrom('backup_objects').selectAll().where('backup_id', '=', backup.id);
  const object = await of.executeTakeFirstOrThrow();
  const { store, close } = await openPlace(object);
  const chunks: Uint8Array[] = [];
  for await (const chunk of await store.get(object.key)) chunks.push(chunk.slice());
  const forged = change(Buffer.concat(chunks));
  const key = `${object.key}.forged`;
  const { signal } = new AbortController();
  const options = { signal, token: 'forged', contentType: 'text/plain', fileName: 'forged' };
  await store.put(key, Readable.from([forged]), options);
  await close();
  const set = (to: string) =>
    db.updateTable('backup_objects').set({ key: to }).where('id', '=', object.id).execute();
  await set(key);
  return async () => void (await set(object.key));
}

const clientOf = () => {
  const { username: user, password } = OWNER;
  return new pg.Client({ host: '127.0.0.1', port: bed.postgres.port, user, password, database: source });
};

it('throws out who holds what it replaces where that was said, and gives up on them where not', async () => {
  const idle = clientOf();
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
  const late = clientOf();
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
  const { db, vault } = bed.app.services;
  let count = 0;
  async function killed(state: RestoreRow['state'], recorded: readonly unknown[]): Promise<string> {
    count += 1;
    const id = `live-${count}`;
    const credentials = await vault.seal(JSON.stringify(OWNER), SEALED.restoreCredentials.identity(id));
    const like = await db
      .selectFrom('runs')
      .selectAll()
      .where('id', '=', backup.id)
      .executeTakeFirstOrThrow();
    await db
      .insertInto('restores')
      .values(
        restoreRow({
          ...{ id, backup_id: backup.id, database_id: databaseId, database_name: source, new_name: source },
          ...{
            server_id: bed.server,
            port: bed.postgres.port,
            token: `${id}x`.replace('-', ''),
            credentials,
          },
          ...{ state, in_place: 1, load_options: '{"live":true}', replaced_id: JSON.stringify(recorded) },
        }),
      )
      .execute();
    await db
      .insertInto('runs')
      .values({
        ...like,
        ...{ id, kind: 'restore', lane: `live:${id}`, state: 'running', ended_at: null },
        ...{ claimed_by: 'dead', lease_until: new Date(0).toISOString() },
      })
      .execute();
    await until('its repair', 60_000, async () => {
      const row = await db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
      return row.state === 'running' || row.claimed_by !== null ? undefined : row;
    });
    return id;
  }
  const runOf = async (id: string) => (await bed.app.ask('GET', `/api/runs/${id}`))['run'];
  const present = await marks();
  expect(await runOf(await killed('loading', present))).toMatchObject({
    ...{
      state: 'interrupted',
      restore: { state: 'removed', exists: expect.stringContaining('is as it was') },
    },
  });
  const old = [['public', 'a', 1]];
  expect(await runOf(await killed('loading', old))).toMatchObject({
    ...{ state: 'completed', restore: { state: 'done', kept: null } },
  });
  await asOwner(`INSERT INTO a (id, noise) VALUES (10001, 'since')`);
  const different = await killed('finishing', old);
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
  const unknown = [...present, ['public', 'gone', 7]];
  expect(await runOf(await killed('finishing', unknown))).toMatchObject({ state: 'uncertain' });
});
