import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './free-port.ts';
import { makeCertificate, type Owner, ownerNamed } from './private-server.ts';

/** A private PostgreSQL server on a random port of 127.0.0.1, its files in a folder of its own. */
export interface TestPostgres {
  readonly port: number;
  readonly superuser: { readonly username: string; readonly password: string };
  /** Of the superuser, to the database `postgres`. */
  readonly url: string;
  /** The server's folder: `data`, `log`, and its Unix socket. */
  readonly folder: string;
  /** The folder of the client programs (pg_dump, psql, …). */
  readonly programs: string;
  query(text: string, database?: string): Promise<readonly Record<string, unknown>[]>;
  createDatabase(name: string): Promise<void>;
  /** Whoever is in it; one that is not there is no error. */
  dropDatabase(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Where a server runs: plain data, so that another process can use it. */
export interface PostgresPlace {
  readonly port: number;
  readonly folder: string;
  readonly programs: string;
}

export interface TestPostgresOptions {
  /** Serve TLS with a certificate of its own. */
  readonly tls?: boolean;
}

/** A data folder that no server has run in yet. */
export interface PostgresFiles {
  readonly data: string;
}

const PASSWORD = 'it’s a "secret" $(x)';

/**
 * Starts a server of the test's own, for what can't be shared: settings, certificates, roles, ended connections. Where
 * databases are enough, `sharedPostgres` has them at once.
 */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  // The benchmarks start one, too, and share nothing.
  const files = process.env['VITEST'] ? await (await import('./shared/files.ts')).postgresFiles() : undefined;
  const { stop, ...place } = await launchPostgres(options, files);
  return { ...connectPostgres(place), stop };
}

/** Makes the files that a run's servers begin with: a copy of them costs a tenth of what it costs to make them. */
export async function makePostgresFiles(): Promise<PostgresFiles & Pick<TestPostgres, 'stop'>> {
  const { folder, owner } = await makeFolder();
  const data = await makeData(folder, owner, await newestPrograms());
  return { data, stop: () => rm(folder, { recursive: true, force: true }) };
}

/** Starts a server that asks for scram passwords; as the user postgres where this process is root. */
export async function launchPostgres(
  options: TestPostgresOptions = {},
  files?: PostgresFiles,
): Promise<PostgresPlace & Pick<TestPostgres, 'stop'>> {
  const programs = await newestPrograms();
  const { folder, owner } = await makeFolder();
  const data = files
    ? await copyData(files.data, join(folder, 'data'))
    : await makeData(folder, owner, programs);
  if (options.tls) await makeCertificate(data, owner);
  const port = await freePort();
  const server = start(owner, join(programs, 'postgres'), [
    '-D',
    data,
    '-p',
    String(port),
    ...settings({
      listen_addresses: '127.0.0.1',
      // Of the usual hundred, many files at once could leave none.
      max_connections: '300',
      unix_socket_directories: folder,
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      logging_collector: 'off',
      // Who sets it to C.UTF-8 gets German, by LANGUAGE: no other locale need be installed.
      lc_messages: 'C',
      ssl: options.tls ? 'on' : 'off',
    }),
  ]);
  await untilReady(server, connectionTo(port, 'postgres'));
  return {
    port,
    folder,
    programs,
    stop: async () => {
      await stop(server);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeFolder(): Promise<{ readonly folder: string; readonly owner: Owner | undefined }> {
  const folder = await mkdtemp(join(tmpdir(), 'pg-'));
  await chmod(folder, 0o755);
  const owner = await ownerNamed('postgres');
  if (owner) await chown(folder, owner.uid, owner.gid);
  return { folder, owner };
}

/** With owners and modes, which the server insists on. */
async function copyData(from: string, to: string): Promise<string> {
  await promisify(execFile)('cp', ['-a', '--', from, to]);
  return to;
}

async function makeData(folder: string, owner: Owner | undefined, programs: string): Promise<string> {
  const data = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await writeFile(passwordFile, PASSWORD, { mode: 0o600 });
  if (owner) await chown(passwordFile, owner.uid, owner.gid);
  await finished(
    start(owner, join(programs, 'initdb'), [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth-local=scram-sha-256',
      '--auth-host=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C.UTF-8',
      '--no-sync',
      '--no-instructions',
    ]),
  );
  return data;
}

/** A running server as the superuser uses it. */
export function connectPostgres({ port, folder, programs }: PostgresPlace): Omit<TestPostgres, 'stop'> {
  const query: TestPostgres['query'] = async (text, database = 'postgres') => {
    const client = new pg.Client(connectionTo(port, database));
    await client.connect();
    try {
      const results: unknown = await client.query(text);
      return rowsOf(results);
    } finally {
      await client.end();
    }
  };
  return {
    port,
    superuser: { username: 'postgres', password: PASSWORD },
    url: `postgres://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/postgres`,
    folder,
    programs,
    query,
    createDatabase: async (name) => {
      await query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
    },
    dropDatabase: async (name) => {
      await query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
    },
  };
}

function connectionTo(port: number, database: string): pg.ClientConfig {
  return { host: '127.0.0.1', port, user: 'postgres', password: PASSWORD, database };
}

/** Of several statements, pg answers with a list of results. */
function rowsOf(results: unknown): readonly Record<string, unknown>[] {
  const last: unknown = Array.isArray(results) ? results.at(-1) : results;
  // The shape of pg's QueryResult.
  return (last as pg.QueryResult<Record<string, unknown>>).rows;
}

function start(owner: Owner | undefined, program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, {
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', LANGUAGE: 'de' },
    ...(owner ?? {}),
  });
}

function settings(values: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function newestPrograms(): Promise<string> {
  const versions = await readdir('/usr/lib/postgresql');
  const newest = versions.map(Number).sort((a, b) => b - a)[0];
  return `/usr/lib/postgresql/${newest}/bin`;
}

async function untilReady(server: ChildProcess, connection: pg.ClientConfig): Promise<void> {
  let log = '';
  server.stderr?.on('data', (chunk) => {
    log = (log + String(chunk)).slice(-4000);
  });
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL did not start: ${log}`);
    const client = new pg.Client(connection);
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** SIGQUIT: at once; the files are thrown away. */
async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = once(server, 'exit');
  server.kill('SIGQUIT');
  await exited;
}

async function finished(child: ChildProcess): Promise<void> {
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${child.spawnfile} failed: ${stderr}`);
}
