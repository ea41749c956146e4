import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from './free-port.ts';
import { makeCertificate, ownerNamed } from './private-server.ts';

/** A private MariaDB server on a random port of 127.0.0.1, its files in a folder of its own. */
export interface TestMariadb {
  readonly port: number;
  readonly socket: string;
  /** May do everything, from 127.0.0.1 and through the socket. */
  readonly superuser: { readonly username: string; readonly password: string };
  /** The server's folder: `data`, `log`, and its Unix socket. */
  readonly folder: string;
  /** What the statements answer: rows of fields, of text as the client prints it. */
  query(statements: string, database?: string): Promise<readonly (readonly string[])[]>;
  createDatabase(name: string): Promise<void>;
  /** One that is not there is no error. */
  dropDatabase(name: string): Promise<void>;
  /** SQL text by the stock client into a database; throws what it says. */
  restore(sql: Uint8Array, database: string): Promise<void>;
  stop(): Promise<void>;
}

/** Where a server runs: plain data, so that another process can use it. */
export interface MariadbPlace {
  readonly port: number;
  readonly socket: string;
  readonly folder: string;
}

export interface TestMariadbOptions {
  /** Serve TLS with a certificate of its own. */
  readonly tls?: boolean;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
}

const PASSWORD = 'it’s a "secret" $(x) #\\n';

/**
 * Starts a server of the test's own, for what can't be shared: settings, certificates, users, ended connections. Where
 * databases are enough, `sharedMariadb` has them at once.
 */
export async function startMariadb(options: TestMariadbOptions = {}): Promise<TestMariadb> {
  const { stop, ...place } = await launchMariadb(options);
  return { ...connectMariadb(place), stop };
}

/** Starts a server; as the user mysql where this process is root. */
export async function launchMariadb(
  options: TestMariadbOptions = {},
): Promise<MariadbPlace & Pick<TestMariadb, 'stop'>> {
  const folder = await mkdtemp(join(tmpdir(), 'my-'));
  await chmod(folder, 0o755);
  const owner = await ownerNamed('mysql');
  if (owner) await chown(folder, owner.uid, owner.gid);
  const [data, socket] = [join(folder, 'data'), join(folder, 'my.sock')];
  // Of its own: a server that starts removes the temporary tables that it finds, also those of one that runs beside it.
  const scratch = `--tmpdir=${folder}`;
  await run('mariadb-install-db', [
    '--no-defaults',
    ...(owner ? ['--user=mysql'] : []),
    `--datadir=${data}`,
    scratch,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    '--skip-name-resolve',
    '--innodb-log-file-size=8M',
    '--innodb-flush-method=nosync',
  ]);
  const tls = options.tls ? await makeCertificate(folder, owner) : undefined;
  const port = await freePort();
  const server = spawn(
    '/usr/sbin/mariadbd',
    [
      '--no-defaults',
      `--datadir=${data}`,
      scratch,
      `--socket=${socket}`,
      `--port=${port}`,
      `--pid-file=${join(folder, 'pid')}`,
      `--log-error=${join(folder, 'log')}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      '--skip-log-bin',
      '--sql-mode=NO_ENGINE_SUBSTITUTION',
      '--character-set-server=utf8mb4',
      '--innodb-buffer-pool-size=64M',
      '--innodb-log-file-size=8M',
      '--innodb-flush-log-at-trx-commit=0',
      '--innodb-flush-method=nosync',
      ...(tls ? [`--ssl-key=${tls.key}`, `--ssl-cert=${tls.certificate}`] : []),
      ...(options.args ?? []),
    ],
    { cwd: folder, stdio: 'ignore', env: { PATH: process.env['PATH'] }, ...(owner ?? {}) },
  );
  await untilReady(server, join(folder, 'log'), () => client(socket, 'SELECT 1', 'mysql'));
  const password = PASSWORD.replaceAll(/[\\']/g, '\\$&');
  await client(
    socket,
    `CREATE USER admin@'%' IDENTIFIED BY '${password}'; GRANT ALL ON *.* TO admin@'%' WITH GRANT OPTION;`,
    'mysql',
  );
  return {
    port,
    socket,
    folder,
    async stop() {
      if (server.exitCode === null && server.signalCode === null) {
        const exited = once(server, 'exit');
        // The files are thrown away.
        server.kill('SIGKILL');
        await exited;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A running server as the superuser uses it. */
export function connectMariadb({ port, socket, folder }: MariadbPlace): Omit<TestMariadb, 'stop'> {
  return {
    port,
    socket,
    superuser: { username: 'admin', password: PASSWORD },
    folder,
    async query(statements, database = 'mysql') {
      const answer = await client(socket, statements, database, '--batch', '--skip-column-names');
      return answer
        .split('\n')
        .filter(Boolean)
        .map((line) => line.split('\t'));
    },
    createDatabase: async (name) => {
      await client(socket, `CREATE DATABASE ${quoted(name)}`, 'mysql');
    },
    dropDatabase: async (name) => {
      await client(socket, `DROP DATABASE IF EXISTS ${quoted(name)}`, 'mysql');
    },
    restore: async (sql, database) => {
      await client(socket, sql, database);
    },
  };
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

function client(socket: string, input: Uint8Array | string, database: string, ...args: string[]) {
  const connection = [`--socket=${socket}`, '--user=root'];
  return run(
    'mariadb',
    ['--no-defaults', ...connection, '--default-character-set=utf8mb4', ...args, '--', database],
    input,
  );
}

async function untilReady(server: ChildProcess, log: string, ask: () => Promise<unknown>): Promise<void> {
  for (;;) {
    if (server.exitCode !== null) throw new Error(`MariaDB did not start: ${await readFile(log, 'utf8')}`);
    try {
      await ask();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function run(
  program: string,
  args: readonly string[],
  input: Uint8Array | string = '',
): Promise<string> {
  const child = spawn(program, args, { stdio: 'pipe', cwd: '/', env: { PATH: process.env['PATH'] } });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ]);
  if (code !== 0) throw new Error(`${program} failed: ${stderr}`);
  return stdout;
}
