import type { MysqlTarget } from './connection.ts';

/** Shell lines that find and use the client programs for this target. */
export function toolLines(target: MysqlTarget): string {
  const { tlsMode } = target.options;
  return `require_tls=${tlsMode === 'off' ? '' : '1'} verify_tls=${tlsMode === 'verify' ? '1' : ''}\n${MYSQL_TOOLS}`;
}

/**
 * Shell functions that find the client programs of MySQL or MariaDB on a host and ask the server with them. They follow
 * `connectionLines`; `require_tls` and `verify_tls` are 1 or empty.
 *
 * `choose_tools` sets `flavour`, `dump_tool`, `dump_version` (what it says of itself), `client` and `tls_lines`: where a
 * host has the programs of both, those of the server's own flavour. A dump tool counts only with the client beside it. A server that says nowhere that it is
 * MariaDB is MySQL: MariaDB's programs write dumps of it that can't be restored (generated columns, VECTOR).
 *
 * `ask SQL` prints what the server answers, without names of columns.
 *
 * `refuse_plain` fails where TLS is required and the connection has none. MariaDB's programs connect without it to a
 * server that offers none, whatever they are told (measured: 10.11); MySQL's refuse by themselves.
 * Verifying ones do, too (measured: 10.11, before the log-in). With a file of authorities MariaDB's from 11.4 on trust
 * nothing else, such as a certificate that the password vouches for.
 */
const MYSQL_TOOLS = `
find_tools() {
  mariadb_dump= mysql_dump= asked=
  for candidate in "$(command -v mariadb-dump)" "$(command -v mysqldump)" /usr/bin/mysqldump /usr/local/bin/mariadb-dump \\
    /usr/local/bin/mysqldump /usr/local/mysql/bin/mysqldump /usr/local/mariadb/bin/mariadb-dump \\
    /opt/homebrew/bin/mariadb-dump /opt/homebrew/opt/mysql*/bin/mysqldump; do
    [ -x "$candidate" ] || continue
    case $asked in *"|$candidate|"*) continue ;; esac
    asked="$asked|$candidate|"
    version=$("$candidate" --no-defaults --version 2>/dev/null) || continue
    beside=\${candidate%/*}
    case $version in
    *MariaDB*)
      for name in mariadb mysql; do
        [ -z "$mariadb_dump" ] && [ -x "$beside/$name" ] &&
          mariadb_dump=$candidate mariadb_client=$beside/$name mariadb_version=$version
      done
      ;;
    *) [ -z "$mysql_dump" ] && [ -x "$beside/mysql" ] &&
      mysql_dump=$candidate mysql_client=$beside/mysql mysql_version=$version ;;
    esac
  done
  [ -n "$mariadb_dump$mysql_dump" ] && return 0
  echo 'bridgeport: mysqldump not found' >&2
  return 127
}
use_mariadb() {
  flavour=mariadb dump_tool=$mariadb_dump dump_version=$mariadb_version client=$mariadb_client
  tls_lines=skip-ssl-verify-server-cert
  [ -z "$require_tls" ] || tls_lines=$(printf 'ssl\\n%s' "$tls_lines")
  [ -z "$verify_tls" ] || tls_lines=$(printf 'ssl\\nssl-verify-server-cert\\nssl-ca=%s' "$authorities")
}
use_mysql() {
  flavour=mysql dump_tool=$mysql_dump dump_version=$mysql_version client=$mysql_client
  tls_lines=ssl-mode=PREFERRED
  [ -z "$require_tls" ] || tls_lines=ssl-mode=REQUIRED
  [ -z "$verify_tls" ] || tls_lines=$(printf 'ssl-mode=VERIFY_IDENTITY\\nssl-ca=%s' "$authorities")
}
choose_tools() {
  find_tools || return
  [ -z "$verify_tls" ] || choose_authorities || return
  if [ -n "$mysql_dump" ]; then use_mysql; else use_mariadb; fi
  server=$(ask 'SELECT VERSION(), @@version_comment') || return
  case $server in
  *[Mm]aria[Dd][Bb]*) [ -z "$mariadb_dump" ] || use_mariadb ;;
  *)
    [ -z "$mysql_dump" ] || return 0
    printf 'bridgeport: only programs of MariaDB for MySQL %s\\n' "\${server%%[!0-9A-Za-z.]*}" >&2
    return 69
    ;;
  esac
}
ask() {
  with_options "$client" --defaults-file=/dev/stdin --default-character-set=utf8mb4 --batch --raw --skip-column-names \\
    --execute="$1" -- "$database"
}
refuse_plain() {
  [ -n "$require_tls" ] || return 0
  cipher=$(ask "SHOW SESSION STATUS LIKE 'Ssl_cipher'") || return
  [ -z "\${cipher#Ssl_cipher?}" ] || return 0
  echo 'bridgeport: the connection is not encrypted' >&2
  return 76
}`;
