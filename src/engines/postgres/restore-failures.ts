import type { AppError } from '../../errors.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import type { CommandFailure } from '../target.ts';
import { describeTarget } from './connection.ts';
import { explainPostgres } from './failures.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';

/** What a failed psql or pg_restore says, as an error for an admin; undefined when it says nothing known. */
export function explainPostgresRestore(
  target: PostgresRestoreTarget,
  failure: CommandFailure,
): AppError | undefined {
  const { adopts } = target.inPlace ?? {};
  if (adopts && failure.stderr.includes(OF_RESTORED)) {
    const restored = describeTarget({ ...target, databaseName: adopts.name });
    const refusal = explainBy(ADOPT_FAILURES, restored, failure);
    if (refusal !== undefined) return refusal;
  }
  const what = describeTarget({ ...target, databaseName: target.newName });
  const known = explainBy(FAILURES, what, failure);
  if (known !== undefined) return known;
  // What keeps a dump from its server keeps a restore from it; what it may not read is another matter.
  const connection = explainPostgres({ ...target, databaseName: target.newName }, failure);
  return connection !== undefined && ['dump_refused', 'dump_tool_missing'].includes(connection.code)
    ? connection
    : undefined;
}

/** What a script adds where it failed with what another restore has made. */
export const OF_RESTORED = 'bridgeport-note: of what was restored';

const ADOPT_FAILURES: readonly KnownFailure[] = [
  {
    states: ['55006'],
    code: 'conflict',
    message: (what, _detail, words) =>
      `Nothing was renamed: somebody uses ${what}, which was restored, and nobody is ended there. End the sessions and prepared transactions in it, and ask again. The server said: ${words}`,
  },
  {
    states: ['42501'],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `Nothing was renamed: the user may not rename ${what}, which was restored. Give another user: its owner with CREATEDB, or a superuser. The server said: ${words}`,
  },
];

/** Which would drop what no backup has. */
const CASCADE_HINT = / HINT: Use DROP \.\.\. CASCADE[^.]*\./g;

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: (pg_restore|psql|pg_dump) not found/,
    code: 'dump_tool_missing',
    message: (_what, tool) =>
      `${tool} was not found on the host. Install the Debian package postgresql-client (or your system’s PostgreSQL client programs) there.`,
  },
  {
    pattern: /bridgeport: no (folder|room) for the archive/,
    code: 'dump_failed',
    message: (_what, why, words) =>
      why === 'room'
        ? `The archive could not be kept on the host while several jobs load it: /var/tmp there is full. Free some of it, or restore without jobs. It said: ${words}`
        : `The archive could not be kept on the host while several jobs load it: the SSH user may make no folder in /var/tmp there. Let it, or restore without jobs.`,
  },
  {
    pattern: /bridgeport: the archive is still there: ([^\n]+)/,
    code: 'dump_failed',
    message: (_what, folder, words) =>
      `The folder ${folder} on the host, in which the archive lay for the jobs, could not be removed. Remove it there. It said: ${words}`,
  },
  {
    pattern: /bridgeport: the restored database is gone/,
    code: 'dump_failed',
    message: () => 'The restored database is not there any more: somebody has dropped or renamed it.',
  },
  {
    pattern: /bridgeport: not to be swapped: (\w+)/,
    code: 'conflict',
    message: (what) =>
      `Nothing was swapped: ${what} is not the one any more that was there when the restore began, or its other name is taken. Somebody else has renamed, replaced or dropped it meanwhile.`,
  },
  {
    pattern: /bridgeport: swapped already/,
    code: 'conflict',
    message: (what) => `What was restored has taken the place of ${what} already, and so is not removed.`,
  },
  {
    pattern: /bridgeport: made on another server/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nobody can tell whether what was made for ${what} is gone: it is not there, but it was made on another database server than is found there now, or on one that was made anew since (another system identifier, or one that this user may not read). See where the host name leads. If it is gone for good, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: found on another server/,
    code: 'conflict',
    field: 'isThatOne',
    message: (what) =>
      `Nobody can tell whether ${what} is what was restored: it has its name and its OID, but it was made on another database server than is found there now, or on one that was made anew since (another system identifier, or one that this user may not read). Nothing was changed: look at it. If it is what was restored, say so when you clean up (in the API: isThatOne); if nothing of this restore is there, say that (mayBeGone).`,
  },
  {
    pattern: /bridgeport: it is called ([^\n]+)/,
    code: 'conflict',
    message: (what, name) =>
      `What was restored as ${what} is there, called “${name}” by now: somebody has renamed it. It was not removed. Drop it by hand, or give it its name back, and clean up then.`,
  },
  {
    pattern: /bridgeport: it may be called ([^\n]+)/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what, name) =>
      `Nobody can tell whether what was restored as ${what} is gone: the database “${name}” has its OID, and is it, renamed by somebody, or another one on another server. Nothing was removed: look at it. If nothing of this restore is there, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: its server is not told/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nobody can tell whether the backup was restored into ${what}: a database of its OID is there, but this user may not read the system identifier of its server (EXECUTE on pg_control_system()), by which it would be known as the very one. Clean up as a user who may. If the one that is meant is gone for good, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: another database/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nobody can tell whether the backup was restored into ${what}: by its OID, or by the system identifier of its server, that is another one by now, behind the same host name or made anew. See where the host name leads. If the one that is meant is gone for good, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: neither kept nor restored/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nobody can tell whether ${what} is what was restored: neither what was restored nor what would be kept is there under its name. Look at its rows, and at what other names there are. If nothing of the restore is there any more, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: what was restored is another/,
    code: 'conflict',
    message: () =>
      'The database of that name is not the one that was restored, or that one is called something else by now: somebody has renamed or dropped it. Nothing was renamed.',
  },
  {
    pattern: /bridgeport: its name is taken: (\w+)/,
    code: 'conflict',
    message: (_what, work) =>
      `What was restored is there, whole, and called ${work}: it could not be given its name back, which is another database’s by now. Rename that one, or rename ${work} on the server.`,
  },
  {
    pattern: /bridgeport: it is held by ([^\n]+)/,
    code: 'conflict',
    message: (what, who) =>
      `Nothing was changed: for a quarter of a minute ${who} held something that is to be replaced in ${what}. End that, or let the restore end such sessions.`,
  },
  {
    pattern: /bridgeport: it is still restoring/,
    code: 'conflict',
    message: (what) =>
      `The restore into ${what} has not ended yet, though it was told to: nobody can tell what it comes to before it has.`,
  },
  {
    pattern: /bridgeport: restored already/,
    code: 'conflict',
    message: (what) => `The backup was restored into ${what} already, which can’t be taken back.`,
  },
  {
    pattern: /bridgeport: somebody else has changed its tables/,
    code: 'conflict',
    message: (what) =>
      `Nobody can tell whether the backup was restored into ${what}: somebody else has made or dropped some of its tables since. Look at its rows.`,
  },
  {
    pattern: /cannot drop ([^\n]*) because (?:other objects depend on it|extension [^\n]* requires it)/,
    states: ['2BP01'],
    code: 'conflict',
    message: (what, object, words) =>
      `Something that the backup does not have depends on ${object} in ${what}, and nothing is dropped by CASCADE: so all is as it was. Drop what depends on it, or restore beside it as a user who may create databases. The server said: ${words.replace(CASCADE_HINT, '')}`,
  },
  {
    pattern: /source database "template0" is being accessed|database is not currently accepting/,
    states: ['55006', '55000'],
    code: 'dump_failed',
    message: (_what, _detail, words) =>
      `The server could not make a new database just now. Try again. It said: ${words}`,
  },
  {
    pattern: /(is being accessed by other users|is used by (?:an active )?logical replication)/,
    states: ['55006'],
    code: 'conflict',
    message: (what, _detail, words) =>
      `Somebody uses ${what}, so that it stays as it is. End those sessions, or let the restore end them. The server said: ${words}`,
  },
  {
    pattern: /unsupported version \(([\d.]+)\) in file header/,
    code: 'dump_client_too_old',
    obstacle: 'version',
    message: (_what, version) =>
      `pg_restore on the host is older than the pg_dump that made this archive (format ${version}), and can't read it. Install the client package of its version or a newer one there.`,
  },
  {
    pattern: /invalid command \\(?:un)?restrict/,
    code: 'dump_client_too_old',
    obstacle: 'version',
    message: () =>
      'psql on the host does not know \\restrict, which newer dumps begin with. Install psql 14.24, 15.19, 16.15, 17.11, 18.6 or later there.',
  },
  {
    pattern: /unrecognized configuration parameter ("[^\n"]*")/,
    states: ['42704'],
    code: 'dump_failed',
    obstacle: 'version',
    message: (what, name) =>
      `The server of ${what} does not know the setting ${name} that the dump begins with: it was made by programs of a newer version. Restore to a server of that version or a newer one.`,
  },
  {
    pattern: /role ("[^\n]*") does not exist/,
    states: ['42704'],
    code: 'dump_failed',
    obstacle: 'role',
    message: (what, name) =>
      `The dump gives something to the role ${name}, which the server of ${what} does not have. Create the role there, and restore again.`,
  },
  {
    pattern:
      /(?:could not open extension control file|extension ("[^\n]*") (?:is not available|does not exist))/,
    states: ['42704', '58P01', '0A000'],
    code: 'dump_failed',
    obstacle: 'extension',
    message: (what, name, words) =>
      `The server of ${what} lacks an extension that the dump needs${name === '' ? '' : `: ${name}`}. Install it there, and restore again. It said: ${words}`,
  },
  {
    pattern: /(?:permission denied|must be (?:owner|superuser|member)|must be able to SET ROLE)([^\n]*)/,
    states: ['42501'],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not do all that the dump needs in ${what}. Restore as a superuser, or as a user who is a member of the roles that own what is in it. The server said: ${words}`,
  },
  {
    pattern: /database ("[^\n]*") already exists/,
    states: ['42P04'],
    code: 'conflict',
    message: (_what, name) => `There is a database ${name} by now. Choose another name.`,
  },
  {
    pattern: /No space left on device|could not extend file/,
    states: ['53100'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The disk of the server of ${what} is full. Free some of it. It said: ${words}`,
  },
  {
    // Last but one: a disk that is full ends sessions, too, and says so before.
    pattern:
      /terminating connection|server closed the connection|connection to server was lost|could not (?:send data to|receive data from) server|SSL SYSCALL error/,
    states: ['57P01', '57P02', '57P03'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The session of the restore into ${what} was ended by its server, or the connection to it broke. See the server’s log, and restore again. It said: ${words}`,
  },
  // Of a server that speaks another language, where psql tells the SQLSTATE: pg_restore tells none.
  {
    states: ['2BP01'],
    code: 'conflict',
    message: (what, _detail, words) =>
      `Something that the backup does not have depends on what is to be replaced in ${what}, and nothing is dropped by CASCADE: so all is as it was. Drop what depends on it, or restore beside it as a user who may create databases. The server said: ${words}`,
  },
  {
    states: ['55006'],
    code: 'conflict',
    message: (what, _detail, words) =>
      `Somebody uses ${what}, or what a new database is made of, so that it stays as it is. End those sessions, or let the restore end them. The server said: ${words}`,
  },
  {
    states: ['42501'],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not do all that the dump needs in ${what}. Restore as a superuser, or as a user who is a member of the roles that own what is in it. The server said: ${words}`,
  },
  {
    states: ['42P04'],
    code: 'conflict',
    message: (_what, _detail, words) =>
      `There is a database of that name by now. Choose another name. The server said: ${words}`,
  },
  {
    states: ['58P01'],
    code: 'dump_failed',
    obstacle: 'extension',
    message: (what, _detail, words) =>
      `The server of ${what} lacks a file that the dump needs, such as of an extension. Install it there, and restore again. It said: ${words}`,
  },
  {
    states: ['42704'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server of ${what} does not have something that the dump names, such as a role, an extension or a setting of a newer version. Make it there, or restore to another server. It said: ${words}`,
  },
  {
    states: ['53100'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The disk of the server of ${what} is full. Free some of it. It said: ${words}`,
  },
  {
    states: ['57P01', '57P02', '57P03'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The session of the restore into ${what} was ended by its server. See the server’s log, and restore again. It said: ${words}`,
  },
];
