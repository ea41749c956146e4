import type { AppError } from '../../errors.ts';
import type { CommandFailure } from '../engine.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import { explainTls } from '../tls-failures.ts';
import { describeTarget, type PostgresTarget } from './connection.ts';
import { pastedIdentifier } from './restore-lines.ts';

/** What a failed psql or pg_dump says, as an error for an admin; undefined when it says nothing known. */
export function explainPostgres(target: PostgresTarget, failure: CommandFailure): AppError | undefined {
  const what = describeTarget(target);
  const known = [...lackedRights(target), ...FAILURES];
  return explainTls(target.options, what, failure) ?? explainBy(known, what, failure);
}

/** Where the user and the database are known by name, the answer is a statement to paste. */
function lackedRights({ username, databaseName }: PostgresTarget): readonly KnownFailure[] {
  const user = username ? pastedIdentifier(username) : null;
  const database = databaseName ? pastedIdentifier(databaseName) : null;
  const connect = user && database ? `: GRANT CONNECT ON DATABASE ${database} TO ${user};` : '.';
  const read = user ? `: GRANT pg_read_all_data TO ${user};` : '.';
  return [
    {
      pattern: /permission denied for database/,
      code: 'dump_refused',
      message: (what) => `The user may not connect to ${what}. Grant it CONNECT on the database${connect}`,
    },
    {
      pattern:
        /permission denied for ((?:table|sequence|schema|view|materialized view|foreign table|relation) [^\n]*)/,
      states: ['42501'],
      code: 'dump_refused',
      message: (what, thing) =>
        `The user may not read everything in ${what}: permission denied for ${thing}. Use the owner, or grant it the role pg_read_all_data (PostgreSQL 14 and later), which holds for what is created later, too${read}`,
    },
  ];
}

const CLIENT_PACKAGE =
  'Install the Debian package postgresql-client (or your system’s PostgreSQL client programs) there.';

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: (psql|pg_dump) not found/,
    code: 'dump_tool_missing',
    message: (_what, tool) => `${tool} was not found on the host. ${CLIENT_PACKAGE}`,
  },
  {
    pattern: /server version: ([^;\n]+); pg_dump version: /,
    code: 'dump_client_too_old',
    message: (what, server) =>
      `pg_dump on the host is older than the server of ${what} (PostgreSQL ${server}). ` +
      'Install the client package of the server’s major version there, such as postgresql-client-17.',
  },
  {
    pattern:
      /password authentication failed|no password supplied|SCRAM authentication|authentication failed for user/,
    code: 'dump_refused',
    message: (what) =>
      `The server refused the login to ${what}: wrong user or password. Correct the credentials.`,
  },
  {
    pattern: /database ("[^\n]*") does not exist/,
    states: ['3D000'],
    code: 'dump_source_missing',
    message: (what, name) => `There is no database ${name} on that server (tried ${what}). Correct its name.`,
  },
  {
    pattern: /authentication method requirement "!password" failed/,
    code: 'dump_refused',
    message: (what) =>
      `The server of ${what} asked for the password in clear text, which whoever plays that server could read, so it was not sent. Have it ask by scram-sha-256 (pg_hba.conf) or, if it can’t, verify its certificate (TLS in the settings of the database).`,
  },
  {
    pattern: /role ("[^\n]*") does not exist/,
    states: ['28000', '42704'],
    code: 'dump_source_missing',
    message: (what, name) =>
      `There is no role ${name} on that server (tried ${what}). Correct the user name.`,
  },
  {
    pattern: /server does not support SSL/,
    code: 'dump_refused',
    message: (what) =>
      `TLS is required for ${what}, but the server does not offer it. Turn on "ssl" in its postgresql.conf, or turn the requirement off.`,
  },
  {
    pattern: /(?:no pg_hba\.conf entry|pg_hba\.conf rejects (?:replication )?connection) for ([^\n]*)/,
    code: 'dump_refused',
    message: (what, entry) =>
      `The pg_hba.conf of the server does not let the host in to ${what} (${entry}). Add an entry there and reload the server.`,
  },
  {
    pattern:
      /the database system is (starting up|shutting down|in recovery mode)|not (?:currently|yet) accepting connections/,
    // Of a login, of which no state is told.
    states: [],
    code: 'dump_refused',
    message: (what) => `The server of ${what} accepts no connections at the moment. Try again when it is up.`,
  },
  {
    pattern:
      /(?:could not translate host name|Name or service not known|Temporary failure in name resolution)/,
    code: 'dump_refused',
    message: (what) =>
      `The name of the database’s machine was not found from the host (tried ${what}). Correct it.`,
  },
  {
    pattern:
      /Connection refused|No such file or directory\s+Is the server running|timeout expired|No route to host|Network is unreachable|could not connect to server/,
    code: 'dump_refused',
    message: (what) =>
      `No PostgreSQL server answered for ${what}, as seen from the host. Check that it runs and listens there, and the port.`,
  },
  {
    pattern: /(?:too many clients already|remaining connection slots are reserved)/,
    code: 'dump_refused',
    message: (what) => `The server of ${what} has no free connection. Try again, or raise max_connections.`,
  },
  {
    // https://www.postgresql.org/docs/current/predefined-roles.html: pg_read_all_data has no large objects before 19.
    pattern: /permission denied for large object (\d+)/,
    states: ['42501'],
    code: 'dump_refused',
    message: (what, object) =>
      `The user may not read large object ${object} in ${what}. The role pg_read_all_data does not cover large objects: use their owner or a superuser, let the owner GRANT SELECT ON LARGE OBJECT … for each, or turn on lo_compat_privileges for the user (ALTER ROLE … SET lo_compat_privileges = on, by a superuser).`,
  },
  {
    pattern: /permission denied for ([^\n]*)/,
    states: ['42501'],
    code: 'dump_refused',
    message: (what, thing) =>
      `The user may not read everything in ${what}: permission denied for ${thing}. Grant it that right, or use the owner.`,
  },
  {
    pattern: /query would be affected by row-level security policy for table ([^\n]*)/,
    states: ['42501'],
    code: 'dump_refused',
    message: (what, table) =>
      `Row-level security hides rows of ${table} from the user of ${what}. Use the owner or a role with BYPASSRLS.`,
  },
  {
    pattern: /conflict with recovery/,
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server of ${what} is a standby, and ended the dump to go on with what its primary sent (${words}) Turn on hot_standby_feedback there, give it a longer max_standby_streaming_delay (and max_standby_archive_delay), or back up the primary.`,
  },
  {
    pattern:
      /invalid page in block|could not read blocks?|(?:missing|unexpected) chunk (?:number|size)|compressed \w+ data is corrupt|invalid memory alloc request size|could not access status of transaction|could not open file "(?:base|global|pg_tblspc)\/[^\n]*No such file/,
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server can't read some of ${what} any more; its data is damaged. It said: ${words} Keep the backups there are, look at its disk and its log, and restore, or repair what it names.`,
  },
  {
    pattern: /out of shared memory/,
    states: ['53200'],
    code: 'dump_failed',
    message: (what) =>
      `The server has no room for the locks that a dump of ${what} needs, one for each table. Raise max_locks_per_transaction in its configuration and restart it.`,
  },
  {
    pattern: /(relation "[^\n]*") does not exist|could not open relation with OID|cache lookup failed for/,
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `Something in ${what} was dropped or renamed while the dump began. Run the backup again. It said: ${words}`,
  },
  {
    pattern: /(?:ERROR|FATAL|PANIC):[^\n]*No space left on device/,
    states: ['53100'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The disk of the server of ${what} is full. Free some of it. It said: ${words}`,
  },
  {
    // Of the host: psql tells no state of it.
    pattern: /could not write|No space left on device/,
    states: [],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The host could not write while dumping ${what}. The tar format needs room in its temporary folder: free some, or choose custom. It said: ${words}`,
  },
  {
    pattern: /canceling statement due to user request/,
    states: ['57014'],
    code: 'dump_failed',
    message: (what) => `Somebody cancelled the dump of ${what} in the server. Run the backup again.`,
  },
  {
    pattern:
      /server closed the connection unexpectedly|terminating connection|connection to server was lost|SSL SYSCALL error/,
    states: ['57P01', '57P02', '57P03'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server ended the connection to ${what} during the dump. Its log says why; then try again. It said: ${words}`,
  },
  // Of a server that speaks another language, where psql of ours tells the SQLSTATE: pg_dump tells none.
  {
    states: ['42501'],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not do all that is needed in ${what}. Grant it that right, or use the owner. The server said: ${words}`,
  },
  {
    states: ['XX001', 'XX002'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server can't read some of ${what} any more; its data is damaged. It said: ${words} Keep the backups there are, look at its disk and its log, and restore, or repair what it names.`,
  },
  {
    states: ['53200'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server has no memory left for what was asked of ${what}, such as for more locks (max_locks_per_transaction). It said: ${words}`,
  },
  {
    states: ['53100'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The disk of the server of ${what} is full. Free some of it. It said: ${words}`,
  },
  {
    states: ['57014'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server cancelled what was asked of ${what}: somebody had it do so, or a time limit of the user’s is over (statement_timeout). It said: ${words}`,
  },
  {
    states: ['57P01', '57P02', '57P03'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server ended the connection to ${what}: somebody had it do so, or it stops. Try again when it is up. It said: ${words}`,
  },
];
