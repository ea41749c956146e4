import type { AppError } from '../../errors.ts';
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
  return (
    explainBy(DROP_FAILURES, what, failure) ?? explainPostgresRestore({ ...target, newName: name }, failure)
  );
}

const DROP_FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: the (kept|restored) database is another/,
    code: 'conflict',
    message: (_what, which) =>
      `The database of that name is not the one that was ${which}, or that one is called something else by now: somebody has renamed it. It was not dropped; look at it on the server.`,
  },
  {
    pattern: /bridgeport: another server/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nothing was dropped: ${what} is looked for on another database server than it was on, or on one that was upgraded or made anew since (another system identifier). Drop it where it is. If it is gone there, say so (in the API: mayBeGone), and it counts as dropped.`,
  },
  {
    pattern: /bridgeport: it is no longer there/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nothing was dropped: ${what} is not there, and nobody knows whether this is the server that it was on. If somebody has dropped it, say so (in the API: mayBeGone), and it counts as dropped.`,
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
    states: ['42501'],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not drop ${what}. Give another one for this: its owner, or a superuser. The server said: ${words}`,
  },
];
