import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { restorePostgres } from '../../src/engines/postgres/restore.ts';
import { jobsCheck, loadByJobs, spoolLines, spoolOf } from '../../src/engines/postgres/restore-jobs.ts';
import { isSameDisk, reserveOf, roomOf } from '../../src/engines/postgres/restore-room.ts';
import type { PostgresRestoreTarget } from '../../src/engines/postgres/restore-target.ts';
import { newId } from '../../src/ids.ts';
import { cpuMsOf } from '../support/cpu-time.ts';
import { runInShell } from './shell.ts';

let target: PostgresRestoreTarget;
let spool: string;

beforeEach(() => {
  const token = newId().replaceAll(/\W/g, '');
  target = {
    ...{ host: '127.0.0.1', port: 1, databaseName: `shop ü"'`, username: 'x', password: 'y' },
    ...{ options: postgres.options.parse({}), newName: `new ü"'`, token, format: 'custom', jobs: 2 },
    ...{ serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
  };
  spool = spoolOf(token);
});
afterEach(() => {
  for (const made of [spool, `${spool}_other`]) rmSync(made, { recursive: true, force: true });
});

/** With a program that does so in place of pg_restore. */
const load = (does: string, before = ':') =>
  runInShell(
    {
      script: `${before}\nloading() { "$@"; }\nfake() { ${does}; }\npg_restore=fake\n${loadByJobs(target, 2, '')}`,
    },
    { input: Buffer.alloc(64 * 1024, 'x') },
  );
const remove = () => runInShell({ script: `${spoolLines(target)}\nremove_spool` });

it('frees at once what an archive took that finds no room', async () => {
  const { exitCode, stderr } = await load('exit 9', `trap '' XFSZ\nulimit -f 8`);
  expect([exitCode, stderr]).toEqual([66, expect.stringContaining('no room for the archive')]);
  expect(existsSync(spool)).toBe(false);
});

it('says what became of the loading, whatever became of the folder', async () => {
  const { exitCode } = await load('[ -s "$spool/archive" ] || exit 8');
  expect([exitCode, existsSync(spool)]).toEqual([0, false]);
  for (const status of [0, 7]) {
    expect((await load(`: >"$spool/mine ü"; return ${status}`)).exitCode).toBe(status);
    rmSync(spool, { recursive: true });
    expect((await load(`rm -r "$spool"; return ${status}`)).exitCode).toBe(status);
  }
});

it('takes a folder for removed that is gone or is another’s, and for left where something keeps it', async () => {
  expect((await remove()).exitCode).toBe(0);
  mkdirSync(`${spool}_other`);
  symlinkSync(`${spool}_other`, spool);
  expect([(await remove()).exitCode, existsSync(spool)]).toEqual([0, true]);
  rmSync(spool);
  mkdirSync(spool);
  writeFileSync(`${spool}/archive`, 'x');
  writeFileSync(`${spool}/mine ü`, 'x');
  expect([(await remove()).exitCode, existsSync(`${spool}/archive`)]).toEqual([1, false]);
  rmSync(`${spool}/mine ü`);
  expect([(await remove()).exitCode, existsSync(spool)]).toEqual([0, false]);
});

it('frees the disk before it asks a server that may be down for want of it', async () => {
  mkdirSync(spool);
  writeFileSync(`${spool}/archive`, 'x');
  const plan = restorePostgres(target);
  const { exitCode, stderr } = await runInShell(plan.remove);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('refused')]);
  expect(existsSync(spool)).toBe(false);

  const left = `rmdir: failed to remove\nbridgeport: the archive is still there: ${spool}\n`;
  expect(plan.explain({ exitCode: 68, stderr: left })?.message).toContain(`The folder ${spool} on the host`);
});

const MIB = 1024 * 1024;
const df = (freeMib: number, place: string, sizeMib = 100_000) =>
  `${freeMib * 1024} ${sizeMib * 1024} ${place.replace(' on ', ` ${sizeMib * 1024} 1 ${freeMib * 1024} 1% `)}`;
const look = (freeMib: number, server: string | undefined, more: object) =>
  jobsCheck({ ...target, ...more }, 2, { spool: df(freeMib, '/dev/a on /'), server });

it('needs room for archive and database together where both lie on one disk, and leaves a reserve', () => {
  const dump = { dumpBytes: 100 * MIB, expectedBytes: 500 * MIB };
  const elsewhere = df(1, '/dev/b on /srv/my data');
  expect(look(100 + 1024, elsewhere, dump).ok).toBe(false);
  expect(look(100 + 1025, elsewhere, dump)).toMatchObject({
    ok: true,
    says: expect.stringContaining('1124 MiB are needed'),
  });
  for (const same of ['/dev/a on /', '/dev/a on /srv/my data', 'overlay on /']) {
    expect(look(600 + 1024, df(1, same), dump).ok).toBe(false);
    expect(look(600 + 1025, df(1, same), dump).ok).toBe(true);
  }
  const unknown = look(100 + 1025, df(1, '/dev/a on /'), { ...dump, expectedBytes: null });
  expect([unknown.ok, unknown.says]).toEqual([true, expect.stringContaining('is not known')]);
  expect(look(100 + 1025, undefined, dump)).toMatchObject({
    ok: true,
    says: expect.stringContaining('on the same disk, 1624 MiB are needed'),
  });
  expect(look(100 + 1025, undefined, { ...dump, host: 'db.example.com' }).says).not.toContain('same disk');
  expect(look(9_000, undefined, { dumpBytes: null })).toMatchObject({ ok: true });
  expect(jobsCheck(target, 2, { spool: '12 x', server: undefined }).ok).toBe(false);
});

it('reads mount points with blanks, and leaves 5 % of a small disk', async () => {
  const room = roomOf(df(7, 'tmpfs on /srv/my % data', 1000));
  expect(room).toEqual({
    ...{ freeBytes: 7 * MIB, sizeBytes: 1000 * MIB, device: 'tmpfs', mountPoint: '/srv/my % data' },
  });
  if (room === null) return;
  expect(reserveOf(room)).toBe(50 * MIB);
  expect(isSameDisk(room, { ...room, mountPoint: '/' })).toBe(false);
  for (const answer of [undefined, '', '1', '1 2 x', '-1 2 /dev/a 1 1 1 1% /'])
    expect(roomOf(answer)).toBe(null);
});

it('reads whatever a host answers at once', () => {
  const spentMs = cpuMsOf(() => {
    expect(roomOf(`1 1 x${' '.repeat(60_000)}`)).toBe(null);
    expect(roomOf(`1 1 ${'1 '.repeat(30_000)}\u2028`)).not.toBe(null);
  });
  expect(spentMs).toBeLessThan(1_000);
});
