import type { AppError } from '../../errors.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import type { CommandFailure } from '../target.ts';
import { explainTls } from '../tls-failures.ts';
import { describeTarget, type MysqlTarget } from './connection.ts';
import { explainMysql } from './failures.ts';

/** What a failed restore says, as an error for an admin; undefined when it says nothing known. */
export function explainMysqlRestore(target: MysqlTarget, failure: CommandFailure): AppError | undefined {
  const what = describeTarget(target);
  return (
    explainTls(target.options, what, failure) ??
    explainBy(FAILURES, what, failure) ??
    explainMysql(target, failure) ??
    explainBy(OTHERS, what, failure)
  );
}

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: made on another server/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nobody can tell whether what was made (${what}) is gone: it is not there, but it was made on another database server than is found there now, or on one that has moved since. See where the host name leads. If it is gone for good, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: found on another server/,
    code: 'conflict',
    field: 'isThatOne',
    message: (what) =>
      `Nobody can tell whether the database of that name (${what}) is what was restored: it was made on a database server that called itself otherwise. That may be another node of the same, a container that was made anew, or another server behind the host name. Nothing was changed: look at it. If it is what was restored, say so when you clean up (in the API: isThatOne); if nothing of this restore is there, say that (mayBeGone).`,
  },
  {
    pattern: /bridgeport: found with other tables/,
    code: 'conflict',
    field: 'isThatOne',
    message: (what) =>
      `Nobody can tell whether the database of that name (${what}) is what was restored: it has other tables than that had. Nothing was changed: look at it. If it is what was restored, and somebody has changed it since, say so when you clean up (in the API: isThatOne); if nothing of this restore is there, say that (mayBeGone).`,
  },
  {
    pattern: /bridgeport: there and not marked/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (what) =>
      `Nobody can tell whether the database of that name (${what}) is of this restore: the mark of it is not there. It is somebody else's, or what was left when its removal broke off. Nothing was removed: look at it, and drop it by hand if it is nobody's. If nothing of this restore is there, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: the restored database is gone/,
    code: 'dump_failed',
    message: () => 'The restored database is not there any more: somebody has dropped or renamed it.',
  },
  {
    pattern: /bridgeport: empty and not marked/,
    code: 'conflict',
    message: (what) =>
      `An empty database of that name is there (${what}), and nothing tells whether this restore was interrupted just after it had made it. Nothing was removed: look at it, and drop it by hand if it is nobody's.`,
  },
  {
    numbers: [1007],
    code: 'conflict',
    message: (what) => `There is one of that name already (${what}). It was not touched. Take another name.`,
  },
  {
    pattern: /--secure-timestamp=|\bBINLOG REPLAY\b/,
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The dump holds what versioned tables once held, and the server of ${what} does not let this user say when a row came (secure_timestamp). Restore with a user that has BINLOG REPLAY, where it is SUPER or REPLICATION; where it is YES, restore into another server, or set it to NO in its configuration and start it anew. The server said: ${words}`,
  },
  {
    numbers: [1227],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not make what runs as another user in ${what}, and the dump holds a view, trigger, routine or event of one. Restore with a user that has SET USER (MariaDB), SET_ANY_DEFINER (MySQL) or SUPER. The server said: ${words}`,
  },
  {
    numbers: [1419],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The server of ${what} writes a binary log and lets administrators alone make triggers and functions. Restore with such a user, or SET GLOBAL log_bin_trust_function_creators = 1. The server said: ${words}`,
  },
  {
    numbers: [1044, 1142, 1143, 1370],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `The user may not make all that is in the dump in ${what}. Grant what is missing, or type a user who may. The server said: ${words}`,
  },
  {
    numbers: [1118],
    code: 'dump_refused',
    message: (what, _detail, words) =>
      `A table of the dump is wider than the server of ${what} takes in its strict mode, which this user may not turn off. Restore with an administrator, or SET GLOBAL innodb_strict_mode = OFF for as long as it takes. The server said: ${words}`,
  },
  {
    numbers: [1115, 1273, 1286, 1193],
    code: 'dump_refused',
    obstacle: 'version',
    message: (what, _detail, words) =>
      `The server of ${what} does not know something that the dump needs. Restore into a server of the kind and version that was dumped. The server said: ${words}`,
  },
  {
    pattern: /No space left on device|\bErrcode: 28\b/i,
    numbers: [3, 1021, 1114],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The disk of the database server ran full while ${what} was restored. Free space there. The server said: ${words}`,
  },
  {
    numbers: [1153],
    code: 'dump_refused',
    message: (what) =>
      `A row of the dump is larger than the server of ${what} takes. Raise max_allowed_packet in its configuration.`,
  },
  {
    numbers: [1053, 1077, 1317, 1927, 2006, 2013, 4031],
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server ended the connection to ${what} during the restore. Its log says why. The client said: ${words}`,
  },
  {
    numbers: [1205, 1213],
    code: 'dump_locked',
    message: (what, _detail, words) =>
      `Somebody else held a lock in ${what} while it was restored. Try again. The server said: ${words}`,
  },
];

const OTHERS: readonly KnownFailure[] = [
  {
    pattern: /ERROR \d+ \(/,
    code: 'dump_failed',
    message: (what, _detail, words) =>
      `The server refused a statement of the dump for ${what}. It said: ${words}`,
  },
];
