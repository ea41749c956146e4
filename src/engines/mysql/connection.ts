import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { EngineTarget } from '../engine.ts';
import { FIND_BUNDLE, tellTls } from '../tls-shell.ts';
import type { MysqlOptions } from './options.ts';

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
  printf '%s\\n' "$MYSQL_OPTIONS" "$socket_line" "$tls_lines" '[mysql]' connect-timeout=${CONNECT_TIMEOUT_SECONDS} local-infile=0
}
${trustLines(target)}`;
}

/**
 * Shell functions: `with_options PROGRAM …` runs a client that reads `options` from stdin and, where one is given, the
 * certificate authority from /dev/fd/4, so that no file is made (measured: MariaDB 10.11); `tell_tls` says more after a
 * failure, `choose_authorities` sets where a client finds those that count.
 */
function trustLines({ host, address, port, options: { tlsMode, tlsCa } }: MysqlTarget): string {
  const plain = `with_options() { options | "$@"; }`;
  if (tlsMode !== 'verify') return `${plain}\ntell_tls() { return; }`;
  if (host === null || host.startsWith('/')) {
    throw new AppError(
      'invalid',
      'The certificate of the server can be verified only with a host: a local socket has no TLS. Enter the host as the certificate names it.',
      { details: { field: 'host' } },
    );
  }
  const tell = tellTls('mysql', { host, address: address ?? null, port: port ?? 3306 });
  if (tlsCa === null) {
    return `${plain}\nTLS_CA=\n${FIND_BUNDLE}\nchoose_authorities() { find_bundle; }\n${tell}`;
  }
  return `choose_authorities() { authorities=/dev/fd/4; }
with_options() {
  printf '%s\\n' "$TLS_CA" | { exec 4<&0; options | "$@"; }
}
${tell}`;
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
    ...(target.host ? [optionLine(isSocket ? 'socket' : 'host', hostOf(target, target.host))] : []),
    ...(target.port === null || isSocket ? [] : [`port=${target.port}`]),
  ];
  const { tlsMode, tlsCa } = target.options;
  return {
    MYSQL_OPTIONS: lines.join('\n'),
    ...(tlsMode === 'verify' && tlsCa !== null ? { TLS_CA: tlsCa } : {}),
  };
}

/** A certificate is for a name: where it is verified, the clients look the name up themselves. */
function hostOf({ address, options }: MysqlTarget, host: string): string {
  return options.tlsMode === 'verify' ? host : (address ?? host);
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
