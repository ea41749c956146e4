import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { Looked, LookPlan } from '../engine.ts';
import { connectionLines, connectionSecrets, describeTarget, type PostgresTarget } from './connection.ts';
import { explainPostgres } from './failures.ts';
import { FIND_PG_DUMP } from './tools.ts';

/** Asks the server for its version and the database's size, and the chosen pg_dump for its version. */
export function lookAtPostgres(target: PostgresTarget): LookPlan {
  return {
    command: { script: lookScript(target), secrets: connectionSecrets(target) },
    read: (stdout) => readLook(target, stdout),
    explain: (failure) => explainPostgres(target, failure),
  };
}

// A line of our own before each answer: a login script of the host may print, too.
function lookScript(target: PostgresTarget): string {
  return `${connectionLines(target)}
${FIND_PG_DUMP}
find_psql || exit
ask_server || { tell_tls; exit; }
find_pg_dump "$server_major" || exit
standby=$(ask ${quote(STANDBY)} 2>/dev/null) || standby=
printf 'bridgeport:server_number=%s\\n' "$server"
printf 'bridgeport:server=%s\\n' "$server_version"
printf 'bridgeport:client=%s\\n' "$("$pg_dump" --version)"
printf 'bridgeport:size=%s\\n' "$database_size"
printf 'bridgeport:standby=%s\\n' "$standby"`;
}

/** Of a standby: its unlogged tables, whether a primary streams to it, and of when its last change is. Servers before 9.6 can't tell. */
const STANDBY = `SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.concat_ws(' ',
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_class WHERE relpersistence = 'u' AND relkind = 'r'),
  (SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_wal_receiver),
  pg_catalog.to_char(pg_catalog.pg_last_xact_replay_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) END`;

function readLook(target: PostgresTarget, stdout: string): Looked {
  const answers = new Map<string, string>();
  for (const [, name, value] of stdout.matchAll(/^bridgeport:(\w+)=(.*)$/gm)) {
    if (name !== undefined && value !== undefined) answers.set(name, value.trim());
  }
  const serverMajor = majorOf(answers.get('server_number'), 10_000);
  const clientVersion = /\d+(?:\.\d+|devel|beta\d+|rc\d+)*/.exec(answers.get('client') ?? '')?.[0] ?? null;
  const serverVersion = answers.get('server') ?? null;
  if (serverMajor === null || clientVersion === null) {
    throw new AppError(
      'dump_failed',
      `Asking ${describeTarget(target)} for its version gave no usable answer.`,
      {
        details: { answer: stdout.slice(0, 500) },
      },
    );
  }
  refuseOlderClient(target, serverMajor, serverVersion ?? String(serverMajor), clientVersion);
  const size = Number(answers.get('size') || Number.NaN);
  return {
    serverVersion,
    clientVersion,
    estimatedBytes: Number.isSafeInteger(size) && !target.options.pgDumpOptions.schemaOnly ? size : null,
    warnings: target.options.pgDumpOptions.schemaOnly ? [] : standbyWarnings(answers.get('standby') ?? ''),
  };
}

/** pg_dump says nothing of either. */
function standbyWarnings(told: string): readonly string[] {
  const [, unlogged, receivers, lastChange] = /^(\d+) (\d+)(?: (\d[\d: -]*))?$/.exec(told) ?? [];
  if (unlogged === undefined) return [];
  const newest = lastChange === undefined ? '' : ` The newest that it has is of ${lastChange} UTC.`;
  return [
    ...(Number(unlogged) > 0
      ? [
          `The server is a standby, and unlogged tables (${unlogged}) have no rows there: the dump holds their definitions alone. Back up the primary, or ALTER TABLE … SET LOGGED.`,
        ]
      : []),
    ...(Number(receivers) === 0
      ? [
          `The server is a standby that no primary streams to at the moment, so its dumps may be of an old state.${newest} See on the server whether it still follows its primary, unless it gets its changes another way.`,
        ]
      : []),
  ];
}

/** pg_dump refuses servers of a newer major version than its own. */
function refuseOlderClient(
  target: PostgresTarget,
  serverMajor: number,
  server: string,
  client: string,
): void {
  const clientMajor = majorOf(client, 1);
  if (clientMajor === null || clientMajor >= serverMajor) return;
  throw new AppError(
    'dump_client_too_old',
    `The server of ${describeTarget(target)} is PostgreSQL ${server}, but the newest pg_dump on the host is ${client}, ` +
      `which can not dump it. Install the package postgresql-client-${serverMajor} (or newer) there.`,
    { details: { serverVersion: server, clientVersion: client } },
  );
}

function majorOf(version: string | undefined, unit: number): number | null {
  const number = Number.parseInt(version ?? '', 10);
  return Number.isNaN(number) ? null : Math.floor(number / unit);
}
