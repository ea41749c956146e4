import { execFileSync, spawnSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { RestoreRow } from '../../src/db/schema.ts';
import { openLocalHost } from '../../src/hosts/node/local.ts';
import { cleanUpRestore } from '../../src/restores/clean-up.ts';
import { hostOutput } from '../../src/restores/host-output.ts';
import { createRestoreKind } from '../../src/restores/node/restore-kind.ts';
import { openRestoreTarget, UNKNOWN_DUMP } from '../../src/restores/open-target.ts';
import { listRestores, loadRestore, recordLooked, recordRestore } from '../../src/restores/restores.ts';
import { recordReplaced } from '../../src/restores/swap.ts';
import type { Services } from '../../src/services-port.ts';
import { openTestApp, type TestApp } from '../support/app.ts';
import { asWritten } from '../support/as-written.ts';
import { insertBackup } from '../support/backup-row.ts';
import { restoreRow } from '../support/restore-row.ts';

/** A restore into a file whose disk is away when the next start looks: the host, its folders and their mounts are real. */

const folder = mkdtempSync(join(process.env['TEST_DISK'] ?? tmpdir(), "else'where ü + <b> $x "));
/** What is mounted at `place`: another folder of the same file system, as volumes of containers are. */
const disk = join(folder, 'disk 🐘');
const place = join(folder, 'place "x"');
const path = join(place, `-it's "new" +.db`);
let app: TestApp;
let services: Services;
let backupId: string;
let databaseId: string;
let count = 0;

beforeAll(async () => {
  app = await openTestApp();
  ({ id: backupId, database_id: databaseId } = await insertBackup(app.services.db, new Date(), {
    ...{ status: 'completed', outcome: 'completed', format: 'plain' },
  }));
  const { log } = app.services;
  const open: Services['servers']['open'] = async () => ({
    ...{ host: openLocalHost({ label: 'this machine', log }), address: null },
    ...{ checkPath: async () => {}, pinnedFingerprint: () => null },
  });
  services = { ...app.services, servers: { ...app.services.servers, open } };
  for (const each of [disk, place]) mkdirSync(each);
});
afterAll(async () => {
  await app.close();
  rmSync(folder, { recursive: true, force: true });
});

const mount = () => execFileSync('mount', ['--bind', disk, place]);
const unmount = () => execFileSync('umount', ['--lazy', place], { stdio: 'ignore' });
const isMountPoint = () => spawnSync('mountpoint', ['--quiet', place]).status === 0;
beforeEach(mount);
afterEach(() => {
  while (isMountPoint()) unmount();
  for (const each of [place, disk].flatMap((of) => readdirSync(of).map((name) => join(of, name)))) {
    rmSync(each, { recursive: true });
  }
});

const claimOf = (runId: string) => ({ runId, claimedBy: 'me' });
const signal = () => AbortSignal.timeout(20_000);

/** As a restore that is killed while it loads leaves it. */
async function killed(change: Partial<RestoreRow> = {}): Promise<string> {
  const { db } = services;
  count += 1;
  const id = `elsewhere ${count} <b>`;
  const row = restoreRow({
    ...{ id, backup_id: backupId, database_id: databaseId, engine: 'sqlite', host: null, port: null },
    ...{ database_name: null, options: JSON.stringify({ filePath: `${path}.live` }), new_name: path },
    ...{ token: `t${count}`, ...change },
  });
  await db.insertInto('restores').values(row).execute();
  const like = await db.selectFrom('runs').selectAll().where('id', '=', backupId).executeTakeFirstOrThrow();
  const lease = { claimed_by: 'me', lease_until: new Date(Date.now() + 60_000).toISOString() };
  await db
    .insertInto('runs')
    .values({ ...like, ...lease, id, kind: 'restore', lane: id, state: 'running', ended_at: null })
    .execute();
  const { host, plan } = await openRestoreTarget(services, row, UNKNOWN_DUMP, 'person');
  const { preflight, create, explain } = plan;
  const run = (command: typeof create) =>
    hostOutput(host, command, { signal: signal(), name: 'It', explain });
  const printed = await run(preflight.command);
  const checks = preflight.read(printed);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  await recordLooked(db, claimOf(id), { checks, place: preflight.place?.(printed) });
  await recordReplaced(db, claimOf(id), { host, plan, signal: signal() });
  await recordRestore(db, claimOf(id), { state: 'making' });
  await run(create);
  await recordRestore(db, claimOf(id), { state: 'loading' });
  await host.close();
  writeFileSync(join(place, made(), 'restored.sqlite'), 'private, half');
  return id;
}

const made = () => `.bridgeport-restore-t${count}`;

async function repaired(id: string) {
  const { db } = services;
  const ofRun = db.updateTable('runs').where('id', '=', id);
  await ofRun.set({ state: 'running', claimed_by: 'me', ended_at: null }).execute();
  const find = () => db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const { openPlace } = app.services;
  const context = { claim: claimOf(id), signal: signal() };
  await createRestoreKind({ ...services, openPlace }).repair(await find(), context);
  const { state, removal_error: why } = await loadRestore(db, id);
  return { run: (await find()).state, state, why };
}

/** As after the last of many tries. */
async function left(id: string): Promise<void> {
  const ofRestore = services.db.updateTable('restores').where('id', '=', id);
  await ofRestore.set({ removal_tries: 9 }).execute();
  expect(await repaired(id)).toMatchObject({ state: 'left' });
}

const admin = { userId: null, address: null, role: 'admin' } as const;
const cleanUp = async (id: string, input = {}) => {
  const { new_name: confirm } = await loadRestore(services.db, id);
  return cleanUpRestore(services, admin, id, { confirm, ...input }, signal());
};
const stateOf = async (id: string) => (await loadRestore(services.db, id)).state;

describe('what was made on a disk that is not mounted', () => {
  it.each([
    ['nothing', () => {}],
    ['another one', () => execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place])],
  ])('is asked for again, listed, and removed once it is back (in its place is %s)', async (_is, instead) => {
    const id = await killed();
    unmount();
    instead();
    expect(await repaired(id)).toMatchObject({
      ...{ run: 'uncertain', state: 'loading' },
      why: expect.stringMatching(/^Nobody can tell whether .* is gone: its folder .* See whether its disk/),
    });
    await left(id);
    const listed = await listRestores(services.db, { limit: 9, offset: 0, state: 'left' });
    expect(listed.map((row) => row.id)).toEqual([id]);
    await expect(cleanUp(id)).rejects.toMatchObject({ code: 'conflict', details: { field: 'mayBeGone' } });
    expect(await stateOf(id)).toBe('left');
    mount();
    expect(readdirSync(place)).toEqual([made()]);
    await cleanUp(id);
    expect([await stateOf(id), readdirSync(place)]).toEqual(['removed', []]);
  });

  it('counts as gone where a person says so, and is removed in any case where it is found', async () => {
    const id = await killed();
    unmount();
    await left(id);
    await cleanUp(id, { mayBeGone: true });
    expect(await stateOf(id)).toBe('removed');
    mount();
    expect(readdirSync(place)).toEqual([made()]);
    rmSync(join(place, made()), { recursive: true });
    const found = await killed();
    unmount();
    await left(found);
    mount();
    await cleanUp(found, { mayBeGone: true });
    expect([await stateOf(found), readdirSync(place)]).toEqual(['removed', []]);
    const audited = await services.db
      .selectFrom('audit_logs')
      .select('details')
      .where('action', '=', 'restore.clean_up')
      .where('success', '=', 1)
      .orderBy(asWritten(services.db))
      .execute();
    expect(audited.slice(-2).map(({ details }) => JSON.parse(details ?? ''))).toMatchObject([
      { runId: id, mayBeGone: true },
      { runId: found, mayBeGone: true },
    ]);
  });

  it('is gone where its folder is not there on that very disk, and nobody knows of one of before', async () => {
    const id = await killed();
    rmSync(join(place, made()), { recursive: true });
    // Mounted anew, it is the same one.
    unmount();
    mount();
    expect(await repaired(id)).toMatchObject({ run: 'interrupted', state: 'removed' });
    const old = await killed();
    await services.db.updateTable('restores').set({ load_options: null }).where('id', '=', old).execute();
    unmount();
    expect(await repaired(old)).toMatchObject({ state: 'removed' });
  });

  it('for a file in place is not taken for gone because its application has made a new file meanwhile', async () => {
    writeFileSync(path, '');
    const id = await killed({ in_place: 1, kept_name: `${path}.before-20261130000000` });
    expect(readdirSync(join(place, made())).sort()).toEqual(['kept.sqlite', 'restored.sqlite']);
    unmount();
    writeFileSync(path, 'new and empty');
    expect(await repaired(id)).toMatchObject({ run: 'uncertain', state: 'loading' });
    mount();
    expect(await repaired(id)).toMatchObject({ run: 'interrupted', state: 'removed' });
    expect(existsSync(path)).toBe(true);
    rmSync(path);
    expect(readdirSync(place)).toEqual([]);
  });

  it('and was found whole has not its name because another file is called so there', async () => {
    const id = await killed();
    await foundWhole(id);
    unmount();
    writeFileSync(path, 'of somebody else');
    expect(await repaired(id)).toMatchObject({ run: 'uncertain', state: 'finishing' });
  });
});

/** As the run notes it before it gives it its name. */
async function foundWhole(id: string, isTold = true): Promise<void> {
  const row = await loadRestore(services.db, id);
  const { host, plan } = await openRestoreTarget(services, row, UNKNOWN_DUMP, 'person');
  const { command, read } = plan.made?.identify ?? {};
  if (command === undefined || read === undefined)
    throw new Error('a plan of something that can not be told');
  const told = read(await hostOutput(host, command, { signal: signal(), name: 'It', explain: plan.explain }));
  await host.close();
  const noted = { ...JSON.parse(row.load_options ?? '{}'), foundWhole: true };
  const load_options = JSON.stringify(isTold ? { ...noted, made: told } : noted);
  await recordRestore(services.db, claimOf(id), { state: 'finishing', load_options });
}

describe('what was found whole and is left, since nobody could end it', () => {
  it.each([
    ['its folder is there, with its other name', [], 'a person'],
    ['its folder is there, empty', ['restored.sqlite'], 'a person'],
    ['its folder is there, empty', ['restored.sqlite'], 'the next start'],
    ['nothing else is', ['.'], 'a person'],
  ])('is done, and not removed, where it has its name and %s (%s, %s)', async (_what, cleared, by) => {
    const id = await killed();
    await foundWhole(id);
    const work = join(place, made());
    linkSync(join(work, 'restored.sqlite'), path);
    for (const name of cleared) rmSync(join(work, name), { recursive: true });
    // Somebody goes on with it.
    writeFileSync(path, 'in use');
    if (by === 'a person') {
      await services.db.updateTable('restores').set({ state: 'left' }).where('id', '=', id).execute();
      await cleanUp(id);
    } else expect(await repaired(id)).toMatchObject({ run: 'completed', state: 'done' });
    expect([await stateOf(id), readdirSync(place)]).toEqual(['done', [path.slice(place.length + 1)]]);
    expect(readFileSync(path, 'utf8')).toBe('in use');
  });

  it.each([
    ['its folder is there, with its other name', [], 'done'],
    ['its folder is there, empty', ['restored.sqlite'], 'asked'],
    ['nothing else is', ['.'], 'asked'],
  ])(
    'and of which the host told no time is not removed where it has its name and %s (%j): it is %s',
    async (_what, cleared, comes) => {
      const id = await killed();
      await foundWhole(id, false);
      const work = join(place, made());
      linkSync(join(work, 'restored.sqlite'), path);
      for (const name of cleared) rmSync(join(work, name), { recursive: true });
      writeFileSync(path, 'in use');
      await services.db.updateTable('restores').set({ state: 'left' }).where('id', '=', id).execute();
      if (comes === 'asked') {
        await expect(cleanUp(id)).rejects.toMatchObject({
          code: 'conflict',
          details: { field: 'isThatOne' },
        });
        expect(await stateOf(id)).toBe('left');
        if (cleared.includes('.'))
          expect(await cleanUp(id, { isThatOne: true })).toMatchObject({ state: 'done' });
        else expect(await cleanUp(id, { mayBeGone: true })).toEqual({ state: 'removed', saidGone: true });
      } else await cleanUp(id);
      expect(readFileSync(path, 'utf8')).toBe('in use');
    },
  );

  it('and whose work is still in its folder is removed, whatever somebody says of another file of its name', async () => {
    const id = await killed();
    await foundWhole(id, false);
    await services.db.updateTable('restores').set({ state: 'left' }).where('id', '=', id).execute();
    writeFileSync(path, 'of somebody else');
    expect(await cleanUp(id, { isThatOne: true })).toMatchObject({ state: 'removed' });
    expect(readdirSync(place)).toEqual([path.slice(place.length + 1)]);
  });

  it('is removed where it has none', async () => {
    const id = await killed();
    await foundWhole(id);
    await services.db.updateTable('restores').set({ state: 'left' }).where('id', '=', id).execute();
    writeFileSync(path, 'of somebody else');
    await cleanUp(id);
    expect([await stateOf(id), readdirSync(place)]).toEqual(['removed', [path.slice(place.length + 1)]]);
  });
});
