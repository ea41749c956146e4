import { AppError } from '../errors.ts';
import { quote } from '../hosts/quote.ts';
import type { EngineTarget } from './engine.ts';
import type { PostgresOptions } from './postgres-options.ts';

export type PostgresTarget = EngineTarget<PostgresOptions>;

const CONNECT_TIMEOUT_SECONDS = 15;

/** What in the host's environment would lead the tools elsewhere or change what they write. */
const FOREIGN_VARIABLES = [
  'PGSERVICE',
  'PGSERVICEFILE',
  'PGSYSCONFDIR',
  'PGHOST',
  'PGHOSTADDR',
  'PGPORT',
  'PGUSER',
  'PGDATABASE',
  'PGPASSFILE',
  'PGOPTIONS',
  'PGREQUIREPEER',
  'PGREQUIREAUTH',
  'PGREQUIRESSL',
  'PGCHANNELBINDING',
  'PGTARGETSESSIONATTRS',
  'PGLOADBALANCEHOSTS',
  'PGCLIENTENCODING',
  'PGDATESTYLE',
  'PGTZ',
  'PGCLUSTER',
  'PG_COLOR',
];

/**
 * Shell lines that set libpq's environment for this target. The database goes by PGDATABASE, which libpq takes
 * literally, never as an argument, where it would take a connection string (measured: facts of libpq 15).
 * Messages come in English (LC_ALL=C), so that they can be explained.
 */
export function connectionLines(target: PostgresTarget): string {
  const set = {
    ...(target.host ? { PGHOST: target.host } : {}),
    // The name stays, for the certificate; libpq does not look it up then.
    ...(target.address ? { PGHOSTADDR: target.address } : {}),
    ...(target.port === null ? {} : { PGPORT: String(target.port) }),
    ...(target.username ? { PGUSER: target.username } : {}),
    PGDATABASE: databaseName(target),
    PGSSLMODE: target.options.useSsl ? 'require' : 'prefer',
    PGCONNECT_TIMEOUT: String(CONNECT_TIMEOUT_SECONDS),
    // No clear text to a server that has not proved who it is. Clients before 16 know no such thing (measured: libpq 15
    // and 18).
    PGREQUIREAUTH: '!password',
    PGAPPNAME: 'bridgeport',
    LC_ALL: 'C',
  };
  return [
    `unset ${FOREIGN_VARIABLES.join(' ')}`,
    ...Object.entries(set).map(([name, value]) => `export ${name}=${quote(value)}`),
    target.password ? 'export PGPASSWORD' : 'unset PGPASSWORD',
  ].join('\n');
}

export function connectionSecrets(target: PostgresTarget): Readonly<Record<string, string>> {
  return target.password ? { PGPASSWORD: target.password } : {};
}

/** How messages name the target: no password in it. */
export function describeTarget(target: PostgresTarget): string {
  const place = target.host ? ` at ${target.host}:${target.port ?? 5432}` : ' on the local socket';
  const user = target.username ? ` as user "${target.username}"` : '';
  return `database "${target.databaseName ?? ''}"${place}${user}`;
}

function databaseName(target: PostgresTarget): string {
  if (target.databaseName) return target.databaseName;
  throw new AppError('invalid', 'The name of the PostgreSQL database is missing. Set it in its settings.', {
    details: { field: 'databaseName' },
  });
}
