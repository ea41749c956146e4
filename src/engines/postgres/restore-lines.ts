import { quote } from '../../hosts/quote.ts';
import { connectionLines, type PostgresTarget } from './connection.ts';
import { FIND_PG_DUMP, PSQL_SETTINGS } from './tools.ts';

/** Databases to connect to for what is about others; the second is on every server, the third where a provider keeps those two. */
const MAINTENANCE = ['postgres', 'template1', 'defaultdb'];

/**
 * Shell lines that reach the server for what is about databases and not in one: they set `psql`, and `PGDATABASE` to one that lets the
 * user in, or end the script with why there is none. `sql` runs psql with further arguments, such as `--command=…`.
 */
export function maintenanceLines(target: PostgresTarget): string {
  const { databaseName } = target;
  const places = databaseName === null ? MAINTENANCE : [...MAINTENANCE, databaseName];
  return `${connectionLines({ ...target, databaseName: 'postgres' })}
export PGCLIENTENCODING=UTF8
${FIND_PG_DUMP}
${SQL}
choose_database() {
  complaint=
  for PGDATABASE in ${places.map(quote).join(' ')}; do
    said=$(ask 'SELECT 1' 2>&1 >/dev/null) && return
    [ -n "$complaint" ] || complaint=$said
    case $said in *'does not exist'* | *'ermission denied for database'* | *'pg_hba.conf'*) ;; *) break ;; esac
  done
  printf '%s\\n' "$complaint" >&2
  return 2
}
find_psql || exit
choose_database || { tell_tls; exit 2; }`;
}

/** The same for what happens within one database, of which nothing is asked before. */
export function insideLines(target: PostgresTarget, databaseName: string): string {
  return `${connectionLines({ ...target, databaseName })}
${FIND_PG_DUMP}
${SQL}
${loadingLines(target)}
find_psql </dev/null || exit`;
}

/** Behind `maintenanceLines`: ends the user's own sessions in the database of that name, which nobody else knows, and those that name it. */
export function endOwnSessions(work: string): string {
  return `tries=0
while [ "$tries" -lt 20 ]; do
  left=$(ask "SELECT pg_catalog.count(pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
    WHERE usename = CURRENT_USER AND pid <> pg_catalog.pg_backend_pid()
      AND (datname = '${work}' OR pg_catalog.strpos(query, '${work}') > 0 AND state <> 'idle')") || exit
  [ "$left" != 0 ] || break
  tries=$((tries + 1))
  sleep 1
done`;
}

const SQL = `sql() {
  trusting "$psql" --no-psqlrc --no-password --quiet --no-align --tuples-only ${PSQL_SETTINGS} "$@"
}`;

/** `loading PROGRAM …`, as `trusting`, with the script's own input for the program's: one given authority comes by another way. */
function loadingLines({ options: { tlsMode, tlsCa } }: PostgresTarget): string {
  if (tlsMode !== 'verify') return 'loading() { "$@"; }';
  if (tlsCa === null) {
    return `loading() {
  choose_authorities "$1" || return
  PGSSLROOTCERT=$authorities "$@"
}`;
  }
  return `loading() {
  { printf '%s\\n' "$TLS_CA" | PGSSLROOTCERT=/dev/fd/5 "$@" 5<&0 <&6 6<&-; } 6<&0
}`;
}

/**
 * Sets `pg_restore` to the program of the server's own version, or of the next newer one, as a much newer one begins with settings
 * that an old server does not know; but no older than the pg_dump that made the archive, which it could not read.
 */
export function findPgRestore(dumpMajor: number): string {
  return `find_pg_restore() {
  wanted=$server_major
  [ "$wanted" -ge ${dumpMajor} ] || wanted=${dumpMajor}
  find_pg_dump "$wanted" || return
  for candidate in "\${pg_dump%/*}/pg_restore" "$(command -v pg_restore)"; do
    [ -x "$candidate" ] && pg_restore=$candidate && return
  done
  echo 'bridgeport: pg_restore not found' >&2
  return 127
}`;
}

/** Before what may take long: a role may have limits, which would break it off in the middle. A version has not all of them. */
export const WITHOUT_TIMEOUTS = `SELECT pg_catalog.count(pg_catalog.set_config(name, '0', false)) FROM pg_catalog.pg_settings
  WHERE name OPERATOR(pg_catalog.=) ANY (ARRAY['lock_timeout', 'statement_timeout', 'transaction_timeout']::pg_catalog.text[])`;

/** A text as a literal of SQL, whatever the server takes a backslash for. */
export function literal(text: string): string {
  return `E'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** An identifier for people to paste: what can’t be seen, or acts on a terminal, is written by its code. */
export function pastedIdentifier(name: string): string {
  if (!UNSEEN.test(name)) return identifier(name);
  const written = name.replaceAll('\\', '\\\\').replaceAll(EACH_UNSEEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return `\\+${code.toString(16).padStart(6, '0')}`;
  });
  return `U&${identifier(written)}`;
}

/** Controls, marks that turn text around or have no width, ends of lines and unusual blanks. */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;
const EACH_UNSEEN = new RegExp(UNSEEN, 'gu');

export function textArray(texts: readonly string[]): string {
  return `ARRAY[${texts.map(literal).join(',')}]::pg_catalog.text[]`;
}

/** The first number of a version such as `15.20 (Debian 15.20-0+deb12u1)`; 0 where there is none. */
export function majorOf(version: string | null): number {
  return Number.parseInt(version ?? '', 10) || 0;
}
