import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { EngineTarget } from '../engine.ts';
import { FIND_BUNDLE, tellTls } from '../tls-shell.ts';
import type { PostgresOptions } from './options.ts';

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
    ...tlsVariables(target),
    PGCONNECT_TIMEOUT: String(CONNECT_TIMEOUT_SECONDS),
    PGAPPNAME: 'bridgeport',
    LC_ALL: 'C',
  };
  return [
    `unset ${FOREIGN_VARIABLES.join(' ')}`,
    ...Object.entries(set).map(([name, value]) => `export ${name}=${quote(value)}`),
    target.password ? 'export PGPASSWORD' : 'unset PGPASSWORD',
    trustLines(target),
  ].join('\n');
}

function tlsVariables({ host, options: { tlsMode } }: PostgresTarget): Readonly<Record<string, string>> {
  if (tlsMode !== 'verify') {
    // No clear text to a server that has not proved who it is. Clients before 16 know no such thing (measured: libpq 15
    // and 18).
    return { PGSSLMODE: tlsMode === 'encrypt' ? 'require' : 'prefer', PGREQUIREAUTH: '!password' };
  }
  if (!host || host.split(',').some((one) => /^\s*(?:[/@]|$)/.test(one))) {
    throw new AppError(
      'invalid',
      'The certificate of the server can be verified only with a host: a local socket has no TLS. Enter the host as the certificate names it.',
      { details: { field: 'host' } },
    );
  }
  // libpq would take encryption by Kerberos for enough, and look at no certificate.
  return { PGSSLMODE: 'verify-full', PGGSSENCMODE: 'disable' };
}

/**
 * Shell functions: `trusting PROGRAM …` runs a client that knows which authorities count, `tell_tls` says more after
 * its failure. One given authority comes through a pipe (measured: libpq 15 and 18 read it once, front to back), so that
 * no file is made. A client before 16 does not know `system`, and gets the host's bundle.
 */
function trustLines({ host, address, port, options: { tlsMode, tlsCa } }: PostgresTarget): string {
  if (tlsMode !== 'verify') return `trusting() { "$@" </dev/null; }\ntell_tls() { return; }`;
  const tell = tellTls('postgres', { host: host ?? '', address: address ?? null, port: port ?? 5432 });
  if (tlsCa !== null) {
    return `choose_authorities() { authorities=given; }
trusting() { printf '%s\\n' "$TLS_CA" | PGSSLROOTCERT=/dev/stdin "$@"; }
${tell}`;
  }
  return `TLS_CA=
${FIND_BUNDLE}
choose_authorities() {
  authorities=$("\${1:-$psql}" --version 2>/dev/null)
  authorities=\${authorities#*") "}
  case \${authorities%%[!0-9]*} in
  '' | [0-9] | 1[0-5]) find_bundle ;;
  *) authorities=system ;;
  esac
}
trusting() {
  choose_authorities "$1" || return
  PGSSLROOTCERT=$authorities "$@" </dev/null
}
${tell}`;
}

export function connectionSecrets(target: PostgresTarget): Readonly<Record<string, string>> {
  const { tlsMode, tlsCa } = target.options;
  return {
    ...(target.password ? { PGPASSWORD: target.password } : {}),
    ...(tlsMode === 'verify' && tlsCa !== null ? { TLS_CA: tlsCa } : {}),
  };
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
