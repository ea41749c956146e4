import { AppError } from '../../errors.ts';
import { ONLY_KEPT, ONLY_RESTORED } from '../drop.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import type { CommandFailure } from '../target.ts';
import { describeTarget } from './connection.ts';
import { explainPostgresRestore } from './restore-failures.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';

/** What a failed drop of the database of that name says, as an error for an admin; undefined when it says nothing known. */
export function explainPostgresDrop(
  target: PostgresRestoreTarget,
  name: string,
  failure: CommandFailure,
): AppError | undefined {
  const what = describeTarget({ ...target, databaseName: name });
  const known =
    explainBy(DROP_FAILURES, what, failure) ?? explainPostgresRestore({ ...target, newName: name }, failure);
  const [, aside] = /^bridgeport-note: it is called (bp_drop_\w+)$/m.exec(failure.stderr) ?? [];
  const explained = known ?? explainBy(ANY, what, failure);
  if (explained === undefined || aside === undefined) return known;
  const { code, message, details } = explained;
  return new AppError(
    code,
    `${message} It could not be given its name back, and is called “${aside}” now: rename it on the server, or drop it again, which finds it there.`,
    { details },
  );
}

const ANY: readonly KnownFailure[] = [
  {
    pattern: /^/,
    code: 'dump_failed',
    message: (what, _detail, words) => `It was not dropped: ${what}. The server said: ${words}`,
  },
];

const DROP_FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: the (kept|restored) database is another/,
    code: 'conflict',
    message: (_what, which) =>
      `The database of that name is not the one that was ${which}, or that one is called something else by now: somebody has renamed it. It was not dropped; look at it on the server.`,
  },
  {
    pattern: /bridgeport: it is no longer there/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nothing was dropped: ${what} is not there, and nobody knows whether this is the server that it was on. If somebody has dropped it, say so (in the API: mayBeGone), and it counts as dropped.`,
  },
  {
    pattern: /bridgeport: another server has it/,
    code: 'conflict',
    message: (what) =>
      `Nothing was dropped, and it does not count as dropped: ${what} is looked for on another database server than it was on, or on one that was upgraded or made anew since (another system identifier), and a database of its name, or of its OID, is there. Look at it on the server, and drop it there if nobody needs it.`,
  },
  {
    pattern: /bridgeport: another server/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nothing was dropped: ${what} is looked for on another database server than it was on, or on one that was upgraded or made anew since (another system identifier). Drop it where it is. If it is gone there, say so (in the API: mayBeGone), and it counts as dropped.`,
  },
  {
    pattern: /bridgeport: its name is taken/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nothing was dropped: the database of the name of ${what} is another one. The one that is meant is not on this server, and nobody knows whether this is the server that it was on. If somebody has dropped that, say so (in the API: mayBeGone), and it counts as dropped; the other one stays as it is.`,
  },
  {
    pattern: /bridgeport: the (kept|restored) one is the only copy/,
    code: 'invalid',
    field: 'isOnlyCopy',
    message: (what, which) =>
      `It was not dropped: ${what} is the only copy of ${which === 'kept' ? ONLY_KEPT : ONLY_RESTORED} Say so, too, to drop it (in the API: isOnlyCopy).`,
  },
  {
    pattern: /bridgeport: it is a template/,
    code: 'conflict',
    message: (what) =>
      `It was not dropped: somebody has made ${what} a template since it was restored, which protects it. If nobody needs it: ALTER DATABASE … IS_TEMPLATE false, and drop it again.`,
  },
  {
    pattern: /bridgeport: it was used since/,
    code: 'conflict',
    field: 'isUnused',
    message: (what) =>
      `It was not dropped: by its statistics somebody has written into ${what} since the restore, or they were reset. See who goes on with it; if nobody does, say so (in the API: isUnused).`,
  },
  {
    pattern: /bridgeport: nobody knows whether it was used/,
    code: 'conflict',
    field: 'isUnused',
    message: (what) =>
      `It was not dropped: nobody knows whether somebody has written into ${what} since the restore, as its statistics could not be read then, or can’t be now. See who goes on with it; if nobody does, say so (in the API: isUnused).`,
  },
  {
    states: ['55006'],
    code: 'conflict',
    message: (what, _detail, words) =>
      `Somebody uses ${what}, so that it was not dropped. End the sessions and prepared transactions in it (pg_stat_activity, pg_prepared_xacts), and drop it again. The server said: ${words}`,
  },
  {
    // To get in to where it is dropped from; the words of its own follow.
    pattern: /permission denied for database ("[^\n]*")/,
    states: ['42501'],
    code: 'dump_refused',
    message: (what, maintenance, words) =>
      `It was not dropped: the user may not connect to the database ${maintenance}, from which ${what} would be dropped. Grant CONNECT on that, or give another user for this. The server said: ${words}`,
  },
  {
    states: ['42501'],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not drop ${what}. Give another one for this: its owner, or a superuser. The server said: ${words}`,
  },
  {
    states: ['42P04'],
    code: 'conflict',
    message: (what, _detail, words) =>
      `It was not dropped: the name under which ${what} is dropped is another database’s. Look at that on the server, and rename it. The server said: ${words}`,
  },
  {
    states: ['53100'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `It was not dropped: the disk of the server of ${what} is full. Free some of it, and drop it again. The server said: ${words}`,
  },
  {
    pattern: /the database system is (?:starting up|shutting down|in recovery mode|not (?:yet )?accepting)/,
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `It was not dropped: the server of ${what} lets nobody in just now. Drop it again once it does. The server said: ${words}`,
  },
  {
    states: ['57P01', '57P02', '57P03'],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `Nobody knows yet whether ${what} was dropped: the session was ended by the server. See the server’s log, and drop it again. The server said: ${words}`,
  },
  {
    pattern:
      /terminating connection|server closed the connection|connection to server was lost|could not (?:send data to|receive data from) server|SSL SYSCALL error/,
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `Nobody knows yet whether ${what} was dropped: the connection to its server broke. See the server’s log, and drop it again. The server said: ${words}`,
  },
];
