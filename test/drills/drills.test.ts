import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDrillKind } from '../../src/drills/node/drill-kind.ts';
import { newId } from '../../src/ids.ts';
import { hostPlace } from '../../src/object-stores/place.ts';
import { createWorker } from '../../src/runs/worker.ts';
import type { Worker } from '../../src/runs/worker-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';
import { until } from '../support/until.ts';

const DUMP = `PRAGMA encoding='UTF-8';
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE "or'ders <b>" (n);
INSERT INTO "or'ders <b>" VALUES('ü;');
INSERT INTO "or'ders <b>" VALUES(2);
COMMIT;
`;

let app: TestApp;
let worker: Worker;
/** Before a backup is read: the drill's own reading is the first. */
let beforeReading = () => {};
const folder = mkdtempSync(join(tmpdir(), "drill ü ' "));
const sources = join(folder, 'sources "ü"');
const source = join(sources, 'shop <1>.db');
const stored = join(folder, 'stored');

beforeAll(async () => {
  mkdirSync(sources);
  mkdirSync(stored);
  new Database(source).exec('CREATE TABLE x (n)').close();
  app = await openTestApp({ env: { LOCAL_PATHS: folder } });
  const { services } = app;
  worker = createWorker(
    services,
    {
      drill: createDrillKind({
        ...services,
        openPlace: (place) => {
          beforeReading();
          return services.openPlace(place);
        },
      }),
    },
    { limits: async () => ({ total: 1, perServer: 1 }), tickMs: 50 },
  );
  worker.start();
});
afterAll(async () => {
  await worker.stop(5_000);
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Made {
  readonly id: string;
  readonly databaseId: string;
  /** The file that its bytes lie in. */
  readonly file: string;
}

/** A backup whose object is a file of this machine. */
async function backUp(dump = DUMP, more: object = {}): Promise<Made> {
  const { db } = app.services;
  const file = join(stored, `backup ${newId()}.sql`);
  writeFileSync(file, dump);
  const bytes = Buffer.byteLength(dump);
  const { id, database_id: databaseId } = await insertBackup(db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', size: bytes, bytes_stored: bytes, format: 'plain' },
    ...{ sha256: createHash('sha256').update(dump).digest('hex'), compression: 'none' },
    ...{ verification: 'stored', storage_type: 'local', completed_at: new Date().toISOString() },
    ...more,
  });
  await db
    .updateTable('databases')
    .set({ name: `it's "größe" <script> ${id}`, options: JSON.stringify({ filePath: source }) })
    .where('id', '=', databaseId)
    .execute();
  await db
    .insertInto('backup_objects')
    .values({ id: newId(), backup_id: id, kind: 'dump', number: 0, ...hostPlace(null), key: file, bytes })
    .execute();
  return { id, databaseId, file };
}

const ask = (backupId: string, token = app.tokens.operator) =>
  app.call('POST', `/api/backups/${backupId}/drill`, { token, body: {} });

async function ended(runId: string) {
  return until('the drill to end', 20_000, async () => {
    const { run } = (await app.call('GET', `/api/runs/${runId}`)).body;
    return ['pending', 'running'].includes(run.state) ? undefined : run;
  });
}

async function drill(backup: Made) {
  const asked = await ask(backup.id);
  expect(asked.status).toBe(200);
  worker.wake();
  return ended(asked.body.runId);
}

const told = (databaseId: string) =>
  app.services.db
    .selectFrom('events')
    .select(['type', 'data'])
    .where('database_id', '=', databaseId)
    .orderBy(asWritten(app.services.db))
    .execute();
const audited = async (backupId: string) => {
  const rows = await app.services.db
    .selectFrom('audit_logs')
    .select(['action', 'user_id'])
    .where('resource_id', '=', backupId)
    .orderBy(asWritten(app.services.db))
    .execute();
  return rows.map(({ action, user_id }) => [action, user_id]);
};
const backupOf = async (id: string) => (await app.call('GET', `/api/backups/${id}`)).body.backup;
const protectionOf = async (id: string) => (await app.call('GET', `/api/databases/${id}`)).body.protection;
const nothingIsLeft = () => expect(readdirSync(sources)).toEqual(['shop <1>.db']);

describe('a drill', () => {
  it('proves that a backup comes back, says how long that takes, and leaves nothing of it', async () => {
    const before = readFileSync(source);
    const backup = await backUp();
    const run = await drill(backup);
    expect(run).toMatchObject({ kind: 'drill', state: 'completed', progress: 100, error: null });
    expect(run.drill).toMatchObject({ outcome: 'proven', failure: null, restoreMs: expect.any(Number) });
    expect(run.drill.bytes).toBe(Buffer.byteLength(DUMP));
    expect(run.restore).toMatchObject({ state: 'removed', tables: [{ name: `or'ders <b>`, rows: 2 }] });
    expect(run.restore.newName).toMatch(/\/sources "ü"\/bp_drill_\w+\.sqlite$/);
    nothingIsLeft();
    expect(readFileSync(source).equals(before)).toBe(true);
    const { verification, proofs, restoreMs } = await backupOf(backup.id);
    expect({ verification, restoreMs }).toEqual({ verification: 'drill', restoreMs: run.drill.restoreMs });
    expect(proofs).toMatchObject({ restored: run.drill.endedAt, bytes: run.drill.endedAt, parsed: null });
    const { restoreMs: took, bytes } = run.drill;
    expect((await protectionOf(backup.databaseId)).restorable).toEqual({
      ...{ at: run.drill.endedAt, backupId: backup.id, restoreMs: took, bytes },
    });
    expect((await told(backup.databaseId)).map(({ type }) => type)).toEqual(['drill.succeeded']);
    const { operator } = app.userIds;
    expect(await audited(backup.id)).toEqual([
      ['drill', operator],
      ['drill.proven', operator],
    ]);
    const { drills } = (await app.call('GET', `/api/databases/${backup.databaseId}/drills`)).body;
    expect(drills).toEqual([run.drill]);
  });

  it('condemns a backup that two readings found damaged', async () => {
    const backup = await backUp();
    writeFileSync(backup.file, DUMP.replace('2);', '3);'));
    const run = await drill(backup);
    expect(run.drill).toMatchObject({ outcome: 'failed', failure: 'damaged' });
    expect(run.restore.state).toBe('removed');
    nothingIsLeft();
    expect(await backupOf(backup.id)).toMatchObject({
      verification: 'failed',
      verificationError: expect.stringContaining('SHA-256'),
      proofs: { restored: null },
    });
    const protection = await protectionOf(backup.databaseId);
    expect(protection).toMatchObject({
      state: 'never',
      drillFailure: { failure: 'damaged', drillId: run.id },
    });
    const event = (await told(backup.databaseId)).find(({ type }) => type === 'drill.failed');
    expect(JSON.parse(event?.data ?? '')).toMatchObject({ backupId: backup.id, failure: 'damaged' });
    expect((await audited(backup.id)).map(([action]) => action)).toEqual(['drill', 'drill.failed']);
  });

  it('does not condemn one that is whole when it is read a second time', async () => {
    const backup = await backUp();
    writeFileSync(backup.file, DUMP.replace('2);', '3);'));
    let readings = 0;
    beforeReading = () => {
      readings += 1;
      if (readings === 2) writeFileSync(backup.file, DUMP);
    };
    const run = await drill(backup);
    beforeReading = () => {};
    expect(readings).toBe(2);
    expect(run.drill).toMatchObject({
      failure: 'other',
      says: expect.stringContaining('a fault on the way'),
    });
    expect(await backupOf(backup.id)).toMatchObject({ verification: 'full' });
    nothingIsLeft();
  });

  it('condemns one whose file is gone', async () => {
    const backup = await backUp();
    rmSync(backup.file);
    expect((await drill(backup)).drill).toMatchObject({ failure: 'damaged' });
    expect(await backupOf(backup.id)).toMatchObject({ verification: 'failed' });
  });

  it('says nothing against a backup that the place does not take', async () => {
    const backup = await backUp(DUMP.replace('COMMIT', `.shell touch '${join(folder, 'canary')}'\nCOMMIT`));
    const run = await drill(backup);
    expect(run.drill).toMatchObject({ outcome: 'failed', failure: 'other' });
    expect(await backupOf(backup.id)).toMatchObject({ verification: 'stored', verificationError: null });
    expect(existsSync(join(folder, 'canary'))).toBe(false);
    nothingIsLeft();
    expect((await told(backup.databaseId)).map(({ type }) => type)).toEqual(['drill.failed']);
    const page = await protectionOf(backup.databaseId);
    expect(page).toMatchObject({ restorable: null, drillFailure: { failure: 'other' } });
  });

  it('of a backup that holds other rows than were counted fails, and does not condemn it', async () => {
    const tables = [{ schema: null, name: `or'ders <b>`, rows: 3, definition: null }];
    const contents = JSON.stringify({ tables, largeObjects: 0, extensions: [], roles: [] });
    const run = await drill(await backUp(DUMP, { contents }));
    expect(run.drill).toMatchObject({
      failure: 'other',
      says: expect.stringContaining('2 rows instead of 3'),
    });
  });

  it('is for operators, of completed backups, and one at a time waits', async () => {
    const backup = await backUp();
    expect((await ask(backup.id, app.tokens.viewer)).status).toBe(403);
    expect((await ask('nothing')).status).toBe(404);
    const failed = await insertBackup(app.services.db, new Date(), { status: 'failed', outcome: 'failed' });
    expect((await ask(failed.id)).status).toBe(409);
    const replies = await Promise.all([ask(backup.id), ask(backup.id), ask(backup.id)]);
    const statuses = replies.map(({ status }) => status);
    expect(statuses).toContain(200);
    expect(statuses.every((status) => status === 200 || status === 409)).toBe(true);
    for (const { status, body } of replies) if (status === 200) await ended(body.runId);
    nothingIsLeft();
  });

  it('keeps its backup and its database from being deleted, and can be cancelled', async () => {
    const backup = await backUp();
    const runId = newId();
    // Of a lane that somebody works in, so that it waits.
    await app.services.db
      .insertInto('runs')
      .values({
        ...{ id: runId, kind: 'deep_test', subject_id: null, server_id: null, progress: 0, attempts: 1 },
        ...{ lane: `drill:${backup.databaseId}`, state: 'running', in_repair: 0, claimed_by: 'somebody' },
        ...{ created_at: new Date().toISOString(), lease_until: new Date(Date.now() + 60_000).toISOString() },
      })
      .execute();
    const asked = await ask(backup.id);
    expect((await app.call('DELETE', `/api/backups/${backup.id}`)).status).toBe(409);
    expect((await app.call('DELETE', `/api/databases/${backup.databaseId}?backups=keep`)).status).toBe(409);
    expect((await app.call('POST', `/api/runs/${asked.body.runId}/cancel`)).status).toBe(200);
    const run = await ended(asked.body.runId);
    expect([run.state, run.drill.outcome, run.restore.state]).toEqual(['cancelled', 'cancelled', 'none']);
    expect(await told(backup.databaseId)).toEqual([]);
    await app.services.db.deleteFrom('runs').where('id', '=', runId).execute();
    expect((await app.call('DELETE', `/api/backups/${backup.id}`)).status).toBe(200);
  });
});

describe('a drill that its app did not survive', () => {
  /** As a kill leaves it: its folder is there, and nobody works on it. */
  async function killed(outcome: 'proven' | null, isCancelled = false): Promise<string> {
    const { db } = app.services;
    const backup = await backUp();
    const [id, token, at] = [newId(), newId(), new Date().toISOString()];
    await db
      .insertInto('restores')
      .values(
        restoreRow({
          ...{ id, backup_id: backup.id, database_id: backup.databaseId, engine: 'sqlite', is_drill: 1 },
          ...{ new_name: join(sources, `bp_drill_${token}.sqlite`), token, state: 'loading' },
          ...{ options: JSON.stringify({ filePath: source }) },
        }),
      )
      .execute();
    await db
      .insertInto('drills')
      .values({ id, database_id: backup.databaseId, backup_id: backup.id, outcome, created_at: at })
      .execute();
    mkdirSync(join(sources, `bp_drill_${token}`));
    writeFileSync(join(sources, `bp_drill_${token}`, 'restored.sqlite'), 'half');
    await db
      .insertInto('runs')
      .values({
        ...{ id, kind: 'drill', subject_id: backup.id, server_id: null, lane: `drill:${backup.databaseId}` },
        ...{ state: 'running', progress: 20, attempts: 1, in_repair: 0, claimed_by: 'dead', created_at: at },
        ...{ lease_until: new Date(0).toISOString(), cancel_requested_at: isCancelled ? at : null },
      })
      .execute();
    return id;
  }

  it.each([
    ['half of its way', null, false, 'interrupted', 'interrupted'],
    ['after somebody cancelled it', null, true, 'cancelled', 'cancelled'],
    ['after it had proven its backup', 'proven', false, 'proven', 'completed'],
  ] as const)('%s leaves nothing after the repair', async (_, before, isCancelled, outcome, state) => {
    const id = await killed(before, isCancelled);
    const run = await until('its repair', 20_000, async () => {
      const found = (await app.call('GET', `/api/runs/${id}`)).body.run;
      return found.state === 'running' ? undefined : found;
    });
    expect([run.drill.outcome, run.state, run.restore.state]).toEqual([outcome, state, 'removed']);
    nothingIsLeft();
  });
});
