import { readdirSync } from 'node:fs';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { OperationName } from '../../dev/bucket/server.ts';
import type { RunRow } from '../../src/db/schema.ts';
import { runOf } from '../support/backup-row.ts';
import type { Json } from '../support/installation.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';
import { STATES } from '../support/states.ts';
import { afterUpdate } from '../support/trigger.ts';
import { until } from '../support/until.ts';
import { type Bed, BUCKET, expectHostQuiet, ODD, startBed, TINY_PARTS, TO_BUCKET, untilMet } from './bed.ts';

/**
 * What seals asks for its claim right before: in rounds too far apart to renew any, so that nothing else does. Each step of a
 * run begins with the lease that the claim gave, to the millisecond, unless it was renewed.
 */
const LEASE_MS = 60_000;
const KEPT = '/var/backups/kept ü+';

let postgres: TestPostgres | undefined;
afterAll(() => postgres?.stop());

async function ownPostgres() {
  postgres = await sharedPostgres();
  const name = ownName('sealing "ü+');
  await postgres.createDatabase(name);
  return {
    DATABASE_URL: postgres.url.replace(/postgres$/, encodeURI(name)),
    MASTER_KEY: Buffer.alloc(32, 4).toString('base64'),
  };
}

describe.each(STATES)('on %s,', (state) => {
  let bed: Bed;
  let large: string;
  let small: string;
  let onHost: string;

  beforeAll(async () => {
    const env = state === 'SQLite' ? {} : await ownPostgres();
    bed = await startBed({ ...TINY_PARTS, env, timing: { leaseMs: LEASE_MS, tickMs: 600_000 } });
    const smallFile = await bed.makeSqlite('small ü.sqlite', 0);
    const of = async (name: string, filePath: string, place: Json) =>
      bed.addDatabase({ name, type: 'sqlite', filePath, ...place });
    large = await of('large', await bed.makeSqlite('large ü.sqlite', 3), TO_BUCKET);
    small = await of('small', smallFile, TO_BUCKET);
    onHost = await of('file', smallFile, { backupStorageType: 'local', backupLocalPath: KEPT });
    const { db } = bed.app.services;
    await sql`create table steps (run_id text, state text, lease_until text)`.execute(db);
    await afterUpdate(db, {
      ...{ name: 'step', of: 'state', on: 'restores' },
      statement: 'insert into steps select id, new.state, lease_until from runs where id = new.id;',
    });
  });
  afterEach(async () => {
    bed.bucket.faults.clear();
    await expectHostQuiet(bed);
  });
  afterAll(() => bed.close());

  describe('the claim of a backup is renewed right before', () => {
    test.each<readonly [OperationName, () => string]>([
      ['CompleteMultipartUpload', () => large],
      ['PutObject', () => small],
    ])('its %s', async (operation, database) => {
      let release = () => {};
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      bed.bucket.faults.add({ match: { operation }, fault: { kind: 'hold', until: held } });
      const id = await bed.app.startBackup(database());
      await untilMet(bed, id, 'hold');
      const run = await runOf(bed.app.services.db, { id });
      release();
      expect(msOf(run.lease_until)).toBeGreaterThan(claimedUntil(run));
      expect(await bed.app.untilEnded(id)).toMatchObject({ status: 'completed' });
    });
  });

  test('a stored backup that another process took over is not taken away for a cancel that its own run hears of', async () => {
    const { db } = bed.app.services;
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    bed.bucket.faults.add({ match: { operation: 'GetObject' }, fault: { kind: 'hold', until: held } });
    const id = await bed.app.startBackup(small);
    await untilMet(bed, id, 'hold');
    const ofRun = db.updateTable('runs').where('id', '=', id);
    await ofRun.set({ claimed_by: 'another process 😀' }).execute();
    await bed.app.ask('POST', `/api/backups/${id}/cancel`);
    const isEnd = (line: string) => line.includes(id) && line.includes('backup failed');
    const line = await until('its own run to end', 20_000, () => bed.app.log.find(isEnd));
    release();
    // The other one has read it back by now, and found it good.
    await ofRun.set({ state: 'completed', claimed_by: null, lease_until: null }).execute();
    const { storage_path: key } = await db
      .updateTable('backups')
      .set({ status: 'completed', outcome: 'completed' })
      .where('id', '=', id)
      .returning('storage_path')
      .executeTakeFirstOrThrow();
    expect(bed.bucket.objects(BUCKET).map((object) => object.key)).toContain(key);
    expect(await db.selectFrom('leftovers').select('key').where('key', '=', key).execute()).toEqual([]);
    expect(JSON.parse(line)).toMatchObject({ code: 'superseded' });
  });

  describe('a backup that another process took over right before it was sealed', () => {
    test.each<readonly [string, () => string]>([
      ['in a bucket, in parts,', () => large],
      ['in a bucket, whole,', () => small],
      ['as a file of its host', () => onHost],
    ])('%s stays unsealed', async (_, database) => {
      const { db } = bed.app.services;
      const [before, files] = [bed.bucket.requests.length, kept()];
      const taken = await afterUpdate(db, {
        ...{ name: 'taken', of: 'sha256', on: 'backup_objects', when: 'new.sha256 is not null' },
        statement: "update runs set claimed_by = 'another process 😀' where id = new.backup_id;",
      });
      const id = await bed.app.startBackup(database());
      const isEnd = (line: string) => line.includes(id) && line.includes('backup failed');
      const line = await until('the run to end', 20_000, () => bed.app.log.find(isEnd));
      expect(JSON.parse(line)).toMatchObject({ code: 'superseded' });
      const run = await runOf(db, { id });
      expect(run).toMatchObject({ state: 'running', claimed_by: 'another process 😀' });
      // The other one ends it: nothing of a server begins beside what runs there.
      await taken.drop();
      await db
        .updateTable('runs')
        .set({ state: 'interrupted', claimed_by: null })
        .where('id', '=', id)
        .execute();
      const sent = bed.bucket.requests.slice(before).map(({ operation }) => operation);
      expect(sent.filter((name) => name === 'CompleteMultipartUpload' || name === 'PutObject')).toEqual([]);
      expect(kept()).toEqual(files);
    });
  });

  test.each([
    ['something new', {}],
    ['the place of its database', { inPlace: true, safetyBackup: false }],
  ])(
    'the claim of a restore into %s is renewed right before it makes and before it names',
    async (into, input) => {
      const { app } = bed;
      const name = `into ${into}`;
      const filePath = await bed.makeSqlite(`${name} ü.db`, 0);
      const backup = await app.backUp(
        await bed.addDatabase({ name, type: 'sqlite', filePath, ...TO_BUCKET }),
      );
      const confirm = 'inPlace' in input ? { confirm: `${name} ${ODD}` } : {};
      const asked = await app.ask('POST', `/api/backups/${backup.id}/restore`, { ...input, ...confirm });
      const id = String(asked['runId']);
      const run = await until('the restore to end', 30_000, async () => {
        const row = await runOf(app.services.db, { id });
        return row.ended_at !== null && row;
      });
      expect(run.error).toBeNull();
      const { rows } = await sql<{ state: string; lease_until: string }>`
    select state, lease_until from steps where run_id = ${id} and state in ('making', 'finishing')`.execute(
        app.services.db,
      );
      expect(rows.map(({ state }) => state)).toEqual(['making', 'finishing']);
      const [making = 0, finishing = 0] = rows.map(({ lease_until: at }) => msOf(at));
      expect(making).toBeGreaterThan(claimedUntil(run));
      expect(finishing).toBeGreaterThan(making);
    },
  );

  /** Files there, finished and unfinished. */
  function kept(): readonly string[] {
    const entries = readdirSync(bed.sshd.hostPath('/var/backups'), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && entry.parentPath.includes('kept'))
      .map(({ name }) => name);
  }
});

function claimedUntil(run: RunRow): number {
  return msOf(run.started_at) + LEASE_MS;
}

function msOf(instant: string | null): number {
  return new Date(instant ?? Number.NaN).getTime();
}
