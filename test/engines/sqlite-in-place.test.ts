import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeptFacts } from '../../src/engines/drop.ts';
import { SWAPPED } from '../../src/engines/in-place.ts';
import type { PreflightCheck, RestorePlan } from '../../src/engines/restore.ts';
import { restoreSqlite } from '../../src/engines/sqlite/restore.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import type { HostCommand } from '../../src/hosts/host.ts';
import { until } from '../support/until.ts';
import { runInShell } from './shell.ts';
import { hostileFiles } from './sqlite-hostile-files.ts';

/** What a file is replaced by, what is kept of it, and what a kill at any moment makes of the two; the names are odd. */

const WITHOUT_PTRACE = ['setpriv', '--bounding-set=-sys_ptrace', 'sh'];
const folder = mkdtempSync(join(tmpdir(), "in'place ü <script> $x +"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let place: string;
let live: string;
let kept: string;
const others: ChildProcess[] = [];
beforeEach(() => {
  place = mkdtempSync(join(folder, 'p'));
  live = join(place, '-it\'s "live" 🐘.db');
  kept = `${live}.before-20261130000000`;
});
afterEach(async () => {
  for (const child of others.splice(0)) await killed(child);
});

function planOf(replacedId: string | null, of = FIRST, mayBeSwapped = false): RestorePlan {
  return restoreSqlite({
    ...{ host: null, port: null, databaseName: null, username: null, password: null, serverVersion: null },
    ...{ clientVersion: null, options: sqlite.options.parse({ filePath: live }), needs: null, address: null },
    ...{ newName: live, token: of.token, format: 'plain', expectedBytes: 10_000 },
    inPlace: { keptName: of.kept(), replacedId, endSessions: false, mayBeSwapped },
  });
}

function swapOf({ swap }: RestorePlan) {
  if (swap === undefined) throw new Error('a plan without a swap');
  return swap;
}

function sql(file: string, ...statements: readonly string[]): void {
  const db = new Database(file);
  for (const one of statements) db.exec(one);
  db.close();
}

/** The tables of a file with their rows, which are what tells one from the other. */
function tables(file: string): Readonly<Record<string, number>> {
  const db = new Database(file, { fileMustExist: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    const names = db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all();
    const count = (name: string) =>
      db.prepare<[], number>(`SELECT count(*) FROM "${name}"`).pluck().get() ?? 0;
    return Object.fromEntries(names.map((name) => [name, count(name)]));
  } finally {
    db.close();
  }
}
const modeOf = (file: string) => readFileSync(file)[18];

const OLD = { old: 200 };
const NEW = { restored: 3 };
function makeOld(mode = 'DELETE'): void {
  sql(live, `PRAGMA journal_mode=${mode}`, 'CREATE TABLE old(x)');
  sql(
    live,
    `INSERT INTO old SELECT randomblob(300) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i FROM n)`,
  );
}

/** What the kinds of new content are, as files. */
function newFile(table: string, blobBytes = 0): Buffer {
  const file = join(folder, 'new.db');
  rmSync(file, { force: true });
  sql(file, `CREATE TABLE ${table}(x)`, `INSERT INTO ${table} VALUES('ü'),(2),(zeroblob(${blobBytes}))`);
  return readFileSync(file);
}

const FIRST = { token: 'tok1', kept: () => kept };
const SECOND = { token: 'tok2', kept: () => `${kept}1` };

/** Up to the swap, as after the loading; gives what tells the two files. */
async function restored(content = newFile('restored'), of = FIRST): Promise<string> {
  await runOn(planOf(null, of).create);
  const made = join(place, `.bridgeport-restore-${of.token}`);
  writeFileSync(join(made, 'restored.sqlite'), content);
  const { command, read } = swapOf(planOf(null, of)).identify;
  return read(await runOn(command));
}

/** What a command prints; throws as the plan explains its failure. */
async function runOn(command: HostCommand): Promise<string> {
  const { stdout, ...failure } = await runInShell(command);
  if (failure.exitCode !== 0) throw planOf(null).explain(failure) ?? new Error(failure.stderr);
  return stdout.toString();
}

const swap = (id: string, of = FIRST) => runOn(swapOf(planOf(id, of)).swap(id));
const remove = (id: string) => runOn(planOf(id).remove);
async function look(id: string) {
  const { command, read } = swapOf(planOf(id)).isDone(id);
  return read(await runOn(command));
}
const isDone = async (id: string) => (await look(id)).isDone;

const FACTS = { registered: [], isUnused: true, isOnlyCopy: false, mayBeGone: false, begunIn: null };

/** Where a drop that begins now is written down to be. */
async function where(id: string, told: string | null) {
  const found = swapOf(planOf(id)).drop(id, { ...FACTS, kept: told }).where;
  return found?.read(await runOn(found.command)) ?? null;
}

/** `told` is what the look behind the swap told of what is kept. */
async function drop(id: string, told: string | null, facts: Partial<KeptFacts> = {}) {
  const { command, read, explain } = swapOf(planOf(id)).drop(id, { ...FACTS, kept: told, ...facts });
  const { stdout, ...failure } = await runInShell(command);
  if (failure.exitCode !== 0) throw explain(failure) ?? new Error(failure.stderr);
  return read(stdout.toString());
}
async function checks(): Promise<readonly PreflightCheck[]> {
  const { preflight } = planOf(null);
  return preflight.read(await runOn(preflight.command));
}
const files = () => readdirSync(place).sort();
const named = (...paths: readonly string[]) => paths.map((path) => path.slice(place.length + 1)).sort();

/** A program that has the file open until it is ended, and has done there what it was told. */
async function user(commands: string): Promise<ChildProcess> {
  const child = spawn('sqlite3', [live], { stdio: ['pipe', 'pipe', 'inherit'] });
  others.push(child);
  child.stdin.write(`${commands}\n.print there\n`);
  await once(child.stdout, 'data');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

describe('a file of an attacker that is to be replaced', () => {
  it('gets no command run and no file read, whatever its schema calls', async () => {
    // Their schemas spell these without quoting.
    const plain = mkdtempSync(join(tmpdir(), 'hostile-'));
    const canary = join(plain, 'canary');
    const [secretFile, secretArchive] = [join(plain, 'secret'), join(plain, 'secret.zip')];
    for (const file of [secretFile, secretArchive]) writeFileSync(file, 'a-secret-of-the-host');
    // What a look and a dump make of each is tried where they are; here one in six, of every kind.
    const all = Object.entries(hostileFiles({ canary, secretFile, secretArchive }));
    for (const [name, fill] of all.filter((_, index) => index % 6 === 0)) {
      place = mkdtempSync(join(folder, 'h'));
      live = join(place, 'live.db');
      kept = `${live}.before`;
      const db = new Database(live);
      db.unsafeMode(true);
      db.pragma('writable_schema = ON');
      fill(db);
      db.close();
      const said = [JSON.stringify(await checks().catch(String))];
      // A file that can't be read as a database may be refused; what it does to the host is what counts.
      const id = await restored().catch(String);
      said.push(await swap(id).catch(String));
      expect([name, existsSync(canary), said.join().includes('a-secret-of-the-host')]).toEqual([
        name,
        false,
        false,
      ]);
    }
    rmSync(plain, { recursive: true });
  });
});

describe('what was restored', () => {
  it.each(['DELETE', 'WAL'])(
    'takes the place, and what was there is kept whole, in the mode %s',
    async (mode) => {
      makeOld(mode);
      chmodSync(live, 0o640);
      const id = await restored();
      const { ino } = statSync(live);
      // Its newest row is in -wal alone, and a change that was not ended in a journal: the writer was killed.
      const writer = await user(`PRAGMA cache_size=1; INSERT INTO old VALUES('newest');
      BEGIN; UPDATE old SET x = randomblob(300); INSERT INTO old SELECT x FROM old;`);
      await killed(writer);
      expect(statSync(`${live}${mode === 'WAL' ? '-wal' : '-journal'}`).size).toBeGreaterThan(0);
      expect(await isDone(id)).toBe(false);
      await swap(id);
      expect(await isDone(id)).toBe(true);
      await swap(id);
      const header = mode === 'WAL' ? 2 : 1;
      expect([statSync(live).ino, statSync(live).mode & 0o777, modeOf(live)]).toEqual([ino, 0o640, header]);
      expect([statSync(kept).mode & 0o777, modeOf(kept)]).toEqual([0o640, header]);
      expect([tables(live), tables(kept)]).toEqual([NEW, { old: 201 }]);
      expect(files()).toEqual(named(live, kept));
      await expect(remove(id)).rejects.toThrow('taken the place');
      const { kept: told } = await look(id);
      expect(await drop(id, told)).toBe('dropped');
      expect(files()).toEqual(named(live));
    },
  );

  it('takes the place of what is damaged or cut, and of a file that a link names', async () => {
    makeOld();
    const whole = readFileSync(live);
    const header = Buffer.from(whole);
    header.fill('x', 0, 60);
    for (const damaged of [header, whole.subarray(0, whole.length / 2)]) {
      writeFileSync(live, damaged);
      await swap(await restored());
      expect(tables(live)).toEqual(NEW);
      expect(readFileSync(kept).equals(damaged)).toBe(true);
      rmSync(kept);
    }
    const real = join(place, 'real.db');
    renameSync(live, real);
    symlinkSync(real, live);
    const id = await restored(newFile('again'));
    await swap(id);
    expect([lstatSync(live).isSymbolicLink(), tables(real), tables(kept)]).toEqual([true, { again: 3 }, NEW]);
    expect(files()).toEqual(named(live, real, kept));
  });

  it('that was damaged is left as it is by a swap that is taken back', async () => {
    makeOld();
    writeFileSync(live, Buffer.from(readFileSync(live)).fill('x', 0, 60));
    const before = readFileSync(live);
    const id = await restored();
    expect(await killedSwap(id, 'ln 1')).not.toBe(0);
    await remove(id);
    expect(readFileSync(live).equals(before)).toBe(true);
    expect(files()).toEqual(named(live));
  });
});

describe('who uses the file', () => {
  it('is named before anything is made, whether it reads or only has it open', async () => {
    makeOld('WAL');
    expect((await checks()).filter(({ ok }) => !ok)).toEqual([]);
    for (const commands of ['.tables', 'BEGIN; SELECT count(*) FROM old;']) {
      const reader = await user(commands);
      const refused = (await checks()).filter(({ ok }) => !ok);
      expect(refused.map(({ name, says }) => [name, says])).toEqual([
        ['In use', expect.stringContaining(`is open in sqlite3 (process ${reader.pid})`)],
      ]);
      await killed(reader);
    }
  });

  it.each(['DELETE', 'WAL'])(
    'and comes in between is named, and finds all as it was, in the mode %s',
    async (mode) => {
      makeOld(mode);
      const id = await restored();
      const late = await user('SELECT count(*) FROM old;');
      // It tries for as long as somebody may take to leave.
      const refusal = await runInShell(swapOf(planOf(id)).swap(id), {
        env: { PATH: `${impatient}:${PATH}` },
      });
      expect(planOf(id).explain(refusal)?.message).toMatch(
        new RegExp(`^Nothing was replaced: .* stayed in use by sqlite3 \\(process ${late.pid}\\)`),
      );
      await remove(id);
      expect(modeOf(live)).toBe(mode === 'WAL' ? 2 : 1);
      await killed(late);
      expect(tables(live)).toEqual(OLD);
      expect(files()).toEqual(named(live));
    },
  );

  it('after the swap of another is not asked: of two at once both keep what they found', async () => {
    makeOld();
    const [one, two] = [await restored(), await restored(newFile('b'), SECOND)];
    const ends = await Promise.allSettled([swap(one), swap(two, SECOND)]);
    // One that has waited long enough for the other gives up, and may be asked again.
    for (const [index, end] of ends.entries()) {
      if (end.status === 'fulfilled') continue;
      expect(String(end.reason)).toContain('stayed in use');
      await (index === 0 ? swap(one) : swap(two, SECOND));
    }
    const found = [tables(live), tables(kept), tables(SECOND.kept())].map((of) => Object.keys(of)[0]).sort();
    expect(found).toEqual(['b', 'old', 'restored']);
  });
});

/** Programs of the host that kill the shell that calls them, and maybe sqlite3, in place of one of their calls. */
const trap = join(folder, 'trap');
mkdirSync(trap);
for (const name of ['cp', 'ln', 'sync', 'rmdir']) {
  const script = `#!/bin/sh
echo >>"$CALLS.${name}"
[ "$AT" != "${name} $(wc -l <"$CALLS.${name}" | tr -d ' ')" ] || { [ -z "$ALL" ] || kill -KILL "$(cat pid)"; kill -KILL "$PPID"; exit 1; }
exec /usr/bin/${name} "$@"
`;
  writeFileSync(join(trap, name), script, { mode: 0o755 });
}
/** A host on which time goes by at once. */
const impatient = join(folder, 'impatient');
mkdirSync(impatient);
writeFileSync(join(impatient, 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
const PATH = process.env['PATH'] ?? '';

async function killedSwap(id: string, at: string, all = ''): Promise<number | null> {
  const env = { PATH: `${trap}:${PATH}`, AT: at, CALLS: join(place, 'calls'), ALL: all };
  const { exitCode } = await runInShell(swapOf(planOf(id)).swap(id), { env });
  for (const file of files()) if (file.startsWith('calls')) rmSync(join(place, file));
  return exitCode;
}

describe('a swap that is killed', () => {
  it('before anything is written is taken back, or ended', async () => {
    makeOld('WAL');
    const first = await restored();
    expect(await killedSwap(first, 'cp 1', 'all')).not.toBe(0);
    expect(modeOf(live)).toBe(1);
    await remove(first);
    expect([tables(live), modeOf(live), files()]).toEqual([OLD, 2, named(live)]);
    const second = await restored();
    expect(await killedSwap(second, 'sync 2', 'all')).not.toBe(0);
    expect(await isDone(second)).toBe(false);
    await swap(second);
    expect([tables(live), tables(kept), modeOf(live), files()]).toEqual([NEW, OLD, 2, named(live, kept)]);
  });

  it.each(['sync 3', 'rmdir 1'])('after all is written is ended, whoever removes (%s)', async (at) => {
    makeOld('WAL');
    const id = await restored();
    expect(await killedSwap(id, at, 'all')).not.toBe(0);
    expect(await isDone(id)).toBe(false);
    await expect(remove(id)).rejects.toThrow('taken the place');
    expect(await isDone(id)).toBe(true);
    expect([tables(live), tables(kept), modeOf(live), files()]).toEqual([NEW, OLD, 2, named(live, kept)]);
  });

  /** The host lets sqlite3 write no file of more than a megabyte. */
  async function withoutRoom(id: string, first: string) {
    const { script } = swapOf(planOf(id)).swap(id);
    const limited = script.replace('\ntries=0', `\n${first}\nulimit -f 2000\ntries=0`);
    expect(limited).not.toBe(script);
    return runInShell({ script: limited });
  }

  it.each([
    [':', 'killed in the middle of its writing', ''],
    ["trap '' XFSZ", 'refused a write', 'The disk of the host failed'],
  ])('by its host (%s: %s) leaves all as it was, whoever looks first', async (first, _what, says) => {
    makeOld();
    const id = await restored(newFile('restored', 3_000_000));
    const ended = await withoutRoom(id, first);
    expect(ended.exitCode).toBe(3);
    expect(planOf(id).explain(ended)?.message ?? '').toContain(says);
    // Only what was refused could clean up behind itself.
    if (says === '') expect(existsSync(`${live}-journal`)).toBe(true);
    expect(await isDone(id)).toBe(false);
    await remove(id);
    expect([tables(live), files()]).toEqual([OLD, named(live)]);
  });
});

/** A host on which somebody does something, as `$MEDDLE` says, just before the kept file gets its name. */
const meddled = join(folder, 'meddled');
mkdirSync(meddled);
writeFileSync(join(meddled, 'ln'), '#!/bin/sh\neval "$MEDDLE"\nexec /usr/bin/ln "$@"\n', { mode: 0o755 });

/** A host without cksum, and one whose tr takes the name of a class for letters, as that of busybox may. */
const uncompared = join(folder, 'uncompared');
mkdirSync(uncompared);
writeFileSync(join(uncompared, 'cksum'), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
const busy = join(folder, 'busy');
mkdirSync(busy);
writeFileSync(
  join(busy, 'tr'),
  '#!/bin/sh\n[ "$2" != "[:print:]" ] || set -- -cd "[:print]"\nexec /usr/bin/tr "$@"\n',
  { mode: 0o755 },
);

function meddledSwap(id: string, MEDDLE: string, env: Readonly<Record<string, string>> = {}) {
  return runInShell(swapOf(planOf(id)).swap(id), { env: { PATH: `${meddled}:${PATH}`, MEDDLE, ...env } });
}

/** A swap that holds the file until `goOn` is there. */
async function heldSwap(id: string) {
  const [reached, goOn] = [join(place, 'reached'), join(place, 'go on')];
  const hold = ': >"$REACHED"; until [ -e "$GO" ]; do /bin/sleep 0.05; done';
  const outlived = meddledSwap(id, hold, { REACHED: reached, GO: goOn });
  await until('the swap to hold the file', 60_000, () => existsSync(reached));
  return { reached, goOn, outlived };
}

describe('what is kept', () => {
  it('is not overlooked to be no copy where nothing can compare it', async () => {
    makeOld();
    const id = await restored();
    const ended = await meddledSwap(id, ':', { PATH: `${uncompared}:${PATH}` });
    expect(planOf(id).explain(ended)?.message).toContain('no whole copy');
    await remove(id);
    expect([tables(live), files()]).toEqual([OLD, named(live)]);
  });

  it('has its name, and is in no folder of somebody else, before anything is written', async () => {
    makeOld();
    const id = await restored();
    const elsewhere = join(place, 'elsewhere');
    const ended = await meddledSwap(id, 'mkdir "$ELSEWHERE"; /usr/bin/ln -s "$ELSEWHERE" "$KEPT"', {
      ELSEWHERE: elsewhere,
      KEPT: kept,
    });
    expect(planOf(id).explain(ended)?.message).toContain('be kept, there is');
    await remove(id);
    expect([tables(live), files()]).toEqual([OLD, named(live, elsewhere, kept)]);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('and was moved by a person after a swap that nobody heard of is not taken for a swap that never was', async () => {
    makeOld();
    const id = await restored();
    const { remove: removal } = planOf(id, FIRST, true);
    await swap(id);
    renameSync(kept, `${kept} moved`);
    await expect(runOn(removal)).rejects.toThrow('Nobody can tell whether');
    const made = join(place, '.bridgeport-restore-tok1');
    mkdirSync(made);
    await expect(runOn(removal)).rejects.toThrow('Nobody can tell whether');
    writeFileSync(join(made, 'restored.sqlite'), '');
    await runOn(removal);
    expect([tables(live), files()]).toEqual([NEW, named(live, `${kept} moved`)]);
    renameSync(`${kept} moved`, kept);
    await expect(runOn(removal)).rejects.toThrow('taken the place');
    rmSync(kept);
    await remove(id);
  });

  it('stays where the shell of a swap has outlived its connection, and is ended by the removal', async () => {
    makeOld();
    const id = await restored();
    const { reached, goOn, outlived } = await heldSwap(id);
    await remove(id);
    writeFileSync(goOn, '');
    expect((await outlived).exitCode).toBe(null);
    rmSync(reached);
    rmSync(goOn);
    expect([tables(live), files()]).toEqual([OLD, named(live)]);
  });
});

it('names the program that is missing, and calls no good file damaged by a tr that knows no classes', async () => {
  makeOld();
  const { preflight } = planOf(null);
  const looked = await runInShell(
    { script: `command() { [ "$2" != cksum ] && [ -n "$2" ]; }\n${preflight.command.script}` },
    { env: { PATH: `${busy}:${PATH}` } },
  );
  const found = preflight.read(looked.stdout.toString());
  expect(found.filter(({ ok }) => !ok).map(({ says }) => says)).toEqual([
    expect.stringContaining('missing on the host: cksum.'),
  ]);
  expect(found.find(({ name }) => name === 'File')?.says).not.toContain('damaged');
});

describe('what was restored and is gone when it is to be written', () => {
  it.each([
    ['DELETE', 'rm restored.sqlite', 3],
    ['WAL', ': >restored.sqlite', 66],
  ])('is called no done restore, and all is as it was (%s, %s)', async (mode, meddle, status) => {
    makeOld(mode);
    const id = await restored();
    expect((await meddledSwap(id, meddle)).exitCode).toBe(status);
    expect(await isDone(id)).toBe(false);
    expect(tables(live)).toEqual(OLD);
    expect(tables(kept)).toEqual(OLD);
    await expect(swap(id)).rejects.toThrow('is gone from its folder');
    await remove(id);
    expect([tables(live), modeOf(live), files()]).toEqual([OLD, mode === 'WAL' ? 2 : 1, named(live)]);
  });

  it('and can’t be taken back leaves what is kept alone, whoever looks', async () => {
    makeOld();
    writeFileSync(live, Buffer.from(readFileSync(live)).fill('x', 0, 60));
    const before = readFileSync(live);
    const id = await restored();
    const ended = await meddledSwap(id, ': >restored.sqlite');
    for (const again of [() => remove(id), () => swap(id)]) {
      await expect(again()).rejects.toThrow('neither what it was nor what was restored');
    }
    expect(planOf(id).explain(ended)?.message).toContain('neither what it was nor what was restored');
    expect(await isDone(id)).toBe(false);
    expect(readFileSync(kept).equals(before)).toBe(true);
  });

  it('is written in one go over a file of another encoding', async () => {
    sql(live, `PRAGMA encoding='UTF-16'`, 'PRAGMA journal_mode=WAL', 'CREATE TABLE old(x)');
    const id = await restored();
    // What is kept is what was there: nothing asked for it before.
    expect((await swap(id)).split('\n')).toContain(SWAPPED);
    expect(await isDone(id)).toBe(true);
    expect([tables(live), tables(kept), modeOf(live), files()]).toEqual([
      NEW,
      { old: 0 },
      2,
      named(live, kept),
    ]);
  });
});

describe('what is kept of a file', () => {
  let id: string;
  let told: string | null;
  beforeEach(async () => {
    makeOld('WAL');
    id = await restored();
    await swap(id);
    ({ kept: told } = await look(id));
  });

  it('is not dropped once somebody goes on with it, whether that is in the file or beside it', async () => {
    const db = new Database(kept);
    expect(db.prepare('SELECT count(*) FROM old').pluck().get()).toBe(200);
    await expect(drop(id, told)).rejects.toThrow(`(process ${process.pid})`);
    db.close();
    // A writer that was killed: its newest row is in -wal alone.
    const other = spawn('sqlite3', [kept], { stdio: ['pipe', 'pipe', 'inherit'] });
    others.push(other);
    other.stdin.write("INSERT INTO old VALUES('newest');\n.print there\n");
    await once(other.stdout, 'data');
    await killed(other);
    await expect(drop(id, told)).rejects.toThrow('-wal was written after the restore');
    sql(kept, 'PRAGMA wal_checkpoint(TRUNCATE)');
    expect(files()).toEqual(named(live, kept));
    await expect(drop(id, told)).rejects.toThrow('was written after the restore');
    expect(tables(kept)).toEqual({ old: 201 });
  });

  it('is dropped after somebody has only looked into it, or gone back by its content', async () => {
    sql(kept, 'SELECT * FROM old');
    execFileSync('sqlite3', [live, `.restore ${JSON.stringify(kept)}`]);
    expect([tables(live), await drop(id, told)]).toEqual([OLD, 'dropped']);
    expect(files()).toEqual(named(live));
  });

  it('is not dropped where nobody can tell whether somebody has it open, or wrote into it', async () => {
    await expect(drop(id, null, { isUnused: false })).rejects.toThrow(
      'nobody knows whether somebody goes on',
    );
    const { command, explain } = swapOf(planOf(id)).drop(id, {
      ...{ ...FACTS, isUnused: false, kept: told },
    });
    const unseen = await runInShell(command, { shell: WITHOUT_PTRACE });
    expect(explain(unseen)).toMatchObject({ details: { field: 'isUnused' } });
    expect(files()).toEqual(named(live, kept));
    expect(await drop(id, null)).toBe('dropped');
  });

  it('is not taken for dropped where it is gone from its name, or its folder can’t be looked into', async () => {
    const away = `${kept} away`;
    const there = await where(id, told);
    expect(there).toMatch(new RegExp(`^[0-9a-f]+:${statSync(place).ino}$`));
    renameSync(kept, away);
    // Of what is not there nothing says where it was.
    expect(await where(id, told)).toBeNull();
    await expect(drop(id, told)).rejects.toMatchObject({
      ...{ message: expect.stringContaining('is no longer there under that name') },
      details: { field: 'mayBeGone' },
    });
    await expect(drop(id, told, { registered: [live, away] })).rejects.toThrow('registered database now');
    expect(await drop(id, told, { mayBeGone: true })).toBe('dropped');
    // A drop that was begun on a disk which is not mounted now is known by that.
    for (const begunIn of [`${there}0`, `0${there}`, String(statSync(place).dev), '']) {
      await expect(drop(id, told, { begunIn })).rejects.toThrow('no longer there');
    }
    expect(await drop(id, told, { begunIn: there })).toBe('dropped');
    // Its name is another’s.
    writeFileSync(kept, 'of somebody else');
    await expect(drop(id, told, { begunIn: there })).rejects.toMatchObject({
      details: { field: 'mayBeGone' },
    });
    expect(await drop(id, told, { mayBeGone: true })).toBe('dropped');
    expect(readFileSync(kept, 'utf8')).toBe('of somebody else');
    // It is behind that name, wherever it lies.
    rmSync(kept);
    symlinkSync(away, kept);
    await expect(drop(id, told, { mayBeGone: true })).rejects.toThrow('not the one that was kept');
    rmSync(kept);
    for (const [path, mode] of [
      [folder, 0o755],
      [place, 0o644],
    ] as const) {
      chmodSync(path, mode);
    }
    const { command, explain } = swapOf(planOf(id)).drop(id, { ...FACTS, mayBeGone: true, kept: told });
    const nobody = { shell: ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'sh'] };
    const refused = await runInShell(command, nobody);
    expect(explain(refused)?.message).toContain('the SSH user may not look into it');
    const { remove } = planOf(id);
    expect(planOf(id).explain(await runInShell(remove, nobody))?.message).toContain(
      'see whether its disk is mounted',
    );
  });

  it('is told from another file of its inode, where nobody looked behind the swap, by when it was made', async () => {
    expect(id).toMatch(/^\d+ \d+ \d+\.\d+$/);
    expect(id.split(' ').slice(1)).toEqual(told?.split(' ').slice(0, 2));
    // As another one is that got its number, which it does as soon as that is free.
    const another = id.replace(/\d+$/, '1');
    expect([await isDone(id), await isDone(another)]).toEqual([true, false]);
    await expect(drop(another, null)).rejects.toThrow('is not the one that was kept');
    await expect(runOn(planOf(another, FIRST, true).remove)).rejects.toThrow('Nobody can tell whether');
    expect(files()).toEqual(named(live, kept));
    expect(await drop(id, null)).toBe('dropped');
    expect(files()).toEqual(named(live));
    // By its inode alone, as it was recorded once.
    await swap(await restored());
    const old = `${statSync(live).ino} ${statSync(kept).ino}`;
    expect([await isDone(old), await drop(old, null)]).toEqual([true, 'dropped']);
  });

  it('and is the only copy stays where it is there, and is settled where it is not', async () => {
    const only = { isOnlyCopy: true };
    await expect(drop(id, told, only)).rejects.toMatchObject({
      ...{ code: 'invalid', details: { field: 'isOnlyCopy' } },
      message: expect.stringContaining('is the only copy of what was there before the restore'),
    });
    expect(files()).toEqual(named(live, kept));
    const there = await where(id, told);
    renameSync(kept, `${kept} away`);
    await expect(drop(id, told, only)).rejects.toMatchObject({ details: { field: 'mayBeGone' } });
    expect(await drop(id, told, { ...only, mayBeGone: true })).toBe('dropped');
    expect(await drop(id, told, { ...only, begunIn: there })).toBe('dropped');
    renameSync(`${kept} away`, live);
    expect(await drop(id, told, only)).toBe('taken-back');
  });

  it('is no more where somebody has given it its name back', async () => {
    const link = join(place, 'link');
    symlinkSync(place, link);
    const registered = [join(link, kept.slice(place.length + 1))];
    await expect(drop(id, told, { registered })).rejects.toThrow('registered database now');
    renameSync(kept, live);
    expect(await drop(id, told)).toBe('taken-back');
    expect([tables(live), files()]).toEqual([OLD, ['link', ...named(live)].sort()]);
  });
});

describe('what is not the file', () => {
  it('that was recorded is neither replaced nor dropped', async () => {
    makeOld();
    const id = await restored();
    renameSync(live, `${live} mine`);
    sql(live, 'CREATE TABLE other(x)');
    await expect(swap(id)).rejects.toThrow('is not the file any more');
    await remove(id);
    expect([tables(live), files()]).toEqual([{ other: 0 }, named(live, `${live} mine`)]);
    writeFileSync(kept, 'of somebody else');
    await expect(drop(id, null)).rejects.toMatchObject({ details: { field: 'mayBeGone' } });
    expect(readFileSync(kept, 'utf8')).toBe('of somebody else');
  });

  it('alone, or has a taken name to be kept under, is refused before anything is made', async () => {
    const refusal = async () => (await checks()).filter(({ ok }) => !ok).map(({ says }) => says);
    expect(await refusal()).toEqual([expect.stringContaining('There is no file')]);
    makeOld();
    linkSync(live, join(place, 'second name'));
    expect(await refusal()).toEqual([expect.stringContaining('hard links')]);
    rmSync(join(place, 'second name'));
    writeFileSync(`${kept}-wal`, 'of somebody else');
    expect(await refusal()).toEqual([expect.stringContaining('there is something already')]);
    const id = await restored();
    await expect(swap(id)).rejects.toThrow('be kept, there is');
    await remove(id);
    expect([tables(live), files()]).toEqual([OLD, named(live, `${kept}-wal`)]);
  });
});

/** Kills sqlite3 and the shell of a swap at a place of its script, as the end of the app and of its connection may. */
async function killedAt(id: string, place: string): Promise<void> {
  const { script } = swapOf(planOf(id)).swap(id);
  const at = script.lastIndexOf(place);
  expect(at).toBeGreaterThan(0);
  const kill = '{ kill -KILL "$(cat pid)" $$; } && ';
  const ended = await runInShell({ script: `${script.slice(0, at)}${kill}${script.slice(at)}` });
  expect(ended.exitCode).toBe(null);
}

describe('a swap whose shell and sqlite3 are killed', () => {
  it.each([
    ['before the change', "tell '.restore file:restored", 'old'],
    ['behind the change', ': >written ||', 'new'],
    ['behind the look at the change', ': >done && sync_files done || {', 'new'],
    ['with the mark dropped', '{ [ ! -e wal-mode ] ||', 'new'],
    ['with its lock given back', 'clear_folder', 'new'],
  ] as const)('%s leaves the one or the other whole, and says which', async (_when, where, holds) => {
    makeOld('WAL');
    const id = await restored();
    await killedAt(id, where);
    // Whoever opens it next, such as its application, finds all of one.
    expect(Object.keys(tables(live))).toContain(holds === 'old' ? 'old' : 'restored');
    expect(await isDone(id)).toBe(false);
    if (holds === 'old') await remove(id);
    else await expect(remove(id)).rejects.toThrow('taken the place');
    expect([tables(live), modeOf(live)]).toEqual([holds === 'old' ? OLD : NEW, 2]);
    expect(files()).toEqual(holds === 'old' ? named(live) : named(live, kept));
    expect(holds === 'old' || tables(kept)['old']).toBeTruthy();
  });
});

describe('a disk that is full', () => {
  const disk = join(folder, 'disk');
  beforeEach(() => {
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk]);
    place = disk;
    live = join(place, 'live "ü".db');
    kept = `${live}.before-20261130000000`;
  });
  afterEach(() => {
    execFileSync('umount', ['--lazy', disk]);
    rmSync(disk, { recursive: true });
  });

  it.each([
    ['for the copy of what is there', 1_850_000, 'no whole copy of'],
    ['in the middle of the change', 1_100_000, 'The disk of the host ran full'],
    ['down to the last byte', 1_790_000, 'or the disk was full'],
  ])('%s leaves all as it was, and says so', async (_when, bytes, says) => {
    makeOld('WAL');
    const id = await restored(newFile('restored', bytes));
    await expect(swap(id)).rejects.toThrow(says);
    await remove(id);
    expect([tables(live), modeOf(live), files()]).toEqual([OLD, 2, named(live)]);
  });
});

/** A host whose processes nobody can see, as those of other systems. */
const blind = (script: string) =>
  runInShell(
    { script: 'exec unshare --mount sh -c "$INSIDE"' },
    {
      env: { INSIDE: `mount -t tmpfs tmpfs /proc && eval "$SCRIPT"`, SCRIPT: script },
    },
  );

describe('a host without /proc', () => {
  it('says that nobody can be seen, replaces what nobody holds, and waits for who does', async () => {
    makeOld('WAL');
    const { preflight } = planOf(null);
    const looked = preflight.read((await blind(preflight.command.script)).stdout.toString());
    expect(looked.find(({ name }) => name === 'In use')).toMatchObject({
      ok: true,
      says: expect.stringContaining('it has no /proc'),
    });
    const id = await restored();
    const reader = await user('BEGIN; SELECT count(*) FROM old;');
    const held = await blind(`sleep() { :; }\n${swapOf(planOf(id)).swap(id).script}`);
    expect(planOf(id).explain(held)?.message).toMatch(
      /^Nothing was replaced: .* a program that can not be seen/,
    );
    await killed(reader);
    expect(tables(live)).toEqual(OLD);
    expect((await blind(swapOf(planOf(id)).swap(id).script)).exitCode).toBe(0);
    expect([tables(live), tables(kept), files()]).toEqual([NEW, OLD, named(live, kept)]);
    expect((await blind(planOf(id).remove.script)).exitCode).toBe(67);
    const dropping = (isUnused: boolean) =>
      swapOf(planOf(id)).drop(id, { ...FACTS, kept: null, isUnused }).command;
    expect((await blind(dropping(false).script)).exitCode).toBe(66);
    expect((await blind(dropping(true).script)).exitCode).toBe(0);
    expect(files()).toEqual(named(live));
  });

  it('takes nothing away from a swap that has outlived its connection, and can not be ended there', async () => {
    makeOld();
    const id = await restored();
    const { reached, goOn, outlived } = await heldSwap(id);
    // Not for so long as a host would wait.
    const { script } = planOf(id).remove;
    const refused = await blind(script.replaceAll('.timeout 10000', '.timeout 200'));
    expect(planOf(id).explain(refused)?.message).toContain('holds');
    writeFileSync(goOn, '');
    expect((await outlived).exitCode).toBe(0);
    rmSync(reached);
    rmSync(goOn);
    expect(await isDone(id)).toBe(true);
    expect([tables(live), tables(kept), files()]).toEqual([NEW, OLD, named(live, kept)]);
  });
});
