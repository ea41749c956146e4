import { AppError } from '../../../errors.ts';
import { quote } from '../../../hosts/quote.ts';
import { type InPlaceTarget, SWAPPED, type SwapPlan } from '../../in-place.ts';
import { connectionSecrets, describeTarget } from '../connection.ts';
import { dropPostgres } from '../drop.ts';
import { identityOf, oid, readTold, requireName, tellLines, toldIn } from '../identity.ts';
import { identifier, literal, maintenanceLines, WITHOUT_TIMEOUTS } from '../restore-lines.ts';
import { type PostgresRestoreTarget, workName } from '../restore-target.ts';
import { IN_USE } from '../tools.ts';
import { settingsOf } from './restore-beside.ts';
import { lookAtSwap } from './state.ts';

/**
 * How a restored database takes the place of the one of that name. Both renames are one transaction, and the first of them locks the
 * database before it looks who is in it: from then on nobody else gets in, so that sessions are ended behind it and no switch has to
 * be put back afterwards. Who tries to connect meanwhile waits for a moment, and is told to connect again.
 */
export function swapPostgres(target: PostgresRestoreTarget, inPlace: InPlaceTarget): SwapPlan {
  const command = (script: string) => ({ script, secrets: connectionSecrets(target) });
  return {
    identify: {
      command: command(identifyScript(target, target.newName)),
      read: (stdout) => readOid(target, stdout),
    },
    swap: (replacedId) => command(swapScript(target, inPlace, oid(replacedId))),
    isDone: (replacedId) => ({
      command: command(`${maintenanceLines(target)}
${lookAtSwap(target, inPlace.keptName, oid(replacedId))}
look_at_swap
printf 'bridgeport:swap=%s\\n' "$swap"
[ "$swap" = after ] || exit 0
${tellLines(inPlace.keptName)}`),
      read: (stdout) => {
        const kept = readTold(stdout);
        return { isDone: /^bridgeport:swap=after$/m.test(stdout), kept, identity: identityOf(kept) };
      },
    }),
    drop: (replacedId, { kept, ...facts }) =>
      dropPostgres(
        target,
        {
          ...{ what: 'kept', name: inPlace.keptName, oid: oid(replacedId), told: toldIn(kept) },
          formerName: target.newName,
        },
        facts,
      ),
  };
}

/** Prints the OID of the database of that name. */
export function identifyScript(target: PostgresRestoreTarget, name: string): string {
  return `${maintenanceLines(target)}
ask ${quote(`SELECT 'bridgeport:oid=' || oid FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`)}`;
}

/** What `identifyScript` has printed; undefined where there is no such database. */
export function oidIn(stdout: string): string | undefined {
  return /^bridgeport:oid=(\d{1,10})$/m.exec(stdout)?.[1];
}

function readOid(target: PostgresRestoreTarget, stdout: string): string {
  const found = oidIn(stdout);
  if (found !== undefined) return found;
  throw new AppError(
    'dump_failed',
    `There is no ${describeTarget({ ...target, databaseName: target.newName })} to be replaced.`,
  );
}

/** A try takes the five seconds for which the server waits for sessions to leave. */
const TRIES = 3;

function swapScript(target: PostgresRestoreTarget, inPlace: InPlaceTarget, replacedId: string): string {
  const { newName } = target;
  const { keptName, endSessions, adopts } = inPlace;
  const work = workName(target);
  const rename = (from: string, to: string) =>
    `ALTER DATABASE ${identifier(from)} RENAME TO ${identifier(to)}`;
  const steps = [
    WITHOUT_TIMEOUTS,
    'BEGIN',
    requireName(replacedId, newName),
    ...(adopts ? [requireName(oid(adopts.id), work)] : []),
    ...settingsOf(target),
    rename(newName, keptName),
    // A rename goes by the name: another swap may have ended while this one waited for its lock.
    requireName(replacedId, keptName),
    rename(work, newName),
    'COMMIT',
  ];
  return `${maintenanceLines(target)}
${lookAtSwap(target, keptName, replacedId)}
end_sessions() {
  for each in 1 2 3 4 5; do
    sleep 1
    ask ${quote(`SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity WHERE datid = ${replacedId} AND pid <> pg_catalog.pg_backend_pid() AND usesysid IS NOT NULL`)}
  done
}
swap_names() {
  ender=
  ${endSessions ? 'end_sessions >/dev/null 2>&1 </dev/null & ender=$!' : ':'}
  said=$(sql ${steps.map((step) => `--command=${quote(step)}`).join(' ')} 2>&1)
  swapped=$?
  [ -z "$ender" ] || kill "$ender" 2>/dev/null
  return "$swapped"
}
done_now() {
  echo ${SWAPPED}
  exit 0
}
look_at_swap
case $swap in
before) ( PGDATABASE=${work}; sql --command=${quote(WITHOUT_TIMEOUTS)} --command=ANALYZE ) >/dev/null || exit ;;
esac
tries=0
while :; do
  look_at_swap
  case $swap in
  after) exit 0 ;;
  before) ;;
  between)
    sql --command=${quote(rename(work, newName))}
    exit
    ;;
  *)
    echo "bridgeport: not to be swapped: $swap" >&2
    exit 65
    ;;
  esac
  swap_names && done_now
  look_at_swap
  [ "$swap" != after ] || done_now
  tries=$((tries + 1))
  case $said in ${IN_USE}) [ "$tries" -lt ${TRIES} ] && continue ;; esac
  printf '%s\\n' "$said" >&2
  exit 3
done`;
}
