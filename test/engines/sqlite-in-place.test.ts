import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { RestorePlan, RestoreTarget } from '../../src/engines/restore.ts';
import type { SqliteOptions } from '../../src/engines/sqlite/options.ts';
import { restoreSqlite } from '../../src/engines/sqlite/restore.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { buildSqliteDump } from '../support/sqlite-dump.ts';
import { checksOf, load, runOn } from './restoring.ts';

const folder = mkdtempSync(join(tmpdir(), `in place ü ' $(x) `));
/** Each step starts some programs of the host, and of our own. */
vi.setConfig({ testTimeout: 120_000 });

const ours = await buildSqliteDump('in-place');
afterAll(() => {
  ours.remove();
  rmSync(folder, { recursive: true, force: true });
});

const DUMP = Buffer.from(`PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE t (n);
INSERT INTO t VALUES('restored');
COMMIT;
`);

let places = 0;

/** A file with one row, and the plan that replaces it. */
function place(isWal: boolean, change: Partial<RestoreTarget<SqliteOptions>> = {}) {
  places += 1;
  const home = join(folder, `app ${places}`);
  mkdirSync(home);
  const path = join(home, `shop "ü" <b>.db`);
  const db = new Database(path);
  if (isWal) db.pragma('journal_mode = WAL');
  db.exec(`CREATE TABLE t (n); INSERT INTO t VALUES ('before')`).close();
  const keptName = `${path}.before-20261129174233`;
  const planOf = (replacedId: string | null) =>
    restoreSqlite({
      ...{ host: null, port: null, databaseName: null, username: null, password: null },
      ...{ options: sqlite.options.parse({ filePath: path }), newName: path, token: `p${places}` },
      ...{ format: 'plain', serverVersion: null, clientVersion: null, expectedBytes: null, needs: null },
      inPlace: { keptName, replacedId, endSessions: false },
      ...change,
    });
  return { home, path, keptName, plan: planOf(null), planOf };
}

function rowsOf(path: string): readonly unknown[] {
  const db = new Database(path, { fileMustExist: true });
  try {
    return db.prepare('SELECT n FROM t').pluck().all();
  } finally {
    db.close();
  }
}

function swapOf({ swap }: RestorePlan) {
  if (swap === undefined) throw new Error('a plan without a swap');
  return swap;
}

/** A machine without sqlite3. */
const bare = join(folder, 'bin');
mkdirSync(bare);
for (const name of [
  ...[
    'sh',
    'cat',
    'chgrp',
    'chmod',
    'chown',
    'df',
    'find',
    'head',
    'id',
    'ln',
    'ls',
    'mkdir',
    'mkfifo',
    'mv',
    'od',
  ],
  ...['rm', 'rmdir', 'sleep', 'stat', 'sync', 'tail', 'tr', 'wc', 'base64'],
]) {
  symlinkSync(`/usr/bin/${name}`, join(bare, name));
}
const machines: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['sqlite3', {}],
  ['our own command', { PATH: bare, BRIDGEPORT_SQLITE_DUMP: ours.command }],
];

describe.each(machines)('a file is replaced by %s', (_name, environment) => {
  const identify = async (plan: RestorePlan) => {
    const { command, read } = swapOf(plan).identify;
    return read(await runOn(plan, command, undefined, environment));
  };

  it.each([true, false])(
    'in one go, with mode and log (WAL: %s), and is kept until it is dropped',
    async (isWal) => {
      const { home, path, keptName, plan } = place(isWal);
      const mode = 0o640;
      const before = statSync(path).ino;
      chmodSync(path, mode);
      expect((await checksOf(plan, environment)).filter(({ ok }) => !ok)).toEqual([]);
      const id = await identify(plan);
      expect(id).toBe(String(before));
      await load(plan, DUMP, { environment });
      const swap = swapOf(plan);
      const isDone = async () => {
        const look = swap.isDone(id);
        return look.read(await runOn(plan, look.command, undefined, environment));
      };
      expect(await isDone()).toBe(false);
      expect(rowsOf(path)).toEqual(['before']);
      await runOn(plan, swap.swap(id), undefined, environment);
      // Run again it ends well: whoever asked may not have heard.
      await runOn(plan, swap.swap(id), undefined, environment);
      expect(await isDone()).toBe(true);
      expect(
        readdirSync(home)
          .filter((name) => !/-(?:wal|shm|journal)$/.test(name))
          .sort(),
      ).toEqual([path, keptName].map((name) => name.slice(home.length + 1)).sort());
      expect(rowsOf(path)).toEqual(['restored']);
      expect(rowsOf(keptName)).toEqual(['before']);
      expect(statSync(keptName).ino).toBe(before);
      expect(statSync(path).mode & 0o777).toBe(mode);
      const db = new Database(path);
      expect(db.pragma('journal_mode', { simple: true })).toBe(isWal ? 'wal' : 'delete');
      db.close();
      await runOn(plan, swap.drop(id), undefined, environment);
      await runOn(plan, swap.drop(id), undefined, environment);
      expect(existsSync(keptName)).toBe(false);
      expect(rowsOf(path)).toEqual(['restored']);
    },
  );

  it.each([true, false])('not while somebody has it open (WAL: %s), who is named', async (isWal) => {
    const { home, path, plan } = place(isWal);
    const id = await identify(plan);
    await load(plan, DUMP, { environment });
    const open = new Database(path);
    open.exec(`INSERT INTO t VALUES ('later')`);
    try {
      const checks = await checksOf(plan, environment);
      expect(checks.find(({ name }) => name === 'In use')).toMatchObject({
        ok: false,
        says: expect.stringContaining(`(${process.pid})`),
      });
      await expect(runOn(plan, swapOf(plan).swap(id), undefined, environment)).rejects.toMatchObject({
        code: 'conflict',
        message: expect.stringContaining(`(${process.pid})`),
      });
      await runOn(plan, plan.remove, undefined, environment);
      expect(open.prepare('SELECT n FROM t').pluck().all()).toEqual(['before', 'later']);
    } finally {
      open.close();
    }
    expect(readdirSync(home)).toEqual([path.slice(home.length + 1)]);
    expect(rowsOf(path)).toEqual(['before', 'later']);
  });

  it('though the one who did it was killed in the middle, and comes back where that is not wanted any more', async () => {
    const steps: readonly ((path: string, keptName: string) => void)[] = [
      (path, keptName) => linkSync(path, keptName),
      (path, keptName) => renameSync(path, keptName),
    ];
    for (const step of steps) {
      for (const isEnded of [true, false]) {
        const { home, path, keptName, plan, planOf } = place(true);
        const id = await identify(plan);
        await load(plan, DUMP, { environment });
        step(path, keptName);
        if (isEnded) {
          await runOn(plan, swapOf(plan).swap(id), undefined, environment);
          expect([rowsOf(path), rowsOf(keptName)]).toEqual([['restored'], ['before']]);
          await expect(runOn(plan, planOf(id).remove, undefined, environment)).rejects.toThrow(
            'taken the place',
          );
          expect(rowsOf(path)).toEqual(['restored']);
        } else {
          await runOn(plan, planOf(id).remove, undefined, environment);
          expect(rowsOf(path)).toEqual(['before']);
          expect(statSync(path).ino).toBe(Number(id));
          expect(readdirSync(home)).toEqual([path.slice(home.length + 1)]);
        }
      }
    }
  });

  it('not where another file has its name by now, and what is kept is dropped by what it is', async () => {
    const { path, keptName, plan } = place(false);
    const id = await identify(plan);
    await load(plan, DUMP, { environment });
    renameSync(path, `${path}.mine`);
    new Database(path).exec(`CREATE TABLE t (n)`).close();
    const swap = swapOf(plan);
    await expect(runOn(plan, swap.swap(id), undefined, environment)).rejects.toThrow('Nothing was swapped');
    renameSync(path, keptName);
    await expect(runOn(plan, swap.drop(id), undefined, environment)).rejects.toThrow(
      'not the one that was kept',
    );
    expect(existsSync(keptName)).toBe(true);
    await runOn(plan, plan.remove, undefined, environment);
    expect(rowsOf(`${path}.mine`)).toEqual(['before']);
  });
});
