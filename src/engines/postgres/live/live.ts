import { AppError } from '../../../errors.ts';
import { quote } from '../../../hosts/quote.ts';
import type { LiveTarget, SwapPlan } from '../../in-place.ts';
import type { RestorePlan } from '../../restore.ts';
import { connectionSecrets } from '../connection.ts';
import { explainPostgresRestore } from '../restore-failures.ts';
import { findPgRestore, insideLines, literal, majorOf } from '../restore-lines.ts';
import type { PostgresRestoreTarget } from '../restore-target.ts';
import { lookAtLive, type Mark, markedTables, marksQuery, readMarks } from './state.ts';

type LivePlan = Omit<RestorePlan, 'preflight' | 'count'>;

/**
 * Restores an archive into the database that is there, in the one transaction of `pg_restore --single-transaction --clean --if-exists`:
 * what the archive has is dropped and made anew, what it has not stays, and nothing is dropped by CASCADE. Only the end of the archive
 * makes it commit. For who may create no database; else what is restored beside it takes less from who uses it.
 */
export function restoreLive(target: PostgresRestoreTarget, live: LiveTarget): LivePlan {
  const command = (script: string) => ({ script, secrets: connectionSecrets(target) });
  const inside = insideLines(target, target.newName);
  return {
    create: command(live.endSessions ? `${inside}\n${endSessions(target)}` : ':'),
    load: command(loadScript(target, live)),
    ...{ before: new Uint8Array(0), after: new Uint8Array(0) },
    check: command(`${inside}\nsql --command=ANALYZE`),
    finish: null,
    swap: followed(target, command),
    remove: command(removeScript(target, live)),
    explain: (failure) => explainPostgresRestore(target, failure),
  };
}

/** What tells its sessions from all others; nobody else knows it. */
function sessionName({ token }: PostgresRestoreTarget): string {
  return `bp_restore_${token}`;
}

/** Once: who comes back is ended where they hold what is to be replaced. */
function endSessions({ newName }: PostgresRestoreTarget): string {
  return `ask ${quote(`SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
  WHERE datname = ${literal(newName)} AND pid <> pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL`)}`;
}

/** An empty name of a database is that of PGDATABASE, which libpq takes literally. */
function loadScript(target: PostgresRestoreTarget, live: LiveTarget): string {
  return `${insideLines(target, target.newName)}
${findPgRestore(majorOf(target.clientVersion))}
{ ask_server && find_pg_restore; } </dev/null || exit
${watchScript(target, live)}
watch_locks </dev/null >/dev/null &
watcher=$!
( export PGAPPNAME=${sessionName(target)}
  loading "$pg_restore" --single-transaction --exit-on-error --clean --if-exists --no-password --dbname= )
loaded=$?
kill "$watcher" 2>/dev/null
exit "$loaded"`;
}

const LONGEST_WAIT_SECONDS = 15;

/**
 * All that is to be replaced is locked at the beginning, and whoever holds some of it would have the restore wait with the rest locked.
 * It is ended before they notice, but for those that may be thrown out. The watch ends with the shell that began it, whatever ends that.
 */
function watchScript(target: PostgresRestoreTarget, { endSessions: ends }: LiveTarget): string {
  const own = `a.application_name = '${sessionName(target)}' AND a.datname = pg_catalog.current_database()`;
  const blocked = `FROM pg_catalog.pg_stat_activity a, pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) held(pid)
  LEFT JOIN pg_catalog.pg_stat_activity b ON b.pid = held.pid WHERE ${own}`;
  const throwOut = `SELECT pg_catalog.pg_terminate_backend(held.pid) ${blocked} AND held.pid <> a.pid`;
  const who = `SELECT pg_catalog.string_agg(DISTINCT pg_catalog.concat_ws(' ', coalesce(b.usename, 'somebody'), 'in', 'process', held.pid), ', ')
  ${blocked} AND a.query_start < pg_catalog.clock_timestamp() - interval '${LONGEST_WAIT_SECONDS} seconds'`;
  const giveUp = `SELECT pg_catalog.pg_terminate_backend(a.pid) FROM pg_catalog.pg_stat_activity a WHERE ${own}`;
  return `watch_locks() {
  while sleep 2 2>/dev/null && kill -0 $$ 2>/dev/null; do
    ${ends ? `ask ${quote(throwOut)} >/dev/null 2>&1` : ':'}
    holder=$(ask ${quote(who)} 2>/dev/null) || continue
    [ -n "$holder" ] || continue
    printf 'bridgeport: it is held by %s\\n' "$holder" >&2
    ask ${quote(giveUp)}
    return
  done
}`;
}

function followed(
  target: PostgresRestoreTarget,
  command: (script: string) => RestorePlan['create'],
): SwapPlan {
  const inside = insideLines(target, target.newName);
  return {
    isByLoad: true,
    // Asked of a plan that knows what the dump holds alone.
    get identify() {
      const query = marksQuery(needed(markedTables(target.contents)));
      return {
        command: command(`${inside}\nPGCLIENTENCODING=UTF8 ask ${quote(query)}`),
        read: (stdout: string) => {
          const [, found] = /^bridgeport:marks=(\[.*\])$/m.exec(stdout) ?? [];
          return JSON.stringify(needed(readMarks(found ?? null)));
        },
      };
    },
    swap: () => command(`${inside}\nsql --command=ANALYZE`),
    isDone: (replacedId) => ({
      command: command(`${inside}
${lookAtLive(needed(readMarks(replacedId)), target.madeIn)}
look_at_live
printf 'bridgeport:live=%s\\n' "$live"`),
      read: (stdout) => ({ isDone: /^bridgeport:live=after$/m.test(stdout), kept: null, identity: null }),
    }),
    drop: () => {
      throw new AppError('conflict', 'Nothing was kept beside it that could be dropped.');
    },
  };
}

function needed(marks: readonly Mark[] | undefined): readonly Mark[] {
  if (marks !== undefined && marks.length > 0) return marks;
  throw new AppError(
    'conflict',
    'The backup defines no table, so that nobody could tell whether it was restored. Restore it beside the database.',
  );
}

/** Ends what still loads, and tells whether that had committed: then nothing is as it was, and nothing can be removed. */
function removeScript(target: PostgresRestoreTarget, { replacedId }: LiveTarget): string {
  const marks = readMarks(replacedId);
  // Nothing was begun.
  if (marks === undefined) return ':';
  return `${insideLines(target, target.newName)}
${lookAtLive(marks, target.madeIn)}
tries=0
while [ "$tries" -lt 60 ]; do
  left=$(ask "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
    WHERE application_name = '${sessionName(target)}'") || exit
  [ "$left" != 0 ] || break
  tries=$((tries + 1))
  sleep 1
done
[ "$left" = 0 ] || { echo 'bridgeport: it is still restoring' >&2; exit 3; }
look_at_live
case $live in
before) ;;
after) echo 'bridgeport: restored already' >&2; exit 67 ;;
untold) echo 'bridgeport: its server is not told' >&2; exit 69 ;;
elsewhere) echo 'bridgeport: another database' >&2; exit 69 ;;
*) echo 'bridgeport: somebody else has changed its tables' >&2; exit 65 ;;
esac`;
}
