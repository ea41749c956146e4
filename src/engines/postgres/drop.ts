import { quote } from '../../hosts/quote.ts';
import type { DropFacts, DropPlan } from '../drop.ts';
import { connectionSecrets } from './connection.ts';
import { explainPostgresDrop } from './drop-failures.ts';
import { READ_SYSTEM, readWritten, type ToldDatabase } from './identity.ts';
import { identifier, literal, maintenanceLines, WITHOUT_TIMEOUTS } from './restore-lines.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';

/** A database that a restore has replaced or made. */
export interface DroppedDatabase {
  readonly what: 'kept' | 'restored';
  readonly name: string;
  readonly oid: string;
  readonly told: ToldDatabase;
  /** What it was called before it was replaced, and may be called again by who went back. */
  readonly formerName: string | null;
}

/** Drops the database of that OID where that has that name still, on the server where it was, and nobody goes on with it. */
export function dropPostgres(
  target: PostgresRestoreTarget,
  dropped: DroppedDatabase,
  facts: DropFacts,
): DropPlan {
  return {
    command: { script: dropScript(target, dropped, facts), secrets: connectionSecrets(target) },
    read: (stdout) => (/^bridgeport:taken back$/m.test(stdout) ? 'taken-back' : 'dropped'),
    explain: (failure) => explainPostgresDrop(target, dropped.name, failure),
  };
}

function dropScript(
  target: PostgresRestoreTarget,
  { what, name, oid, told, formerName }: DroppedDatabase,
  { isUnused, mayBeGone }: DropFacts,
): string {
  const { system } = told;
  const database = identifier(name);
  const isTemplate = (value: boolean) =>
    `sql --command=${quote(`ALTER DATABASE ${database} IS_TEMPLATE ${value}`)}`;
  return `${maintenanceLines(target)}
fail() {
  echo "bridgeport: $1" >&2
  exit 65
}
${READ_SYSTEM}
${system === null ? ':' : `[ -z "$system" ] || [ "$system" = ${system} ] || ${mayBeGone ? 'exit 0' : "fail 'another server'"}`}
found=$(ask ${quote(foundQuery({ name, oid, formerName }))}) || exit
case $found in
gone)
  ${mayBeGone ? 'exit 0' : `[ "$system" != ${system ?? 'unknown'} ] || exit 0`}
  fail 'it is no longer there'
  ;;
back)
  echo 'bridgeport:taken back'
  exit
  ;;
here*) ;;
*) fail 'the ${what} database is another' ;;
esac
${what === 'restored' ? `case $found in *template*) fail 'it is a template' ;; esac` : ':'}
${isUnused ? ':' : refuseUsed(name, told)}
case $found in *template*) ${isTemplate(false)} || exit ;; esac
sql --command=${quote(WITHOUT_TIMEOUTS)} --command=${quote(`DROP DATABASE ${database}`)} >/dev/null && exit
case $found in *template*) ${isTemplate(true)} >/dev/null 2>&1 ;; esac
exit 3`;
}

/** `broken`: a DROP of it was broken off, so that it takes nothing but another one. */
function foundQuery({ name, oid, formerName }: Pick<DroppedDatabase, 'name' | 'oid' | 'formerName'>): string {
  const back = formerName === null ? '' : `WHEN d.datname = ${literal(formerName)} THEN 'back'`;
  return `SELECT coalesce((SELECT CASE
    WHEN d.datname = ${literal(name)} THEN pg_catalog.concat_ws(' ', 'here',
      CASE WHEN d.datconnlimit = -2 THEN 'broken' WHEN d.datistemplate THEN 'template' END,
      CASE WHEN NOT d.datallowconn THEN 'closed' END)
    ${back}
    ELSE 'other' END FROM pg_catalog.pg_database d WHERE d.oid = ${oid}),
  CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = ${literal(name)}) THEN 'other' ELSE 'gone' END)`;
}

/** Who is connected at this moment, the server tells itself; a program that connects for each request is seen by what it wrote alone. */
function refuseUsed(name: string, { written }: ToldDatabase): string {
  const compare =
    written === null
      ? `fail 'nobody knows whether it was used'`
      : `${readWritten(name)}
  [ -n "$written" ] || fail 'nobody knows whether it was used'
  [ "$written" = ${written} ] || fail 'it was used since'`;
  return `case $found in
*broken* | *closed*) ;;
*)
  ${compare}
  ;;
esac`;
}
