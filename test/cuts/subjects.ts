import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { postgres } from '../../src/engines/postgres/postgres.ts';
import { sqlite } from '../../src/engines/sqlite/sqlite.ts';
import type { HostCommand } from '../../src/hosts/host.ts';
import { runInShell } from '../engines/shell.ts';
import { fillNasty } from '../engines/sqlite-data.ts';
import type { TestMariadb } from '../support/mariadb.ts';
import { fillMariadb, mariadbChecksums } from '../support/mariadb-data.ts';
import type { TestPostgres } from '../support/postgres.ts';
import { checksums, fillDatabase } from '../support/postgres-data.ts';
import type { DumpOf } from '../support/stored-dump.ts';

/** A dump of a real server, and where it is restored to. */
export interface Subject {
  readonly name: string;
  readonly dump: Buffer;
  readonly of: DumpOf;
  /** Where bridgeport-restore is told to make something new. */
  readonly target: readonly string[];
  readonly newName: string;
  /** All that there is on the server, or in the folder, by name; and what is in the source. Neither may ever change. */
  names(): Promise<string>;
  content(): Promise<string>;
  /** Removes the new one, where a restore came to its end. */
  drop(): Promise<void>;
  /** What is usually done with that file; the pipeline, as a person would show it. */
  readonly stock: string;
  /** Runs it into a new database, and removes that again. */
  runStock(file: string): Promise<Stock>;
}

export interface Stock {
  readonly isStatusZero: boolean;
  /** It was ended when it had gone on for longer than any restore here takes. */
  readonly isEndless: boolean;
  /** Tables that it left. */
  readonly tables: number;
}

const ENDLESS_SECONDS = 20;
/** Of `timeout`, which ended its program. */
const TIMED_OUT = 124;
const NEW = `cut "ü" 😀'`;
const NEW_OF_MYSQL = 'cut "ü"\' `1';
const NOTHING = { host: null, port: null, databaseName: null, username: null, password: null };
const UNPACK = { none: 'cat', 'gzip-6': 'gzip -dc', 'zstd-3': 'zstd -qdc' } as const;

async function dumped(command: HostCommand): Promise<Buffer> {
  const { exitCode, stderr, stdout } = await runInShell(command);
  if (exitCode !== 0) throw new Error(`The dump failed: ${stderr}`);
  return stdout;
}

export async function postgresSubjects(
  server: TestPostgres,
  folder: string,
  mebibytes: number,
): Promise<readonly Subject[]> {
  const source = 'source of cuts';
  await server.createDatabase(source);
  await fillDatabase(server, source, mebibytes);
  const { username, password } = server.superuser;
  const passwordFile = join(folder, 'postgres password');
  writeFileSync(passwordFile, password);
  const env = {
    PATH: process.env['PATH'] ?? '',
    PGHOST: '127.0.0.1',
    PGPORT: String(server.port),
    PGUSER: username,
    PGPASSWORD: password,
  };
  const shapes = [
    ['plain', 'zstd', 'zstd-3'],
    ['plain', 'none', 'none'],
    ['custom', 'gzip', 'none'],
    ['custom', 'zstd', 'zstd-3'],
    ['tar', 'zstd', 'zstd-3'],
  ] as const;
  return Promise.all(
    shapes.map(async ([backupFormat, backupCompression, compression]) => {
      const options = postgres.options.parse({ backupFormat, backupCompression });
      const target = {
        host: '127.0.0.1',
        port: server.port,
        databaseName: source,
        ...server.superuser,
        options,
      };
      const restoring = backupFormat === 'plain' ? 'psql -q -v ON_ERROR_STOP=1' : 'pg_restore';
      return {
        name: `PostgreSQL ${backupFormat}, ${backupCompression}`,
        dump: await dumped(postgres.dump(target).command),
        of: {
          type: 'postgres',
          format: backupFormat,
          compression,
          clientVersion: '15.1',
          serverVersion: '15.1',
        },
        target: [
          ...['--host', '127.0.0.1', '--port', String(server.port)],
          ...['--user', username, '--password-file', passwordFile],
        ],
        newName: NEW,
        names: async () => JSON.stringify(await server.query('SELECT datname FROM pg_database ORDER BY 1')),
        content: async () => JSON.stringify(await checksums(server, source)),
        drop: () => server.dropDatabase(NEW),
        stock: `${UNPACK[compression]} FILE \\| ${restoring} -d NEW`,
        async runStock(file) {
          await server.createDatabase('stock');
          // pg_restore reads a tar that was cut for ever.
          const line = `${UNPACK[compression]} "$1" | timeout ${ENDLESS_SECONDS} "$2"/${restoring} -d stock`;
          const { status } = spawnSync('bash', ['-c', line, 'bash', file, server.programs], {
            env,
            stdio: 'ignore',
          });
          const [row] = await server.query(
            `SELECT count(*)::int AS n FROM pg_class c JOIN pg_namespace s ON s.oid = relnamespace WHERE relkind = 'r' AND nspname NOT IN ('pg_catalog', 'information_schema')`,
            'stock',
          );
          await server.dropDatabase('stock');
          return { isStatusZero: status === 0, isEndless: status === TIMED_OUT, tables: Number(row?.['n']) };
        },
      } satisfies Subject;
    }),
  );
}

export async function mariadbSubjects(
  server: TestMariadb,
  folder: string,
  mebibytes: number,
): Promise<readonly Subject[]> {
  const source = 'source_of_cuts';
  await server.createDatabase(source);
  await fillMariadb(server, source, mebibytes);
  const { username, password } = server.superuser;
  const passwordFile = join(folder, 'mariadb password');
  writeFileSync(passwordFile, password);
  const options = mysql.options.parse({});
  const target = { host: '127.0.0.1', port: server.port, databaseName: source, ...server.superuser, options };
  const env = { PATH: process.env['PATH'] ?? '', MYSQL_PWD: password };
  const client = `mariadb --no-defaults -h 127.0.0.1 -P ${server.port} -u ${username}`;
  const subject: Subject = {
    name: 'MariaDB plain, zstd',
    dump: await dumped(mysql.dump(target).command),
    of: { type: 'mysql', format: 'plain', compression: 'zstd-3', serverVersion: '10.11.6-MariaDB' },
    target: [
      ...['--host', '127.0.0.1', '--port', String(server.port)],
      ...['--user', username, '--password-file', passwordFile],
    ],
    newName: NEW_OF_MYSQL,
    names: async () => JSON.stringify(await server.query('SHOW DATABASES')),
    content: async () => JSON.stringify(await mariadbChecksums(server, source)),
    drop: () => server.dropDatabase(NEW_OF_MYSQL),
    stock: 'zstd -qdc FILE \\| mariadb NEW',
    async runStock(file) {
      await server.createDatabase('stock');
      const { status } = spawnSync('bash', ['-c', `zstd -qdc "$1" | ${client} stock`, 'bash', file], {
        env,
        stdio: 'ignore',
      });
      const tables = (await server.query('SHOW TABLES', 'stock')).length;
      await server.dropDatabase('stock');
      return { isStatusZero: status === 0, isEndless: false, tables };
    },
  };
  return [subject];
}

export async function sqliteSubjects(folder: string): Promise<readonly Subject[]> {
  const home = join(folder, "sqlite's ü 😀");
  mkdirSync(home);
  const source = join(home, 'source.db');
  const db = new Database(source);
  fillNasty(db, { withExactValues: false });
  db.exec(
    `CREATE TABLE bulk (id INTEGER PRIMARY KEY, noise); INSERT INTO bulk WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) SELECT i, hex(randomblob(120)) FROM n`,
  );
  db.close();
  const newName = join(home, 'new.db');
  const formats = ['plain', 'binary'] as const;
  return Promise.all(
    formats.map(async (backupFormat) => {
      const options = sqlite.options.parse({ filePath: source, backupFormat });
      const { script } = sqlite.dump({ ...NOTHING, options }).command;
      const stock = join(home, 'stock.db');
      const line = backupFormat === 'plain' ? 'zstd -qdc "$1" | sqlite3 "$2"' : 'zstd -qdc "$1" > "$2"';
      return {
        name: `SQLite ${backupFormat}, zstd`,
        dump: await dumped({ script: `scratch='${folder}/.bridgeport-${backupFormat}/copy'\n${script}` }),
        of: { type: 'sqlite', format: backupFormat, compression: 'zstd-3', serverVersion: '3.40.1' },
        ...{ target: [], newName },
        names: async () => JSON.stringify(readdirSync(home).sort()),
        content: async () => execFileSync('sha256sum', ['--', source], { encoding: 'utf8' }),
        drop: async () => rmSync(newName, { force: true }),
        stock: backupFormat === 'plain' ? 'zstd -qdc FILE \\| sqlite3 NEW' : 'zstd -qdc FILE > NEW',
        async runStock(file) {
          const { status } = spawnSync('bash', ['-c', line, 'bash', file, stock], { stdio: 'ignore' });
          const tables = existsSync(stock) ? tablesIn(stock) : 0;
          for (const end of ['', '-journal', '-wal', '-shm']) rmSync(`${stock}${end}`, { force: true });
          return { isStatusZero: status === 0, isEndless: false, tables };
        },
      } satisfies Subject;
    }),
  );
}

/** Of a file that no SQLite opens, the file itself is what was left. */
function tablesIn(path: string): number {
  const { status, stdout } = spawnSync('sqlite3', [path, 'SELECT count(*) FROM sqlite_schema'], {
    encoding: 'utf8',
  });
  return status === 0 ? Number(stdout) : 1;
}
