import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Installation, type Json, startInstallation } from '../support/installation.ts';
import { startMariadb, type TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';

/** The commands of docs/backup-and-restore.md, exactly as an admin reads them there. */

const run = promisify(execFile);
const PAGE = await readFile(new URL('../../docs/backup-and-restore.md', import.meta.url), 'utf8');

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

/** SQL text is the only format of these. */
const TEXT_FILES = [
  ['.sql', 'none'],
  ['.sql.gz', 'gzip'],
  ['.sql.zst', 'zstd'],
] as const;

let folder: string;
let postgres: TestPostgres;
let mariadb: TestMariadb;
let app: Installation;
let environment: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'restore-'));
  await mkdir(join(folder, 'source'));
  [postgres, mariadb] = await Promise.all([startPostgres(), startMariadb()]);
  await Promise.all([postgres.createDatabase('source'), mariadb.createDatabase('source')]);
  await Promise.all([fillDatabase(postgres, 'source', 1), fillMariadb(mariadb, 'source', 1)]);
  app = await startInstallation({ env: { LOCAL_PATHS: folder } });
  environment = await app.create('environment', '/api/environments', { name: 'production' });
}, 60_000);
afterAll(async () => {
  await app.close();
  await Promise.all([postgres.stop(), mariadb.stop()]);
  await rm(folder, { recursive: true, force: true });
});

describe('the restore commands of the docs', () => {
  it.each(POSTGRES_FILES)('restore a PostgreSQL backup %s of %j', async (extension, options) => {
    const file = await backUp(`pg ${JSON.stringify(options)}`, extension, {
      type: 'postgres',
      host: '127.0.0.1',
      port: postgres.port,
      databaseName: 'source',
      ...postgres.superuser,
      ...options,
    });
    await postgres.query('drop database if exists restored');
    await postgres.createDatabase('restored');
    await runCommand(commandFor('PostgreSQL', extension), file, extension);
    expect(await checksums(postgres, 'restored')).toEqual(await checksums(postgres, 'source'));
  });

  it.each(TEXT_FILES)('restore a MariaDB backup %s', async (extension, backupCompression) => {
    const file = await backUp(`mariadb ${backupCompression}`, extension, {
      type: 'mysql',
      host: '127.0.0.1',
      port: mariadb.port,
      databaseName: 'source',
      ...mariadb.superuser,
      backupCompression,
    });
    await mariadb.query('drop database if exists restored');
    // For the client of the docs: its own defaults, in the file that it reads.
    await writeFile(join(folder, '.my.cnf'), `[client]\nuser=root\nsocket=${mariadb.socket}\n`, {
      mode: 0o600,
    });
    await runCommand(/^mariadb -e .*$/m.exec(PAGE)?.[0] ?? '', file, extension);
    await runCommand(commandFor('MySQL and MariaDB', extension), file, extension);
    expect(await mariadbChecksums(mariadb, 'restored')).toEqual(await mariadbChecksums(mariadb, 'source'));
  });

  it.each(TEXT_FILES)('restore a SQLite backup %s', async (extension, backupCompression) => {
    const source = join(folder, 'source', `${backupCompression}.db`);
    const script = `create table t (id integer primary key, name text, bytes blob);
      insert into t values (1, 'späte ''Datei'' 日本語', x'00ff'), (2, null, null); create view v as select name from t;`;
    await run('sqlite3', [source, script]);
    const file = await backUp(`sqlite ${backupCompression}`, extension, {
      type: 'sqlite',
      filePath: source,
      backupCompression,
    });
    const restored = join(folder, 'restored.db');
    await rm(restored, { force: true });
    await runCommand(commandFor('SQLite', extension), file, extension);
    const dump = async (path: string) => (await run('sqlite3', [path, '.dump'])).stdout;
    expect(await dump(restored)).toBe(await dump(source));
  });

  it('cover every kind of file that the docs name', () => {
    expect(rowsOf('PostgreSQL').map(([extension]) => extension)).toEqual([
      ...new Set(POSTGRES_FILES.map(([extension]) => extension)),
    ]);
    for (const section of ['MySQL and MariaDB', 'SQLite']) {
      expect(rowsOf(section).map(([extension]) => extension)).toEqual(TEXT_FILES.map(([name]) => name));
    }
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

/** A backup of it, under the name that the commands of the docs use. */
async function backUp(name: string, extension: string, settings: Json): Promise<string> {
  const database = await app.create('database', `/api/environments/${environment}/databases`, {
    name,
    backupStorageType: 'local',
    backupLocalPath: folder,
    ...settings,
  });
  const backup = await app.backUp(database);
  expect(backup.error).toBeNull();
  expect(backup.filename.endsWith(extension)).toBe(true);
  return backup.storagePath;
}

async function runCommand(command: string, file: string, extension: string): Promise<void> {
  await copyFile(file, join(folder, `appdb${extension}`));
  const { username: PGUSER, password: PGPASSWORD } = postgres.superuser;
  const PATH = `${postgres.programs}:${process.env['PATH']}`;
  await run('bash', ['-o', 'pipefail', '-c', command], {
    cwd: folder,
    env: {
      ...process.env,
      HOME: folder,
      PATH,
      PGHOST: '127.0.0.1',
      PGPORT: String(postgres.port),
      PGUSER,
      PGPASSWORD,
    },
  });
}

function commandFor(section: string, extension: string): string {
  const command = rowsOf(section).find(([name]) => name === extension)?.[1];
  if (command === undefined) throw new Error(`The docs have no command for ${extension} of ${section}`);
  return command;
}

/** Rows of the table `file | command` under that heading. */
function rowsOf(section: string): readonly (readonly [string, string])[] {
  const text = PAGE.split(`### ${section}\n`)[1]?.split('\n### ')[0] ?? '';
  return [...text.matchAll(/^\| `(\.[a-z.]+)` \| `(.+)` \|$/gm)].map(
    ([, extension = '', command = '']) => [extension, command.replaceAll('\\|', '|')] as const,
  );
}
