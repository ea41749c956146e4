import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { DropFacts } from '../../src/engines/drop.ts';
import { SEES_ALL } from '../../src/engines/sqlite/in-place/openers.ts';
import { restoreSqlite } from '../../src/engines/sqlite/restore.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import { runInShell } from './shell.ts';

/** A restored file is dropped where it is the very one, and nobody goes on with it; the names are odd. */
const folder = mkdtempSync(join(process.env['TEST_DISK'] ?? tmpdir(), "made ü 'x' $y <b> "));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WITHOUT_PTRACE = ['setpriv', '--bounding-set=-sys_ptrace', 'sh'];
let path: string;
let count = 0;
beforeEach(() => {
  count += 1;
  path = join(folder, `-it's "copy" 🐘 ${count}.db`);
});

function plan() {
  const { made } = restoreSqlite({
    ...{ host: null, port: null, databaseName: null, username: null, password: null, serverVersion: null },
    ...{ clientVersion: null, options: sqlite.options.parse({ filePath: `${path}.live` }), needs: null },
    ...{ address: null, newName: path, token: `t${count}`, format: 'plain', expectedBytes: 10_000 },
  });
  if (made === undefined) throw new Error('a plan of something that can not be told');
  return made;
}

/** As the end of a restore does it: looked at in the folder of the restore, then given its name. */
async function make(): Promise<string> {
  rmSync(path, { force: true });
  const work = join(folder, `.bridgeport-restore-t${count}`);
  mkdirSync(work);
  const file = join(work, 'restored.sqlite');
  new Database(file).exec('CREATE TABLE a (n); INSERT INTO a VALUES (1)').close();
  const { command, read } = plan().identify;
  const id = read((await runInShell(command)).stdout.toString());
  linkSync(file, path);
  rmSync(work, { recursive: true });
  return id;
}

const FACTS = { registered: [], isUnused: false, isOnlyCopy: false, mayBeGone: false, begunIn: null };

async function drop(id: string, asked: Partial<DropFacts> & { readonly shell?: readonly string[] } = {}) {
  const { shell = ['sh'], ...facts } = asked;
  const { command } = plan().drop(id, { ...FACTS, ...facts });
  const { exitCode, stderr } = await runInShell(command, { shell });
  return [exitCode, stderr.trim()];
}

/** Where a drop that begins now is written down to be. */
async function place(id: string): Promise<string | null> {
  const { where } = plan().drop(id, FACTS);
  if (where === undefined) throw new Error('a drop of something that may lie anywhere');
  return where.read((await runInShell(where.command)).stdout.toString());
}

describe('a restored file', () => {
  it('is dropped where it is the very one, without a word where it can be seen that nobody has it open', async () => {
    const id = await make();
    const { exitCode } = await runInShell({ script: `${SEES_ALL}\nsees_all` });
    const sees = exitCode === 0;
    expect(await drop(id)).toEqual(sees ? [0, ''] : [66, 'bridgeport: unseen']);
    expect(existsSync(path)).toBe(!sees);
    const next = await make();
    expect(await drop(next, { isUnused: true })).toEqual([0, '']);
    expect(existsSync(path)).toBe(false);
  });

  it('is told from a later one that the file system gave the same inode', async () => {
    const id = await make();
    const { ino } = statSync(path);
    rmSync(path);
    // Free numbers are given lowest first; a file system that gives none again tells by the number alone.
    for (let tries = 0; tries < 20; tries += 1) {
      rmSync(path, { force: true });
      writeFileSync(path, 'somebody else’s');
      if (statSync(path).ino === ino) break;
      renameSync(path, `${path}.${tries}`);
    }
    if (!existsSync(path)) writeFileSync(path, 'somebody else’s');
    expect(await drop(id)).toEqual([66, 'bridgeport: its name is taken']);
    // Somebody says that it is gone: what is there is left alone.
    expect(await drop(id, { mayBeGone: true })).toEqual([0, '']);
    expect(existsSync(path)).toBe(true);
  });

  it('is not dropped by its inode alone, as it was once recorded, nor identified where nobody knows when it was made', async () => {
    await make();
    const facts = { ...FACTS, isUnused: true, mayBeGone: true };
    expect(() => plan().drop(String(statSync(path).ino), facts)).toThrow(/was recorded by its inode alone/);
    const { read } = plan().identify;
    for (const birth of ['0', '0.000000000', '-', '?', 'W', '']) {
      expect(() => read(`bridgeport:made=12 34 ${birth} 1796026813.1\n`)).toThrow(/when a file was made/);
    }
  });

  it('is kept where it is gone from its name, which is no drop, and told where a database has it now', async () => {
    const id = await make();
    const live = `${path}.live`;
    const there = await place(id);
    expect(there).toMatch(new RegExp(`^[0-9a-f]+:${statSync(folder).ino}$`));
    renameSync(path, live);
    // Of what is not there nothing says where it was.
    expect(await place(id)).toBeNull();
    expect(await drop(id)).toEqual([66, 'bridgeport: no longer there']);
    expect(await drop(id, { registered: [`${path}.none`, live] })).toEqual([
      66,
      `bridgeport: is a database now: ${live}`,
    ]);
    expect(await drop(id, { registered: [live], mayBeGone: true })).toEqual([
      66,
      `bridgeport: is a database now: ${live}`,
    ]);
    // A drop was begun before, on that very disk, and not on one that is not mounted now; or somebody says so.
    for (const begunIn of ['', '1', `${there}0`, `1:${statSync(folder).ino}`, '0; true']) {
      expect(await drop(id, { begunIn })).toEqual([66, 'bridgeport: no longer there']);
    }
    expect(await drop(id, { begunIn: there })).toEqual([0, '']);
    expect(await drop(id, { mayBeGone: true })).toEqual([0, '']);
    expect(existsSync(live)).toBe(true);
  });

  it('and is the only copy stays where it is there, and is settled where it is not', async () => {
    const id = await make();
    const only = { isUnused: true, isOnlyCopy: true };
    expect(await drop(id, only)).toEqual([66, 'bridgeport: the restored one is the only copy']);
    expect(existsSync(path)).toBe(true);
    rmSync(path);
    expect(await drop(id, only)).toEqual([66, 'bridgeport: no longer there']);
    expect(await drop(id, { ...only, mayBeGone: true })).toEqual([0, '']);
  });

  it('is kept where a registered database leads to it by another path', async () => {
    const id = await make();
    const link = join(folder, `link ${count}`);
    symlinkSync(folder, link);
    const other = join(link, basename(path));
    expect(await drop(id, { registered: [other] })).toEqual([66, `bridgeport: is a database now: ${other}`]);
    expect(existsSync(path)).toBe(true);
  });

  it('is kept where somebody wrote into it since, whether that is in the file or beside it', async () => {
    const id = await make();
    for (const end of ['-wal', '-shm', '-journal']) {
      writeFileSync(`${path}${end}`, '');
      const said = [66, `bridgeport: used since: ${path}${end}`];
      expect(await drop(id, { isUnused: true })).toEqual(said);
      rmSync(`${path}${end}`);
    }
    new Database(path).exec('INSERT INTO a VALUES (2)').close();
    expect(await drop(id, { isUnused: true })).toEqual([66, `bridgeport: used since: ${path}`]);
    expect(existsSync(path)).toBe(true);
  });

  it('is kept where somebody has it open, and where nobody can say who has', async () => {
    const id = await make();
    const open = new Database(path);
    open.prepare('SELECT count(*) FROM a').get();
    const [status, said] = await drop(id, { isUnused: true });
    expect([status, said]).toEqual([66, expect.stringContaining(`(process ${process.pid})`)]);
    // What is open and idle is invisible to who may not look at others’ processes.
    const blind = { shell: WITHOUT_PTRACE };
    expect(await drop(id, blind)).toEqual([66, 'bridgeport: unseen']);
    open.close();
    expect(await drop(id, blind)).toEqual([66, 'bridgeport: unseen']);
    expect(existsSync(path)).toBe(true);
    expect(await drop(id, { ...blind, isUnused: true })).toEqual([0, '']);
    expect(existsSync(path)).toBe(false);
  });
});
