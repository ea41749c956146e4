import type { AppError } from '../../errors.ts';
import type { CommandFailure } from '../engine.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import { explainTls } from '../tls-failures.ts';
import { describeTarget, type MysqlTarget } from './connection.ts';
import { textOf } from './sql-bytes.ts';

/** What a failed client or dump tool of MySQL says, as an error for an admin; undefined when it says nothing known. */
export function explainMysql(target: MysqlTarget, failure: CommandFailure): AppError | undefined {
  const what = describeTarget(target);
  const known = [...writeTimeout(failure), ...FAILURES];
  return explainTls(target.options, what, failure) ?? explainBy(known, what, failure);
}

/**
 * The server ends a connection that it can't write to for `net_write_timeout`, such as when the storage takes nothing;
 * MariaDB's dump tool can't ask for more time (measured: 10.11). It is the reason where we paused for that long.
 */
function writeTimeout({ stderr, longestPauseMs = 0 }: CommandFailure): readonly KnownFailure[] {
  const [, seconds] = /^bridgeport-note: net_write_timeout=(\d+)$/m.exec(stderr) ?? [];
  if (seconds === undefined || longestPauseMs < Number(seconds) * MOST_OF_IT * 1000) return [];
  return [
    {
      numbers: [1053, 1159, 1161, 1927, 2006, 2013],
      code: 'dump_failed',
      message: (what) =>
        `The server ended the connection to ${what} during the dump: the storage took nothing for ${Math.round(longestPauseMs / 1000)} s, and the server waits ${seconds} s for a client that does not read (net_write_timeout). Raise it there, such as by SET GLOBAL net_write_timeout = 3600 and in its configuration, or see why the storage stood still.`,
    },
  ];
}

const MOST_OF_IT = 0.9;

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: mysqldump not found/,
    code: 'dump_tool_missing',
    message: () =>
      'Neither mariadb-dump nor mysqldump, with its client beside it, was found on the host. Install the Debian package mariadb-client (or your system’s MySQL client programs) there.',
  },
  {
    pattern: /bridgeport: only programs of MariaDB for MySQL ?([\w.]*)/,
    code: 'dump_tool_missing',
    message: (what, version) =>
      `The server of ${what} is MySQL ${version}, but the host has only MariaDB's client programs, whose dumps of MySQL can't all be restored (generated columns, VECTOR). Install MySQL's own there: the package mysql-client of Ubuntu, or mysql-community-client from MySQL's repository (repo.mysql.com), since Debian has none.`,
  },
  {
    pattern: /bridgeport: the connection is not encrypted/,
    code: 'dump_refused',
    message: (what) =>
      `TLS is required for ${what}, but the server does not offer it. Give it a certificate (ssl_cert and ssl_key in its configuration), or turn the requirement off.`,
  },
  {
    pattern: /bridgeport: most rows of a query: (\d*)/,
    code: 'dump_refused',
    message: limitedRows,
  },
  {
    pattern: /bridgeport: tables were replaced: ([\dA-F ]+)/,
    code: 'dump_failed',
    message: (what, names) =>
      `While ${what} was dumped, ${quotedNames(names)} became another table, as when an online change of a schema (gh-ost, pt-online-schema-change) or a RENAME TABLE puts a new table in the place of an old one. The dump may hold only the rows that the new one had at its beginning, so it is not kept. Run the backup again when the change is over.`,
  },
  {
    pattern: /Authentication plugin '([^'\n]*)'|plugin ([\w]+) could not be loaded/i,
    code: 'dump_refused',
    message: (what, plugin) =>
      `The client programs on the host can't log in to ${what} in the way that the server asks for (${plugin || 'a plugin'}). Install the client programs of the server’s own kind and version there, or give the user another authentication plugin.`,
  },
  {
    numbers: [1045, 1698],
    code: 'dump_refused',
    message: (what) =>
      `The server refused the login to ${what}: wrong user or password, or the user may not come from that host. Correct the credentials.`,
  },
  {
    pattern: /has insufficient privileges to (SHOW CREATE [A-Z]+ `[^\n]*`)/,
    code: 'dump_refused',
    message: (what, statement) =>
      `The user may not read the body of every routine in ${what} (${statement}). Grant it SELECT on mysql.proc (MariaDB) or SHOW_ROUTINE (MySQL).`,
  },
  {
    // For events it asks for the name with its escapes as if they belonged to it (measured: MariaDB 10.11).
    pattern: /Unknown database '[^\n]*\\[^\n]*'" when selecting the database/,
    code: 'dump_failed',
    message: (what) =>
      `The dump tool can't dump the events of a database that has quotes or backslashes in its name: it asked the server for another name than ${what}. Rename the database.`,
  },
  {
    numbers: [1049],
    code: 'dump_source_missing',
    message: (what) => `There is no such database on that server (tried ${what}). Correct its name.`,
  },
  {
    pattern: /Got error: (?:1044|1142):[^\n]*when using LOCK TABLES/,
    code: 'dump_refused',
    message: (what) =>
      `The database has tables without transactions (MyISAM, Aria, MEMORY), for which all are locked, and the user may not lock tables of ${what}. Grant it LOCK TABLES, or convert them to InnoDB.`,
  },
  {
    numbers: [1044, 1142, 1143, 1227, 1370],
    code: 'dump_refused',
    message: (what) =>
      `The user may not read everything in ${what}. Grant it SELECT, SHOW VIEW, TRIGGER, EVENT and LOCK TABLES on the database.`,
  },
  {
    numbers: [1356, 1449],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `A view in ${what} can't be read: what it refers to, or its definer, is gone. Repair or drop it. The server said: ${words}`,
  },
  {
    numbers: [1412],
    code: 'dump_failed',
    message: (what) =>
      `A table of ${what} was altered during the dump, so that it is not of one moment any more. Run the backup again.`,
  },
  {
    numbers: [1146, 1051],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `A table of ${what} was dropped or renamed while the dump ran. Run the backup again. The server said: ${words}`,
  },
  {
    numbers: [1040, 1203, 1226],
    code: 'dump_refused',
    message: (what) => `The server of ${what} has no free connection. Try again, or raise max_connections.`,
  },
  {
    numbers: [1129, 1130],
    code: 'dump_refused',
    message: (what) =>
      `The server does not let that host in to ${what}. Create the user for it, as user@host.`,
  },
  {
    numbers: [2005],
    code: 'dump_refused',
    message: (what) =>
      `The name of the database’s machine was not found from the host (tried ${what}). Correct it.`,
  },
  {
    numbers: [2002, 2003],
    code: 'dump_refused',
    message: (what) =>
      `No MySQL server answered for ${what}, as seen from the host. Check that it runs and listens there, and the port; without a host, the local socket is used.`,
  },
  {
    numbers: [2026],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The TLS handshake with the server of ${what} failed: it may offer no TLS, or only versions that the client does not know. The client said: ${words}`,
  },
  {
    pattern: /Got error (?:126|127|134|144|145|174|176|194)\b/,
    numbers: [126, 127, 144, 145, 1034, 1035, 1194, 1195, 1712, 1877, 1932],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `A table of ${what} is damaged. Check it with CHECK TABLE and repair it. The server said: ${words}`,
  },
  {
    numbers: [1053, 1077, 1317, 1927, 2006, 2013, 4031],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server ended the connection to ${what} during the dump. Its log says why; then try again. The tool said: ${words}`,
  },
  {
    numbers: [1205],
    code: 'dump_locked',
    message: (what, _detail, words) =>
      `Somebody else kept a lock on a table of ${what} for longer than the server waits (lock_wait_timeout). Try again when it is given back. The server said: ${words}`,
  },
  {
    numbers: [3024, 1969],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server gave up a statement of the dump of ${what} because it took too long. Raise its time limit (max_statement_time, max_execution_time). It said: ${words}`,
  },
  {
    numbers: [2020, 1153],
    code: 'dump_failed',
    message: (what) =>
      `A row of ${what} is larger than the server sends. Raise max_allowed_packet in its configuration.`,
  },
];

/** Words for a server that would give a dump some rows of each table only. */
export function limitedRows(what: string, rows: string): string {
  return `The server of ${what} gives at most ${rows} rows of a query (sql_select_limit), and the dump would end well without the others. Take the limit away there: SET GLOBAL sql_select_limit = DEFAULT, and in its configuration and init_connect, where it is set.`;
}

function quotedNames(digits: string): string {
  return digits
    .trim()
    .split(' ')
    .map((name) => `"${textOf(name)}"`)
    .join(' and ');
}
