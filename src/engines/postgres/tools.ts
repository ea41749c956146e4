/**
 * How psql is told to end with the first error, and to tell its SQLSTATE (verbose), by which it is recognised whatever language the
 * server speaks. Of what a login is refused for, no program tells one.
 */
export const PSQL_SETTINGS = '--set=ON_ERROR_STOP=1 --set=VERBOSITY=verbose';
/** A pattern of the shell for what psql prints where somebody is in a database that is to be renamed or dropped (object_in_use). */
export const IN_USE = "*':  55006: '*";

/**
 * Shell functions that find PostgreSQL's client programs on a host. They follow `connectionLines`.
 *
 * `find_pg_dump MAJOR` sets `pg_dump` to the program to use: of several installed ones that of the server's own
 * major version or the next newer one (a dump of a much newer pg_dump holds settings that an old server does not
 * know), the newest where the server's version is unknown (MAJOR 0) or newer than all of them. Programs outside the PATH
 * come first. Debian's one in the PATH is a wrapper around them, and asked only where there are none: it takes longer to
 * start than the others together. `find_psql` takes the one beside the newest of them.
 *
 * `ask_server` sets `server_major`, `server_version`, `database_size` and `server`, the whole number of the version. What a server answers is nobody we
 * trust, and bash runs commands that stand in a number it calculates with (`a[$(id)]`): only digits get that far.
 */
export const FIND_PG_DUMP = `
list_pg_dumps() {
  pg_dumps=
  for candidate in /usr/lib/postgresql/*/bin/pg_dump /usr/pgsql-*/bin/pg_dump /usr/libexec/postgresql*/pg_dump \\
    /usr/local/pgsql/bin/pg_dump /opt/homebrew/opt/postgresql@*/bin/pg_dump "$(command -v pg_dump)"; do
    [ -x "$candidate" ] || continue
    if [ -n "$pg_dumps" ]; then
      case $(readlink "$candidate" 2>/dev/null) in */pg_wrapper) continue ;; esac
    fi
    version=$("$candidate" --version 2>/dev/null) || continue
    major=\${version#*") "}
    major=\${major%%[!0-9]*}
    [ -z "$major" ] || pg_dumps="$pg_dumps$major $candidate
"
  done
}
find_pg_dump() {
  [ -n "$pg_dumps" ] || list_pg_dumps
  pg_dump= chosen=0
  set -f
  IFS='
'
  for line in $pg_dumps; do
    major=\${line%% *}
    if [ "$chosen" = 0 ] ||
      { [ "$chosen" -lt "$1" ] && [ "$major" -gt "$chosen" ]; } ||
      { [ "$1" = 0 ] && [ "$major" -gt "$chosen" ]; } ||
      { [ "$1" != 0 ] && [ "$major" -ge "$1" ] && [ "$major" -lt "$chosen" ]; }; then
      pg_dump=\${line#* } chosen=$major
    fi
  done
  unset IFS
  set +f
  [ -n "$pg_dump" ] && return 0
  echo 'bridgeport: pg_dump not found' >&2
  return 127
}
find_psql() {
  find_pg_dump 0 2>/dev/null
  for candidate in "\${pg_dump%/*}/psql" "$(command -v psql)" /usr/lib/postgresql/*/bin/psql /usr/pgsql-*/bin/psql \\
    /usr/libexec/postgresql*/psql /usr/local/pgsql/bin/psql /opt/homebrew/opt/postgresql@*/bin/psql; do
    [ -x "$candidate" ] && psql=$candidate && return 0
  done
  echo 'bridgeport: psql not found' >&2
  return 127
}
ask() {
  trusting "$psql" --no-psqlrc --no-password --quiet --no-align --tuples-only ${PSQL_SETTINGS} --command="$1"
}
ask_server() {
  answer=$(ask "SELECT pg_catalog.concat_ws(' ', pg_catalog.current_setting('server_version_num'),
    pg_catalog.pg_database_size(pg_catalog.current_database()), pg_catalog.current_setting('server_version'))") ||
    return
  server=\${answer%% *} answer=\${answer#* }
  database_size=\${answer%% *} server_version=\${answer#* }
  case $server in
  '' | *[!0-9]* | ??????????*)
    echo 'bridgeport: the server gave no version number' >&2
    return 65
    ;;
  esac
  server_major=$((server / 10000))
}`;
