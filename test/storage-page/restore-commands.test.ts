import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { restoreByHand } from '../../src/backups/restore-by-hand.ts';
import { beside } from '../support/beside.ts';
import { type Installation, type Json, startInstallation } from '../support/installation.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import { ownName } from '../support/shared/ask.ts';
import { sharedMariadb } from '../support/shared/mariadb.ts';
import { sharedPostgres } from '../support/shared/postgres.ts';

/** The commands of docs/backup-and-restore.md and of README.md, exactly as an admin reads them there. */

const run = promisify(execFile);
/** The commands restore into `restored`: no other test file may make a database of that name on a shared server. */
const SOURCE = ownName('source');
const PAGE = await readFile(new URL('../../docs/backup-and-restore.md', import.meta.url), 'utf8');
const README = await readFile(new URL('../../README.md', import.meta.url), 'utf8');

const POSTGRES_FILES = [
  ['.sql', { backupFormat: 'plain', backupCompression: 'none' }],
  ['.sql.gz', { backupFormat: 'plain', backupCompression: 'gzip' }],
  ['.sql.zst', { backupFormat: 'plain', backupCompression: 'zstd' }],
  ['.dump', { backupFormat: 'custom', backupCompression: 'none' }],
  ['.dump', { backupFormat: 'custom', backupCompression: 'gzip' }],
  ['.dump.zst', { backupFormat: 'custom', backupCompression: 'zstd' }],
  ['.tar', { backupFormat: 'tar', backupCompression: 'gzip' }],
  ['.tar.zst', { backupFormat: 'tar', backupCompression: 'zstd' }],
] as const;

/** The database file itself. */
const SQLITE_COPIES = [
  ['.sqlite', 'none'],
  ['.sqlite.gz', 'gzip'],
  ['.sqlite.zst', 'zstd'],
] as const;

/** SQL text is the only format of MySQL and MariaDB, and the usual one of SQLite. */
const TEXT_FILES = [
  ['.sql', 'none'],
  ['.sql.gz', 'gzip'],
  ['.sql.zst', 'zstd'],
] as const;

/** As one that grew over the years: a server in strict mode does not create it. */
const WIDE_TABLE = `SET SESSION innodb_strict_mode=OFF; CREATE TABLE \`wide ü\` (a int PRIMARY KEY, ${Array.from(
  { length: 12 },
  (_, n) => `t${n} varchar(2000) CHARACTER SET latin1`,
).join(', ')}) ROW_FORMAT=COMPACT; INSERT INTO \`wide ü\` (a) VALUES (7)`;

/** Engines restore beside each other, each with a folder of its own and under the one name that the commands have. */
const PLACES = ['postgres', 'mariadb', 'sqlite', 'rest'] as const;
const placeOf = (name: (typeof PLACES)[number]) => join(folder, name);

let folder: string;
let postgres: TestPostgres;
let mariadb: TestMariadb;
let app: Installation;
let environment: string;
let ofPostgres: Awaited<ReturnType<typeof checksums>>;
let ofMariadb: Awaited<ReturnType<typeof mariadbChecksums>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restore-'));
  for (const name of PLACES) await mkdir(join(placeOf(name), 'source'), { recursive: true });
  [postgres, mariadb] = await Promise.all([sharedPostgres(), sharedMariadb()]);
  await Promise.all([postgres.createDatabase(SOURCE), mariadb.createDatabase(SOURCE)]);
  await Promise.all([fillDatabase(postgres, SOURCE, 1), fillMariadb(mariadb, SOURCE, 1)]);
  await mariadb.query(WIDE_TABLE, SOURCE);
  ofPostgres = await checksums(postgres, SOURCE);
  ofMariadb = await mariadbChecksums(mariadb, SOURCE);
  app = await startInstallation({ env: { LOCAL_PATHS: folder } });
  environment = await app.create('environment', '/api/environments', { name: 'production' });
});
afterAll(async () => {
  await app.close();
  await Promise.all([postgres.stop(), mariadb.stop()]);
  await rm(folder, { recursive: true, force: true });
});

beside('PostgreSQL', () => {
  describe('the restore commands of the docs', () => {
    it.each(POSTGRES_FILES)('restore a PostgreSQL backup %s of %j', async (extension, options) => {
      const place = placeOf('postgres');
      const file = await backUp(place, `pg ${JSON.stringify(options)}`, extension, {
        type: 'postgres',
        host: '127.0.0.1',
        port: postgres.port,
        databaseName: SOURCE,
        ...postgres.superuser,
        ...options,
      });
      for (const command of commandsFor('PostgreSQL', extension)) {
        await postgres.dropDatabase('restored');
        await postgres.createDatabase('restored');
        await runCommand(place, command, file, extension);
        expect(await checksums(postgres, 'restored')).toEqual(ofPostgres);
        // Another table of one of its names: an archive then makes nothing at all, and plain SQL nothing more.
        await postgres.dropDatabase('restored');
        await postgres.createDatabase('restored');
        await postgres.query(`CREATE TABLE accounts (other int)`, 'restored');
        await expect(runCommand(place, command, file, extension)).rejects.toMatchObject({
          code: expect.any(Number),
          stderr: expect.stringContaining('already exists'),
        });
        const tables = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`;
        if (!extension.startsWith('.sql')) {
          expect(await postgres.query(tables, 'restored')).toEqual([{ relname: 'accounts' }]);
        }
      }
      if (extension !== '.dump.zst') return;
      await postgres.dropDatabase('restored');
      await runOfPage(place, 'postgres', file, extension);
      expect(await checksums(postgres, 'restored')).toEqual(ofPostgres);
      // What is there already is left as it is.
      await expect(runOfPage(place, 'postgres', file, extension)).rejects.toThrow('already exists');
    });

    it('keep nothing of a tar archive that was cut, wherever that was', async () => {
      const place = placeOf('postgres');
      const large = await postgres.query(
        `SELECT lo_from_bytea(0, repeat(chr(n), 3000)::bytea)::bigint AS oid FROM generate_series(65, 67) n`,
        SOURCE,
      );
      const file = await backUp(place, 'cut', '.tar', {
        ...{ type: 'postgres', host: '127.0.0.1', port: postgres.port, databaseName: SOURCE },
        ...{ ...postgres.superuser, backupFormat: 'tar', backupCompression: 'none' },
      });
      for (const { oid } of large) await postgres.query(`SELECT lo_unlink(${oid})`, SOURCE);
      const whole = await readFile(file);
      const cut = join(place, 'cut');
      const zstd = join(place, 'cut.zst');
      await postgres.dropDatabase('restored');
      await postgres.createDatabase('restored');
      for (const at of placesToCut(whole)) {
        await writeFile(cut, whole.subarray(0, at));
        await writeFile(zstd, zstdCompressSync(whole.subarray(0, at)));
        for (const [extension, from] of [
          ['.tar', cut],
          ['.tar.zst', zstd],
        ] as const) {
          for (const command of commandsFor('PostgreSQL', extension)) {
            await expect(runCommand(place, command, from, extension)).rejects.toMatchObject({ code: 2 });
          }
        }
      }
      expect(await tablesInRestored()).toBe(0);
      // Its checksum is right: it was cut before that was taken.
      await postgres.dropDatabase('restored');
      await expect(runOfPage(place, 'postgres', cut, '.tar')).rejects.toMatchObject({ code: 2 });
      expect(await tablesInRestored()).toBe(0);
    });
  });
});

beside('MariaDB', () => {
  describe('the restore commands of the docs', () => {
    it.each(TEXT_FILES)('restore a MariaDB backup %s', async (extension, backupCompression) => {
      const place = placeOf('mariadb');
      const file = await backUp(place, `mariadb ${backupCompression}`, extension, {
        type: 'mysql',
        host: '127.0.0.1',
        port: mariadb.port,
        databaseName: SOURCE,
        ...mariadb.superuser,
        backupCompression,
      });
      for (const command of commandsFor('MySQL and MariaDB', extension)) {
        await newMariadbDatabase(place);
        await runCommand(place, command, file, extension);
        expect(await mariadbChecksums(mariadb, 'restored')).toEqual(ofMariadb);
      }
      if (extension !== '.sql.gz') return;
      await mariadb.dropDatabase('restored');
      await runOfPage(place, 'mysql', file, extension);
      expect(await mariadbChecksums(mariadb, 'restored')).toEqual(ofMariadb);
    });
  });

  refuseHostile('MySQL and MariaDB', 'mariadb', [
    (file) => `\\! touch '${file}'\n`,
    (file) => `SELECT 1;\nsystem touch '${file}'\n`,
  ]);
});

beside('SQLite', () => {
  describe('the restore commands of the docs', () => {
    it.each([...TEXT_FILES, ...SQLITE_COPIES])(
      'restore a SQLite backup %s',
      async (extension, backupCompression) => {
        const place = placeOf('sqlite');
        const source = join(place, 'source', `appdb${extension}`);
        const script = `create table t (id integer primary key, name text, bytes blob);
      insert into t values (1, 'späte ''Datei'' 日本語', x'00ff'), (2, null, null); create view v as select name from t;`;
        await run('sqlite3', [source, script]);
        const file = await backUp(place, `sqlite ${extension}`, extension, {
          type: 'sqlite',
          backupFormat: extension.startsWith('.sqlite') ? 'binary' : 'plain',
          filePath: source,
          backupCompression,
        });
        const restored = join(place, 'restored.db');
        const dump = async (path: string) => (await run('sqlite3', [path, '.dump'])).stdout;
        for (const command of commandsFor('SQLite', extension)) {
          await rm(restored, { force: true });
          await runCommand(place, command, file, extension);
          expect(await dump(restored)).toBe(await dump(source));
        }
        await expect(runOfPage(place, 'sqlite', file, extension)).rejects.toThrow();
        await rm(restored);
        await runOfPage(place, 'sqlite', file, extension);
        expect(await dump(restored)).toBe(await dump(source));
        await rm(restored);
        await expect(runOfPage(place, 'sqlite', file, extension, 'cd'.repeat(32))).rejects.toMatchObject({
          stdout: expect.stringContaining('FAILED'),
        });
        await expect(readFile(restored)).rejects.toThrow('ENOENT');
      },
    );
  });

  refuseHostile('SQLite', 'sqlite', [
    (file) => `.shell touch '${file}'\n`,
    (file) => `.output '${file}'\n.print x\n`,
    (file) => `SELECT writefile('${file}', 'x');\n`,
    (file) => `SELECT edit('x', 'touch ${file} #');\n`,
  ]);
});

beside('the rest', () => {
  describe('the restore commands of the docs', () => {
    it('cover every kind of file that the README names', () => {
      for (const [section, extension] of readmeRows()) expect(ofTheDocs(section, extension)).toBeTruthy();
      expect(readmeRows()).toHaveLength(16);
    });

    it('cover every kind of file that the docs name', () => {
      expect(rowsOf('PostgreSQL').map(([extension]) => extension)).toEqual([
        ...new Set(POSTGRES_FILES.map(([extension]) => extension)),
      ]);
      const texts = TEXT_FILES.map(([name]) => name);
      expect(rowsOf('MySQL and MariaDB').map(([extension]) => extension)).toEqual(texts);
      const copies = SQLITE_COPIES.map(([name]) => name);
      expect(rowsOf('SQLite').map(([extension]) => extension)).toEqual([...texts, ...copies]);
    });
  });

  describe.each([
    ['docs', PAGE],
    ['README', README],
  ])('the check before a restore, of the %s,', (_, page) => {
    const check = /^set -o pipefail\n(echo .*sha256sum.*)$/m.exec(page)?.[1] ?? '';
    const sha256 = '2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b';
    const command = check.replace('SHA256', sha256).replace(/appdb\.sql\.zst|FILE/, 'appdb.checked');

    it('accepts a whole file', async () => {
      const place = placeOf('rest');
      await writeFile(join(place, 'whole'), 'secret');
      await runCommand(place, command, join(place, 'whole'), '.checked');
    });

    it('refuses one that was cut', async () => {
      const place = placeOf('rest');
      await writeFile(join(place, 'cut'), 'secre');
      await expect(runCommand(place, command, join(place, 'cut'), '.checked')).rejects.toMatchObject({
        stdout: 'appdb.checked: FAILED\n',
      });
    });

    it('and the least versions of psql are told', () => {
      for (const version of ['18.6', '17.11', '16.15', '15.19', '14.24']) expect(page).toContain(version);
    });
  });

  describe('the copy of BRIDGEPORT’s own database', () => {
    it('opens an installation again, together with the master key', async () => {
      const copied = join(folder, 'copied');
      await mkdir(join(copied, 'data'), { recursive: true });
      const command = /^sqlite3 "\$DATA_DIR\/bridgeport\.sqlite" .*$/m.exec(PAGE)?.[0] ?? '';
      const target = join(copied, 'data', 'bridgeport.sqlite');
      await run('bash', ['-c', command.replace('/var/backups/bridgeport.sqlite', target)], {
        env: { ...process.env, DATA_DIR: join(app.folder, 'data') },
      });
      await copyFile(join(app.folder, 'data', 'master.key'), join(copied, 'data', 'master.key'));
      const again = await startInstallation({ folder: copied, env: { LOCAL_PATHS: folder } });
      try {
        const { environments } = await again.ask('GET', '/api/environments');
        expect(environments).toMatchObject([{ id: environment, name: 'production' }]);
      } finally {
        await again.close();
      }
    });
  });
});

/**
 * Within and between the members of a tar archive of pg_dump: in the middle, within the last table's rows and a large object, before
 * the last of these, and before and within what comes last.
 */
function placesToCut(tar: Buffer): readonly number[] {
  const members: { readonly name: string; readonly at: number }[] = [];
  for (let at = 0; at < tar.length && tar[at] !== 0; ) {
    const field = (from: number, bytes: number) =>
      tar.toString('latin1', at + from, at + from + bytes).split('\0')[0] ?? '';
    members.push({ name: field(0, 100), at });
    at += 512 + 512 * Math.ceil(Number.parseInt(field(124, 12), 8) / 512);
  }
  const last = (name: RegExp) => {
    const found = members.filter((member) => name.test(member.name)).at(-1);
    if (found === undefined) throw new Error(`No member is like ${name}`);
    return found.at;
  };
  const [rows, blob, script] = [last(/^\d+\.dat$/), last(/^blob_\d+\.dat$/), last(/^restore\.sql$/)];
  return [tar.length >> 1, rows + 512 + 20, blob, blob + 512 + 9, script, script + 700];
}

async function tablesInRestored(): Promise<number> {
  const tables = await postgres.query(
    `SELECT FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
     WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')`,
    'restored',
  );
  return tables.length;
}

/** What a dump of that section must not do by any of its commands: make the file that it names. */
function refuseHostile(
  section: string,
  name: (typeof PLACES)[number],
  dumps: readonly ((file: string) => string)[],
): void {
  it.each(dumps.map((text) => [text('proof').trim(), text] as const))(
    'a hostile dump runs no command by the restore commands of the docs and the README: %j',
    async (_, text) => {
      const place = placeOf(name);
      const [proof, dump] = [join(place, 'proof'), join(place, 'hostile')];
      await writeFile(dump, text(proof));
      for (const command of commandsFor(section, '.sql')) {
        if (name === 'mariadb') await newMariadbDatabase(place);
        await rm(join(place, 'restored.db'), { force: true });
        await rm(proof, { force: true });
        // It may fail, by what the tool says of it.
        await runCommand(place, command, dump, '.sql').catch((error: unknown) =>
          expect(error).toMatchObject({ code: expect.any(Number) }),
        );
        await expect(readFile(proof)).rejects.toThrow('ENOENT');
      }
    },
  );
}

/** A backup of it, under the name that the commands of the docs use. */
async function backUp(place: string, name: string, extension: string, settings: Json): Promise<string> {
  const database = await app.create('database', `/api/environments/${environment}/databases`, {
    name,
    backupStorageType: 'local',
    backupLocalPath: place,
    ...settings,
  });
  const backup = await app.backUp(database);
  expect(backup.error).toBeNull();
  expect(backup.filename.endsWith(extension)).toBe(true);
  return backup.storagePath;
}

/** The lines that the page of a backup shows, pasted as one, for a file of a name that is as odd as can be. */
async function runOfPage(
  place: string,
  type: string,
  file: string,
  extension: string,
  sha256?: string,
): Promise<void> {
  const fileName = `-it's "größe" $(touch y) 🐘 <b>${extension}`;
  await copyFile(file, join(place, fileName));
  const content = createHash('sha256').update(await readFile(file));
  const of = { type, fileName, sha256: sha256 ?? content.digest('hex'), serverVersion: null };
  await runLines(place, restoreByHand(of)?.lines.join('\n') ?? 'false');
}

async function runCommand(place: string, command: string, file: string, extension: string): Promise<void> {
  await copyFile(file, join(place, `appdb${extension}`));
  await runLines(place, command);
}

async function runLines(place: string, command: string): Promise<void> {
  const { username: PGUSER, password: PGPASSWORD } = postgres.superuser;
  const PATH = `${postgres.programs}:${process.env['PATH']}`;
  await run('bash', ['-o', 'pipefail', '-c', command], {
    cwd: place,
    env: {
      ...process.env,
      LC_ALL: 'C.UTF-8',
      HOME: place,
      PATH,
      PGHOST: '127.0.0.1',
      PGPORT: String(postgres.port),
      PGUSER,
      PGPASSWORD,
    },
  });
}

async function newMariadbDatabase(place: string): Promise<void> {
  await mariadb.dropDatabase('restored');
  // For the client of the docs: its own defaults, in the file that it reads.
  await writeFile(join(place, '.my.cnf'), `[client]\nuser=root\nsocket=${mariadb.socket}\n`, {
    mode: 0o600,
  });
  await runCommand(place, /^mariadb -e .*$/m.exec(PAGE)?.[0] ?? '', '/dev/null', '.none');
}

/** Of both pages; what both tell alike is one command, and run once. */
function commandsFor(section: string, extension: string): ReadonlySet<string> {
  return new Set([ofTheDocs(section, extension), ofTheReadme(section, extension)]);
}

function ofTheDocs(section: string, extension: string): string {
  const command = rowsOf(section).find(([name]) => name === extension)?.[1];
  if (command === undefined) throw new Error(`The docs have no command for ${extension} of ${section}`);
  return command;
}

function ofTheReadme(section: string, extension: string): string {
  const command = readmeRows().find(([name, file]) => name === section && file === extension)?.[2];
  if (command === undefined) throw new Error(`The README has no command for ${extension} of ${section}`);
  return command
    .replace('NEW_DB', 'restored')
    .replace('NEW_FILE', 'restored.db')
    .replaceAll('FILE', `appdb${extension}`);
}

/** Rows of the README's table `Extension | Command`: section of the docs, extension, command. */
function readmeRows(): readonly (readonly [string, string, string])[] {
  const text = README.split('| Extension | Command |')[1]?.split('\n\n')[0] ?? '';
  return [
    ...text.matchAll(/^\| ([A-Za-z, ]*)((?:`\.[a-z.]+`(?:, )?)+) \| `(.+?)`(?:, or `mysql`)? \|$/gm),
  ].flatMap(([, kind = '', extensions = '', command = '']) =>
    [...extensions.matchAll(/`(.*?)`/g)].map(([, extension = '']) => {
      const section = { '': 'PostgreSQL', SQLite: 'SQLite' }[kind.trim()] ?? 'MySQL and MariaDB';
      return [section, extension, command.replaceAll('\\|', '|')] as const;
    }),
  );
}

/** Rows of the table `file | command` under that heading. */
function rowsOf(section: string): readonly (readonly [string, string])[] {
  const text = PAGE.split(`### ${section}\n`)[1]?.split('\n### ')[0] ?? '';
  return [...text.matchAll(/^\| `(\.[a-z.]+)` \| `(.+)` \|$/gm)].map(
    ([, extension = '', command = '']) => [extension, command.replaceAll('\\|', '|')] as const,
  );
}
