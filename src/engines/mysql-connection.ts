import { AppError } from '../errors.ts';
import { quote } from '../hosts/quote.ts';
import type { EngineTarget } from './engine.ts';
import type { MysqlOptions } from './mysql-options.ts';

export type MysqlTarget = EngineTarget<MysqlOptions>;

const CONNECT_TIMEOUT_SECONDS = 15;
/** The clients read option files in lines of 4096 bytes. */
const MAX_LINE_BYTES = 4000;

/** What in the host's environment would lead the tools elsewhere or change what they write. */
const FOREIGN_VARIABLES = [
  'MYSQL_PWD',
  'MYSQL_HOST',
  'MYSQL_TCP_PORT',
  'MYSQL_UNIX_PORT',
  'MYSQL_GROUP_SUFFIX',
  'MARIADB_GROUP_SUFFIX',
  'MYSQL_HOME',
  'MARIADB_HOME',
  'LIBMYSQL_PLUGINS',
  'LIBMYSQL_PLUGIN_DIR',
];

/** Where a server listens if no host is given: the clients' own default is in files of theirs that are not read. */
const SOCKETS = [
  '/run/mysqld/mysqld.sock',
  '/var/run/mysqld/mysqld.sock',
  '/var/lib/mysql/mysql.sock',
  '/run/mysql/mysql.sock',
  '/tmp/mysql.sock',
];

/**
 * Shell lines that define `options`, which writes the option file that is all the clients read: through a pipe, so that
 * the password is on no disk, in no argument and in no environment. `tls_lines` are the flavour's, set before.
 * Messages come in English (LC_ALL=C), so that they can be explained.
 */
export function connectionLines(target: MysqlTarget): string {
  return `unset ${FOREIGN_VARIABLES.join(' ')}
export LC_ALL=C MYSQL_TEST_LOGIN_FILE=/nonexistent/login
database=${quote(databaseName(target))}
socket_line=
${target.host === null ? findSocket() : ''}
options() {
  printf '%s\\n' "$MYSQL_OPTIONS" "$socket_line" "$tls_lines" '[mysql]' connect-timeout=${CONNECT_TIMEOUT_SECONDS}
}`;
}

function findSocket(): string {
  return `for candidate in ${SOCKETS.join(' ')}; do
  [ -S "$candidate" ] && socket_line=socket=$candidate && break
done`;
}

/** The secret of the command: the option file but for what depends on the client's flavour. */
export function connectionSecrets(target: MysqlTarget): Readonly<Record<string, string>> {
  const isSocket = target.host === null || target.host.startsWith('/');
  const lines = [
    '[client]',
    ...(target.username ? [optionLine('user', target.username)] : []),
    ...(target.password ? [optionLine('password', target.password)] : []),
    // "localhost" would mean the socket to the clients.
    isSocket ? 'protocol=SOCKET' : 'protocol=TCP',
    ...(target.host ? [optionLine(isSocket ? 'socket' : 'host', target.address ?? target.host)] : []),
    ...(target.port === null || isSocket ? [] : [`port=${target.port}`]),
  ];
  return { MYSQL_OPTIONS: lines.join('\n') };
}

/** A line of an option file whose value is taken literally, whatever it holds. Throws `invalid` for what can't be written. */
export function optionLine(name: string, value: string): string {
  const escaped = value.replaceAll(/[\\"\n\r\t\b]/g, (character) => ESCAPES[character] ?? character);
  const line = `${name}="${escaped}"`;
  if (!value.includes('\0') && new TextEncoder().encode(line).byteLength <= MAX_LINE_BYTES) return line;
  throw new AppError(
    'invalid',
    `The ${name} holds a NUL character or is too long for MySQL's client programs.`,
    {
      details: { field: name },
    },
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
};

/** How messages name the target: no password in it. */
export function describeTarget(target: MysqlTarget): string {
  const { host, port, username } = target;
  const place =
    host === null
      ? ' on the local socket'
      : host.startsWith('/')
        ? ` on ${host}`
        : ` at ${host}:${port ?? 3306}`;
  return `database "${target.databaseName ?? ''}"${place}${username ? ` as user "${username}"` : ''}`;
}

function databaseName(target: MysqlTarget): string {
  if (target.databaseName) return target.databaseName;
  throw new AppError('invalid', 'The name of the MySQL database is missing. Set it in its settings.', {
    details: { field: 'databaseName' },
  });
}
