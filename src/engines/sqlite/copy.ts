import { commands, sqlite3On, sqlite3WithFiles, startLines } from './shell.ts';

/**
 * Makes a copy of the file, as it is at one moment, prints it and removes it: with status 0 it is gone again. `$scratch` is the
 * path that the copy gets, in a folder of its own that is not there yet. Nothing of the file is understood on
 * the way, so that it may need any collation or function of its application.
 */
export function copyScript(path: string): string {
  return `${startLines(path)}
umask 077
name=\${scratch##*/} folder=\${scratch%/*} parent=\${scratch%/*/*}
[ -d "$parent/" ] || refuse "no folder for the copy: $parent"
${SAFE_FOLDER}
real=$(cd "$parent/" && pwd -P)
is_safe "$parent" && { [ "$real" = "$parent" ] || is_safe "$real"; } || refuse "no safe folder for the copy: $parent: $unsafe"
case $program in
sqlite3) need=$(${sqlite3On(path)} ${commands(SIZE)}
) ;;
*) need=$(eval "$BRIDGEPORT_SQLITE_DUMP --size \\"\\$file\\"") ;;
esac || exit
${FREE_SPACE}
[ "$free" -ge $((need / 1024 + need / 20480 + 1024)) ] ||
  refuse "no room for the copy: it needs $need bytes in $parent, where $((free * 1024)) are free"
remove() {
  rm -f -- "$scratch" "$scratch-journal" "$scratch-wal" "$scratch-shm"
  [ ! -d "$folder" ] || rmdir -- "$folder"
}
trap remove EXIT
trap 'exit 143' TERM HUP INT
mkdir -- "$folder" || refuse "no folder for the copy: $folder"
case $program in
sqlite3) (cd "$folder" && ${sqlite3WithFiles(path)} ${commands(COPY, { expanded: true })}
) >/dev/null ;;
*) eval "$BRIDGEPORT_SQLITE_DUMP --copy \\"\\$file\\" \\"\\$scratch\\"" ;;
esac || exit
cat -- "$scratch" || exit
trap - EXIT
remove`;
}

/** What is in the file -wal counts, too. */
const SIZE = 'SELECT page_count * page_size FROM temp.pragma_page_count, temp.pragma_page_size;';

/** The transaction holds one moment: without it, each writer in between would have the copy begin anew. */
const COPY = `BEGIN;
PRAGMA schema_version;
.backup main $name`;

/**
 * Whoever could change a folder on the way could put a link in the copy's place, and have this user write elsewhere. So
 * each must be root's or this user's own, and others may at most add to it (/var/tmp); a group that is the user's own does not count.
 */
const SAFE_FOLDER = `mine=$(id -u)
is_safe() {
  set -f
  way=$1
  while :; do
    set -- $(ls -ldn -- "\${way:-/}") || return 1
    unsafe="\${way:-/} can be changed by others than this user ($1, user $3, group $4)"
    [ "$3" = 0 ] || [ "$3" = "$mine" ] || return 1
    case $1 in
    l*) ;;
    d???????w[!tT]*) return 1 ;;
    d????w???[!tT]*) [ "$4" = 0 ] || { [ "$4" = "$(id -g)" ] && [ "$(id -gn)" = "$(id -un)" ]; } || return 1 ;;
    d*) ;;
    *) return 1 ;;
    esac
    [ -n "$way" ] && [ "$way" != / ] || break
    way=\${way%/*}
  done
  set +f
}`;

/** In KiB, from the word before the share in use: the name of a file system may have blanks. */
const FREE_SPACE = `free=0
for word in $(df -P -k -- "$parent/" | tail -n 1); do
  case $word in [0-9]*%) free=$before; break ;; esac
  before=$word
done`;
