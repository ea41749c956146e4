import { quote } from '../../hosts/quote.ts';
import { FIND_PROGRAM, TRUST } from './shell.ts';

/**
 * Shell lines that name the places: `$new` is what is asked for, `$folder` is ours until then. Before what is not there is taken for
 * what is gone, `require_parent`: in a folder that may not be searched nothing seems to be there.
 */
export function placeLines(path: string, folder: string): string {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return `export LC_ALL=C
umask 077
new=${quote(path)} parent=${quote(parent)} folder=${quote(`${parent === '/' ? '' : parent}/${folder}`)}
refuse() {
  echo "bridgeport: $1" >&2
  exit 66
}
refuse_taken() {
  for name in "$new" "$new-wal" "$new-shm" "$new-journal"; do
    [ ! -e "$name" ] && [ ! -L "$name" ] || refuse "taken: $name"
  done
}
require_parent() {
  [ -d "$parent/" ] && [ -x "$parent/" ] || refuse "no folder: $parent"
}
enter() {
  cd -- "$folder" 2>/dev/null && [ -O . ] && [ -f restored.sqlite ] && [ ! -L restored.sqlite ] || refuse 'gone'
}
sqlite3_here() {
  sqlite3 $safe -init /dev/null -batch -bail ${TRUST} 'file:restored.sqlite?mode=rw'
}`;
}

export const PROGRAM = `${FIND_PROGRAM}
[ "$program" = ours ] || [ "$safe" ] || refuse 'sqlite3 too old'`;

/** Where a virtual table needs what only its application has, SQLite since 3.44 fails to check any: then of each that is none. */
const EACH_TABLE = `SELECT 'PRAGMA integrity_check("' || replace(name, '"', '""') || '");' FROM sqlite_master
  WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%';`;

/** A file that needs what only its application has can't be checked here. */
export const CHECK = `enter
${PROGRAM}
  case $program in
  sqlite3)
    said=$(echo 'PRAGMA integrity_check(3);' | sqlite3_here 2>&1)
    case $said in
    *'SQL logic error'*) said=$(echo ${quote(EACH_TABLE)} | sqlite3_here | sqlite3_here 2>&1 | uniq) ;;
    esac
    ;;
  *) said=$(eval "$BRIDGEPORT_SQLITE_DUMP --integrity restored.sqlite" 2>&1) ;;
  esac
  case $said in
  ok | *'no such collation sequence'* | *'no such function'* | *'no such tokenizer'* | *'no such module'*) ;;
  *) refuse "not whole: $said" ;;
  esac
  [ ! -s restored.sqlite-wal ] && [ ! -s restored.sqlite-journal ] || refuse 'not whole: a journal is left beside it'`;

/**
 * Ends what still works in the folder, by the numbers that were written down: the shell of a swap first, which would go on
 * after its program, then what `run_noted` ran. Never the shell that asks.
 */
export const END_NOTED = `for noted in shell pid; do
  process=$(head -n 1 "$noted" 2>/dev/null) tries=0
  case $process in '' | *[!0-9]* | $$) process=none ;; esac
  while [ "/proc/$process/cwd" -ef . ] && [ "$tries" -lt 10 ]; do
    [ "$tries" = 0 ] || sleep 1
    kill -KILL "$process" 2>/dev/null
    tries=$((tries + 1))
  done
done`;
