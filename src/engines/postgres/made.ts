import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { MadePlan, RestorePlan } from '../restore.ts';
import { connectionSecrets } from './connection.ts';
import { dropPostgres } from './drop.ts';
import { oid, readTold, tellLines, toldIn } from './identity.ts';
import { identifyScript, oidIn } from './in-place/in-place.ts';
import { literal, maintenanceLines } from './restore-lines.ts';
import { type PostgresRestoreTarget, workName } from './restore-target.ts';
import { requireSystem } from './server.ts';

/** A restored database keeps its OID through every rename, and no other has it as long as it is there. */
export function madeByPostgres(target: PostgresRestoreTarget): MadePlan {
  const command = (script: string) => ({ script, secrets: connectionSecrets(target) });
  const work = workName(target);
  return {
    identify: {
      command: command(`${identifyScript(target, work)} || exit
${untilLeft(work)}
${tellLines(work)}`),
      read: readMade,
    },
    drop: (id, facts) =>
      dropPostgres(
        target,
        {
          ...{ what: 'restored', name: target.newName, oid: oid(id), told: toldIn(id) },
          formerName: null,
        },
        facts,
      ),
  };
}

/** An OID tells it on its own server alone: the first database of a new one has the same everywhere. */
export function requireOwnServer({ isThatOne, madeIn }: PostgresRestoreTarget): string {
  return isThatOne ? ':' : requireSystem(madeIn, 'found on another server');
}

/** For what has not the name of before: ends the script where it has another by now. */
export function refuseRenamed({ made, madeIn }: PostgresRestoreTarget): string {
  if (!made) return ':';
  const find = `SELECT datname FROM pg_catalog.pg_database WHERE oid = ${oid(made)}`;
  const words = madeIn ? 'it is called' : 'it may be called';
  return `called=$(ask ${quote(find)}) || exit
    [ -z "$called" ] || { printf 'bridgeport: ${words} %s\\n' "$called" >&2; exit 69; }`;
}

/** As `RestorePlan.isNamed`, of a database that was told from all else. */
export function isNamedPostgres(target: PostgresRestoreTarget, made: string): RestorePlan['isNamed'] {
  const isThere = `SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE oid = ${oid(made)} AND datname = ${literal(target.newName)})`;
  return {
    command: {
      script: `${maintenanceLines(target)}
there=$(ask ${quote(isThere)}) || exit
[ "$there" = t ] || exit 0
${requireOwnServer(target)}
echo bridgeport:named`,
      secrets: connectionSecrets(target),
    },
    read: (stdout) => /^bridgeport:named$/m.test(stdout),
  };
}

/** The last session of the load tells what it wrote when it leaves, which may take a moment. */
function untilLeft(work: string): string {
  const sessions = `SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity WHERE datname = ${literal(work)} AND usesysid IS NOT NULL`;
  return `for each in 1 2 3; do
  [ "$(ask ${quote(sessions)})" != 0 ] || break
  sleep 1
done`;
}

function readMade(stdout: string): string {
  const [found, told] = [oidIn(stdout), readTold(stdout)];
  if (found !== undefined) return told === null ? found : `${found} ${told}`;
  throw new AppError('dump_failed', 'The restored database is no longer there: somebody has dropped it.');
}
