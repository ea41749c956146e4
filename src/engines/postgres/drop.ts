import { quote } from '../../hosts/quote.ts';
import { asideName, type DropFacts, type DropPlan } from '../drop.ts';
import { connectionSecrets } from './connection.ts';
import { explainPostgresDrop } from './drop-failures.ts';
import { readWritten, requireName, type ToldDatabase } from './identity.ts';
import { identifier, literal, maintenanceLines, WITHOUT_TIMEOUTS } from './restore-lines.ts';
import type { PostgresRestoreTarget } from './restore-target.ts';
import { exitOnServer, READ_SYSTEM, readServer, TELL_SERVER } from './server.ts';

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
  const command = (script: string) => ({ script, secrets: connectionSecrets(target) });
  const isServerKnown = dropped.told.system !== null;
  return {
    command: command(dropScript(target, dropped, facts)),
    ...(isServerKnown ? {} : { where: { command: command(whereScript(target, dropped)), read: readServer } }),
    read: (stdout) => (/^bridgeport:taken back$/m.test(stdout) ? 'taken-back' : 'dropped'),
    explain: (failure) => explainPostgresDrop(target, dropped.name, failure),
  };
}

/** Of what is there alone: where it is not, a drop that breaks off has dropped nothing. */
function whereScript(target: PostgresRestoreTarget, dropped: DroppedDatabase): string {
  return `${maintenanceLines(target)}
found=$(ask ${quote(foundQuery(dropped, asideName(target.token)))}) || exit
case $found in
here* | aside*)
  ${READ_SYSTEM}
  ${TELL_SERVER}
  ;;
esac`;
}

/**
 * On another server, which may be the same one behind `pg_upgrade`, nothing is dropped: there it is gone where neither its name nor its
 * OID leads anywhere, or the OID to what has its former place. Where it may be dropped, that is done under a name that nobody else knows, which it gets in one message with a look at its OID: a DROP goes by the name, and by
 * then, or behind a lock, that may be another's. Whoever may not rename it, may drop it by its name.
 */
function dropScript(
  target: PostgresRestoreTarget,
  dropped: DroppedDatabase,
  { isUnused, isOnlyCopy, mayBeGone, begunIn }: DropFacts,
): string {
  const { what, name, oid, told } = dropped;
  const another = `the ${what} database is another`;
  const aside = asideName(target.token);
  const takeAside = [
    requireName(oid, name, another),
    `ALTER DATABASE ${identifier(name)} RENAME TO ${aside}`,
    requireName(oid, aside, another),
  ];
  return `${maintenanceLines(target)}
fail() {
  echo "bridgeport: $1" >&2
  exit 65
}
${READ_SYSTEM}
case $system in
'') server=unknown ;;
${told.system ?? "''"}) server=same ;;
*) server=${told.system === null ? 'unknown' : 'other'} ;;
esac
found=$(ask ${quote(foundQuery(dropped, aside))}) || exit
case "$server $found" in
${mayBeGone ? `'other gone' | 'other back' | 'unknown gone' | 'unknown taken') exit 0 ;;` : ''}
other*) fail 'another server${mayBeGone ? ' has it' : ''}' ;;
'same gone' | 'same taken') exit 0 ;;
*gone)
  ${exitOnServer(begunIn)}
  fail 'it is no longer there'
  ;;
*taken) fail 'its name is taken' ;;
*back*)
  echo 'bridgeport:taken back'
  exit
  ;;
*' aside'*) named=${aside} ;;
*' here'*) named=${quote(name)} ;;
*) fail '${another}' ;;
esac
give_back() {
  said=$(sql --command=${quote(WITHOUT_TIMEOUTS)} --command=${quote(`ALTER DATABASE ${aside} RENAME TO ${identifier(name)}`)} 2>&1) || case $said in
  *':  3D000: '*) ;;
  *) echo 'bridgeport-note: it is called ${aside}' >&2 ;;
  esac
}
refuse() {
  case $found in aside*) give_back ;; esac
  fail "$1"
}
${isOnlyCopy ? `refuse 'the ${what} one is the only copy'` : ':'}
${what === 'restored' ? `case $found in *template*) refuse 'it is a template' ;; esac` : ':'}
${isUnused ? ':' : refuseUsed(told)}
name=${quote(identifier(name))} database=${aside}
case $found in
here*)
  said=$(sql --command=${quote(WITHOUT_TIMEOUTS)} --command=${quote(takeAside.join('; '))} 2>&1) || case $said in
  *':  42501: '*) database=$name ;;
  *)
    printf '%s\\n' "$said" >&2
    exit 3
    ;;
  esac
  ;;
esac
set_template() {
  case $found in *template*) sql --command="ALTER DATABASE $database IS_TEMPLATE $1" ;; esac
}
set_template false && sql --command=${quote(WITHOUT_TIMEOUTS)} --command="DROP DATABASE $database" >/dev/null && exit
set_template true >/dev/null 2>&1
[ "$database" = "$name" ] || give_back
exit 3`;
}

/**
 * `broken`: a DROP of it was broken off, so that it takes nothing but another one. `taken`: it is gone, and its name is another one's;
 * `other`: it is there, by a name that nobody here has given it.
 */
function foundQuery({ name, oid, formerName }: DroppedDatabase, aside: string): string {
  const isNamed = `EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname IN (${literal(name)}, ${literal(aside)}))`;
  const back =
    formerName === null
      ? ''
      : `WHEN d.datname = ${literal(formerName)} THEN CASE WHEN ${isNamed} THEN 'back named' ELSE 'back' END`;
  return `SELECT coalesce((SELECT CASE
    WHEN d.datname IN (${literal(name)}, ${literal(aside)}) THEN pg_catalog.concat_ws(' ',
      CASE d.datname WHEN ${literal(name)} THEN 'here' ELSE 'aside' END,
      CASE WHEN d.datconnlimit = -2 THEN 'broken' WHEN d.datistemplate THEN 'template' END)
    ${back}
    ELSE 'other' END FROM pg_catalog.pg_database d WHERE d.oid = ${oid}),
  CASE WHEN ${isNamed} THEN 'taken' ELSE 'gone' END)`;
}

/** Who is connected at this moment, the server tells itself; a program that connects for each request is seen by what it wrote alone. Nobody gets into one whose drop was broken off. */
function refuseUsed({ written }: ToldDatabase): string {
  const compare =
    written === null
      ? `refuse 'nobody knows whether it was used'`
      : `${readWritten('$named')}
  [ -n "$written" ] || refuse 'nobody knows whether it was used'
  [ "$written" = ${written} ] || refuse 'it was used since'`;
  return `case $found in
*broken*) ;;
*)
  ${compare}
  ;;
esac`;
}
