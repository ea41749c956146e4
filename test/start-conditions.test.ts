import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { isAppError } from '../src/errors.ts';
import { createLog } from '../src/log.ts';
import { readConfig } from '../src/node/read-config.ts';
import { createServices } from '../src/services.ts';
import { createDiskShim, type Trouble } from './support/disk-shim.ts';
import { mainProgram, startMain } from './support/main-process.ts';

let program: string;
let used: string;
let folder: string;
let dataDir: string;
let file: string;

beforeAll(async () => {
  program = await mainProgram();
  used = mkdtempSync(join(tmpdir(), 'used „ü+🗄" '));
  const first = await startMain(program, join(used, 'data'));
  await first.untilListening();
  await first.kill();
});
afterAll(() => {
  rmSync(used, { recursive: true });
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'start „ü+🗄" '));
  dataDir = join(folder, 'data');
  file = join(dataDir, 'bridgeport.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** An installation that was ended cleanly: its file holds everything. */
function useInstallation(): void {
  cpSync(join(used, 'data'), dataDir, { recursive: true });
  const database = new Database(file);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.close();
}

/** What the start ends with: a sentence for the admin, and no key or code of a new installation. */
async function refusal(): Promise<string> {
  const lines: string[] = [];
  const log = createLog(
    'debug',
    (line) => lines.push(line),
    () => new Date(),
  );
  const error: unknown = await createServices(readConfig({ DATA_DIR: dataDir }), { log, version: '0' }).catch(
    (thrown) => thrown,
  );
  if (!isAppError(error, 'config', 'unavailable')) throw error;
  expect(error.message).not.toContain('\n');
  expect(lines).toEqual([]);
  return error.message;
}

/** The same of the program itself: one line on standard error, no stack, status 1. */
async function lastWords(options: Parameters<typeof startMain>[2] = {}): Promise<string> {
  const app = await startMain(program, dataDir, options);
  expect(await app.untilEnded()).toBe(1);
  expect(app.errors()).not.toMatch(/^\s+at /m);
  expect(app.errors().trim().split('\n')).toHaveLength(1);
  expect(app.output()).not.toMatch(/uncaught|setup code|master key was made/);
  return app.errors().trim();
}

describe('a start where an installation was', () => {
  const signs: readonly [string, () => void][] = [
    ['a key', () => writeFileSync(join(dataDir, 'master.key'), readFileSync(join(used, 'data/master.key')))],
    ['a copy', () => writeFileSync(`${file}.before-2026-01-01T00-00-00-000Z`, 'x')],
    ['what was not written to the file yet', () => writeFileSync(`${file}-wal`, 'x')],
    ['a lock that was used', () => cpSync(join(used, 'data/lock.sqlite'), join(dataDir, 'lock.sqlite'))],
  ];

  it.each(signs)('makes no new one beside %s where the database is missing', async (_, leave) => {
    mkdirSync(dataDir);
    leave();
    const before = readdirSync(dataDir);
    expect(await refusal()).toMatch(/is missing or empty, but .* was used before: it holds .* Put a copy/);
    expect(readdirSync(dataDir).filter((name) => name !== 'lock.sqlite')).toEqual(
      before.filter((name) => name !== 'lock.sqlite'),
    );
  });

  it.each(signs)('makes no new one beside %s where the database has 0 bytes', async (_, leave) => {
    mkdirSync(dataDir);
    writeFileSync(file, '');
    leave();
    expect(await refusal()).toContain('is missing or empty');
    expect(statSync(file).size).toBe(0);
  });

  it('makes no new one in a database that lost all its tables with its -wal', async () => {
    useInstallation();
    rmSync(file);
    const empty = new Database(file);
    empty.pragma('journal_mode = WAL');
    empty.close();
    expect(await refusal()).toContain('has nothing in it');
  });

  it('uses no database of another program', async () => {
    mkdirSync(dataDir);
    const other = new Database(file);
    other.exec('create table "Müllers Tabelle" (id integer)');
    other.close();
    expect(await refusal()).toContain(
      'is the database of another program (it has the table "Müllers Tabelle")',
    );
  });

  it('goes on after a first start that was ended before it had made anything', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'lock.sqlite'), '');
    writeFileSync(file, '');
    const log = createLog(
      'error',
      () => undefined,
      () => new Date(),
    );
    await (await createServices(readConfig({ DATA_DIR: dataDir }), { log, version: '0' })).close();
  });

  it('ends with one line and status 1', async () => {
    mkdirSync(dataDir);
    writeFileSync(file, '');
    writeFileSync(join(dataDir, 'master.key'), readFileSync(join(used, 'data/master.key')));
    expect(await lastWords()).toMatch(/^The database .* is missing or empty, but .* it holds master\.key\./);
  });
});

describe('a start while another program has the database for itself', () => {
  it('waits for it a little, then says so', async () => {
    useInstallation();
    const other = new Database(file);
    other.pragma('locking_mode = EXCLUSIVE');
    other.exec('update users set name = name');
    expect(await refusal()).toContain(`Another program holds a lock on the database ${file}`);
    other.close();
  });
});

describe('a start on a damaged database', () => {
  const overwrite = (at: number, bytes: number) => {
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, new Uint8Array(bytes), 0, bytes, at);
    closeSync(descriptor);
  };

  it('says that it is none where its first page is zeros', async () => {
    useInstallation();
    overwrite(0, 4096);
    expect(await refusal()).toMatch(
      /bridgeport\.sqlite: it is no SQLite database, or its beginning was overwritten/,
    );
  });

  it.each([
    ['zeros behind its header', () => overwrite(100, 3996)],
    ['zeros in every page but the first', () => overwrite(4096, statSync(file).size - 4096)],
    ['its second half gone', () => truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096)],
    ['only its first 100 bytes left', () => truncateSync(file, 100)],
    ['its end cut in the middle of a page', () => truncateSync(file, statSync(file).size - 5000)],
  ])('says so with %s, and makes no new installation', async (_, damage) => {
    useInstallation();
    damage();
    const said = await refusal();
    expect(said).toMatch(/bridgeport\.sqlite.*(is damaged|no SQLite database)/);
    expect(said).toContain('put a copy of the database in its place');
  });

  it('ends with one line and status 1', async () => {
    useInstallation();
    overwrite(4096, statSync(file).size - 4096);
    expect(await lastWords()).toContain('is damaged (database disk image is malformed)');
  });
});

describe('a start on a file system that is not good enough', () => {
  it.each<[Trouble, RegExp]>([
    ['nolock', /^The file system of the data folder .* \(\S+ at \/.*\) gives no locks/],
    ['nommap', /^The file system of .* \(\S+ at \/.*\) gives no shared memory/],
    ['full', /no room left on its disk \(ENOSPC\)\. Free some space/],
    ['quota', /the disk quota is used up \(EDQUOT\)/],
    ['failing', /the disk reports errors \(EIO\)/],
    ['readonly', /mounted read-only \(EROFS\)/],
  ])('says of one that is "%s" what it lacks', async (trouble, sentence) => {
    const shim = await createDiskShim(folder);
    try {
      shim.begin(trouble);
      expect(await lastWords({ env: shim.env })).toMatch(sentence);
      useInstallation();
      expect(await lastWords({ env: shim.env })).toMatch(sentence);
    } finally {
      shim.remove();
    }
  });

  it('goes on where a first start that found no room left off', async () => {
    const shim = await createDiskShim(folder);
    try {
      shim.begin('full');
      await lastWords({ env: shim.env });
      shim.end();
      const app = await startMain(program, dataDir, { env: shim.env });
      await app.untilListening();
      await app.kill();
    } finally {
      shim.remove();
    }
  });

  it('says that its folder may not be written', async () => {
    mkdirSync(dataDir);
    chmodSync(folder, 0o755);
    chmodSync(dataDir, 0o555);
    const isRoot = process.getuid?.() === 0;
    expect(await lastWords(isRoot ? { uid: 65_534 } : {})).toMatch(
      /^Can't use the data folder .*: the rights do not allow it \(EACCES\)\. .* runs as user \d+\.$/,
    );
    expect(existsSync(file)).toBe(false);
  });

  it('says that its own files may not be written', async () => {
    useInstallation();
    const isRoot = process.getuid?.() === 0;
    chmodSync(folder, 0o755);
    for (const name of readdirSync(dataDir)) chmodSync(join(dataDir, name), 0o444);
    chmodSync(dataDir, 0o555);
    expect(await lastWords(isRoot ? { uid: 65_534 } : {})).toMatch(
      /the rights do not allow it \(E(ACCES|PERM)\)/,
    );
  });
});
