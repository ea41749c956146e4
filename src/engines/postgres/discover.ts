import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import { type Discovery, type DiscoveryPlan, type DiscoveryTarget, MOST_FOUND } from '../engine.ts';
import { toDiscovery } from '../found.ts';
import { readRecords } from '../records.ts';
import { connectionLines, connectionSecrets, describeTarget, type PostgresTarget } from './connection.ts';
import { explainPostgres } from './failures.ts';
import type { PostgresOptions } from './options.ts';
import { FIND_PG_DUMP, PSQL_SETTINGS } from './tools.ts';

/** Of providers: their own housekeeping, in which nobody else may look. */
const PROVIDERS_OWN = [
  'rdsadmin',
  'cloudsqladmin',
  'alloydbadmin',
  'azure_maintenance',
  'azure_sys',
  '_dodb',
];

/**
 * Asks the server for its databases, with the size of those that the user may connect to. Templates are left out, and
 * so is what a drop that was killed has left under its own name, and is `postgres` while no table is in it: it is there to be connected to.
 */
export function discoverPostgres(given: DiscoveryTarget<PostgresOptions>): DiscoveryPlan {
  const target: PostgresTarget = { ...given, databaseName: 'postgres' };
  return {
    command: { script: discoverScript(target), secrets: connectionSecrets(target) },
    isGradual: false,
    read: (stdout) => readDiscovery(target, stdout),
    explain: (failure) => explainPostgres(target, failure),
  };
}

/** Not every server has a database `postgres`, or lets everybody into it; `template1` is the other one that usually is there. */
function discoverScript(target: PostgresTarget): string {
  return `${connectionLines(target)}
export PGCLIENTENCODING=UTF8
${FIND_PG_DUMP}
find_psql || exit
look() {
  trusting "$psql" --no-psqlrc --no-password --quiet --no-align --tuples-only ${PSQL_SETTINGS} \\
    --field-separator-zero --record-separator-zero --command=${quote(LIST)}
}
{ trouble=$(look 2>&1 >&3 3>&-); } 3>&1
status=$?
[ "$status" = 0 ] && exit
case $trouble in
*'database "postgres" does not exist'* | *'permission denied for database "postgres"'* | *'not currently accepting connections'*)
  export PGDATABASE=template1
  look
  status=$?
  ;;
*) printf '%s\\n' "$trouble" >&2 ;;
esac
[ "$status" = 0 ] && exit
(exit "$status")
tell_tls
exit "$status"`;
}

const LIST = `SELECT '0', pg_catalog.current_setting('server_version'), ''
UNION ALL (
SELECT '1', d.datname::text, CASE WHEN pg_catalog.has_database_privilege(d.oid, 'CONNECT')
  THEN pg_catalog.pg_database_size(d.oid)::text ELSE '' END
FROM pg_catalog.pg_database d
WHERE d.datallowconn AND NOT d.datistemplate
  AND d.datname !~ '^bp_drop_c[0-9a-z]{24}$' AND d.datname NOT IN (${PROVIDERS_OWN.map((name) => `'${name}'`).join(', ')})
  AND (d.datname <> 'postgres' OR (pg_catalog.current_database() = 'postgres' AND EXISTS (
    SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'm', 'S', 'f') AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  )))
ORDER BY d.datname LIMIT ${MOST_FOUND + 1})
ORDER BY 1, 2`;

function readDiscovery(target: PostgresTarget, stdout: Uint8Array): Discovery {
  const [server, ...databases] = readRecords(stdout, 3);
  if (server?.[0] !== '0' || !databases.every(([kind]) => kind === '1')) {
    throw new AppError(
      'dump_failed',
      `Asking ${describeTarget(target)} for the databases beside it gave no usable answer.`,
      {
        details: { answer: new TextDecoder().decode(stdout.subarray(0, 500)) },
      },
    );
  }
  return toDiscovery(
    server[1] ?? null,
    databases.map(([, name = null, size = null]) => ({ name, size })),
  );
}
