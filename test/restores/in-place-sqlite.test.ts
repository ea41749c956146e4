import { readdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { quote } from '../../src/hosts/quote.ts';
import { loadOptionsOf } from '../../src/restores/load-options.ts';
import { loadRestore } from '../../src/restores/restores.ts';
import { type Bed, startBed, TINY_PARTS, TO_BUCKET } from '../faults/bed.ts';
import { asWritten } from '../support/as-written.ts';
import type { EndedBackup, Json } from '../support/installation.ts';
import { until } from '../support/until.ts';

const EVER = Number.POSITIVE_INFINITY;

let bed: Bed;
let live: string;
let databaseId: string;
let confirm: string;
let backup: EndedBackup;

beforeAll(async () => {
  bed = await startBed(TINY_PARTS);
  live = await bed.makeSqlite(`-in "place" 🐘 +.db`, 0);
  databaseId = await bed.addDatabase({
    ...{ name: 'file <script>', type: 'sqlite', filePath: live, backupFormat: 'plain' },
    ...TO_BUCKET,
  });
  ({ name: confirm } = await bed.app.services.db
    .selectFrom('databases')
    .select('name')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow());
  backup = await bed.app.backUp(databaseId);
});
afterEach(() => bed.bucket.faults.clear());
afterAll(() => bed.close());

const path = () => `/api/backups/${backup.id}/restore`;
const seen = (file: string) => bed.sshd.hostPath(file);
const others = () =>
  readdirSync(dirname(seen(live))).filter(
    (name) => name.includes('in "place"') || name.startsWith('.bridgeport'),
  );

const inFile = async (file: string, statement: string) =>
  bed.sshd.insideHost(`sqlite3 ${quote(file)} ${quote(statement)}`);
const tables = async (file: string) =>
  (await inFile(file, 'SELECT name FROM sqlite_schema ORDER BY name')).trim().split('\n');

async function replace(input: Json = {}) {
  const asked = await bed.app.ask('POST', path(), { inPlace: true, confirm, ...input });
  return ended(String(asked['runId']));
}

async function ended(runId: string) {
  const run = await until('the restore to end', 60_000, async () => {
    const { run: row } = (await bed.app.ask('GET', `/api/runs/${runId}`)) as { run: Json };
    return ['pending', 'running'].includes(String(row['state'])) ? undefined : row;
  });
  const error = run['error'] as { readonly message: string } | null;
  return { run, restore: run['restore'] as Json, message: error?.message ?? '' };
}

it('takes the place of the file on its host, which is backed up before and kept until it is dropped', async () => {
  const backedUp = await tables(live);
  await inFile(live, 'CREATE TABLE later(x)');
  const { ino } = statSync(seen(live));
  const { message, restore } = await replace();
  expect(message).toBe('');
  expect(restore).toMatchObject({
    ...{ newName: live, state: 'done', inPlace: true, safetyBackupId: expect.any(String) },
    kept: { name: expect.stringMatching(/\.before-\d{14}$/), state: 'kept', droppedAt: null },
  });
  const kept = String((restore['kept'] as Json)['name']);
  expect([await tables(live), statSync(seen(live)).ino]).toEqual([backedUp, ino]);
  expect(await tables(kept)).toEqual([...backedUp, 'later'].sort());
  expect(await bed.app.ask('GET', `/api/restores/${restore['id']}/swap`)).toEqual({ swap: null });

  const drop = `/api/restores/${restore['id']}/drop-kept`;
  const field = { status: 400, body: { field: 'confirm' } };
  expect(await bed.app.call('POST', drop, { confirm: live })).toMatchObject(field);
  // Its SSH user sees what others have locked, and not what they have open.
  expect(await bed.app.call('POST', drop, { confirm: kept })).toMatchObject({
    status: 409,
    body: { field: 'isUnused' },
  });
  const goesOn = await bed.addDatabase({
    ...{ name: 'goes on', type: 'sqlite', filePath: kept, backupFormat: 'plain' },
    ...TO_BUCKET,
  });
  const registered = { status: 409, body: { message: expect.stringContaining('is registered as') } };
  expect(await bed.app.call('POST', drop, { confirm: kept, isUnused: true })).toMatchObject(registered);
  await bed.app.call('DELETE', `/api/databases/${goesOn}`);
  // Moved by a person, it is not dropped.
  await bed.sshd.insideHost(`mv ${quote(kept)} ${quote(`${kept}.away`)}`);
  const gone = { status: 409, body: { field: 'mayBeGone' } };
  expect(await bed.app.call('POST', drop, { confirm: kept, isUnused: true })).toMatchObject(gone);
  const { restore: still } = (await bed.app.ask('GET', `/api/restores/${restore['id']}`)) as {
    restore: Json;
  };
  expect(still['kept']).toMatchObject({ state: 'kept' });
  const { db } = bed.app.services;
  const id = String(restore['id']);
  const noted = loadOptionsOf(await loadRestore(db, id));
  const placed = (format: string) => bed.sshd.insideHost(`stat ${format} -- ${quote(dirname(live))}`);
  const disk = `${(await placed('-f -c %i')).trim()}:${(await placed('-c %i')).trim()}`;
  expect(noted.dropBegun).toBeUndefined();
  expect(noted).toMatchObject({ madeIn: disk, kept: expect.stringMatching(/^\d+ [\d.-]+ [\d.]+$/) });
  // A drop of which nobody heard how it ended had begun, and has removed it.
  await bed.sshd.insideHost(`rm ${quote(`${kept}.away`)}`);
  const begun = async (dropBegun: string) => {
    const load_options = JSON.stringify({ ...noted, dropBegun });
    await db.updateTable('restores').set({ load_options }).where('id', '=', id).execute();
  };
  // On a disk that is not mounted now, of which this says nothing: that it was begun stays written down.
  await begun(`${disk}0`);
  expect(await bed.app.call('POST', drop, { confirm: kept })).toMatchObject(gone);
  expect(loadOptionsOf(await loadRestore(db, id)).dropBegun).toBe(`${disk}0`);
  await begun(disk);
  await bed.app.ask('POST', drop, { confirm: kept });
  expect(others()).toEqual([live.slice(dirname(live).length + 1)]);
  expect(await bed.app.call('POST', drop, { confirm: kept })).toMatchObject({ status: 409 });
  const audited = await bed.app.services.db
    .selectFrom('audit_logs')
    .select(['action', 'success'])
    .where('action', 'in', ['restore', 'restore.drop_kept'])
    .orderBy(asWritten(bed.app.services.db))
    .execute();
  expect(audited.map(({ action, success }) => [action, success])).toEqual([
    ['restore', 1],
    ['restore.drop_kept', 0],
    ['restore.drop_kept', 0],
    ['restore.drop_kept', 0],
    ['restore.drop_kept', 1],
  ]);
});

it('is asked for by the name of its database, and names who has the file open', async () => {
  const refusals = [
    [{ inPlace: true }, 'confirm'],
    [{ inPlace: true, confirm, endSessions: true }, 'endSessions'],
  ] as const;
  for (const [body, field] of refusals) {
    expect(await bed.app.call('POST', path(), body)).toMatchObject({ status: 400, body: { field } });
  }
  // Of another user, so that only its lock can be seen.
  const commands = `echo 'BEGIN; SELECT count(*) FROM t;'; exec sleep 1000`;
  const reader = `{ ${commands}; } 2>/dev/null | sqlite3 ${quote(live)} >/dev/null 2>&1 & echo $!`;
  const process = (await bed.sshd.insideHost(reader)).trim();
  const locks = () => bed.sshd.insideHost(`grep -c 'POSIX.* READ ${process} ' /proc/locks || :`);
  await until('the reader to read', 20_000, async () => (Number(await locks()) > 0 ? true : undefined));
  const { restore, message } = await replace({ safetyBackup: false });
  await bed.sshd.insideHost(`kill ${process}`);
  expect(message).toContain(`was not begun. In use: ${live} is open in sqlite3 (process ${process}). `);
  expect(message).toContain('is as it was');
  expect(restore).toMatchObject({ state: 'none', kept: null });
});

it('leaves the file as it is where it fails, or its settings name another one by then', async () => {
  await inFile(live, 'CREATE TABLE mine(x)');
  const before = await tables(live);
  const { db, runs } = bed.app.services;
  bed.bucket.faults.add({ match: { operation: 'GetObject' }, times: EVER, fault: { kind: 'corrupt' } });
  const damaged = await replace({ safetyBackup: false });
  bed.bucket.faults.clear();
  expect(damaged.run).toMatchObject({ state: 'failed', error: { step: 'load' } });
  expect(damaged.restore).toMatchObject({ state: 'removed', kept: null });

  // What runs in its lane has it wait.
  const like = await db.selectFrom('runs').selectAll().where('id', '=', backup.id).executeTakeFirstOrThrow();
  const lease = { claimed_by: 'another', lease_until: new Date(Date.now() + 600_000).toISOString() };
  await db
    .insertInto('runs')
    .values({ ...like, ...lease, id: 'first', state: 'running', ended_at: null })
    .execute();
  const body = { inPlace: true, confirm, safetyBackup: false };
  const asked = await Promise.all([1, 2].map(() => bed.app.call('POST', path(), body)));
  expect(asked.map(({ status }) => status).sort()).toEqual([200, 409]);
  const runId = String(asked.find(({ status }) => status === 200)?.body['runId']);
  const { options } = await db
    .selectFrom('databases')
    .select('options')
    .where('id', '=', databaseId)
    .executeTakeFirstOrThrow();
  const set = (text: string) =>
    db.updateTable('databases').set({ options: text }).where('id', '=', databaseId).execute();
  await set(JSON.stringify({ ...JSON.parse(options), filePath: `${live} other` }));
  await db.deleteFrom('runs').where('id', '=', 'first').execute();
  runs.wake();
  const elsewhere = await ended(runId);
  await set(options);
  expect(elsewhere.message).toMatch(/was not begun\. Settings: .*have changed since/);
  expect(await tables(live)).toEqual(before);
  expect(others()).toHaveLength(1);
});
