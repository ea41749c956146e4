import { sqlite3WithFiles } from '../shell.ts';

/**
 * Shell functions around one sqlite3 that holds the exclusive lock on a file, in the folder of the restore, by pipes: `lock_live` takes
 * it, `tell` has it do something and sets `heard` to what it answers, `end_session` ends it and gives its status, and `tell_failure`
 * repeats what it complained of, which on a full disk was lost.
 *
 * The mode WAL is left for so long: so the file alone holds all there is, and nobody who has it open in that mode, whoever sees them,
 * lets the lock be had. What is damaged, down to its header, is locked as an empty one (`reset_database`). A transaction that is rolled
 * back writes nothing, and leaves its lock behind; its commit would write a new header there.
 */
export function lockLines(path: string): string {
  return `trap '' PIPE
start_session() {
  rm -f -- in out said
  mkfifo in out || refuse "no file can be made in $parent"
  sh -c 'echo "$$" >pid && exec "$@"' sh ${sqlite3WithFiles(path)} <in >out 2>said &
  lock=$!
  exec 7>in 8<out
}
tell() {
  heard=
  printf '%s\\n' "$@" '.print bridgeport:told' 2>/dev/null >&7 || return 1
  while IFS= read -r line <&8; do
    [ "$line" != bridgeport:told ] || return 0
    heard="$heard$line
"
  done
  return 1
}
end_session() {
  exec 7>&- 8<&-
  wait "$lock"
}
lock_live() {
  start_session
  if tell '.timeout 200' "$@" 'PRAGMA locking_mode=EXCLUSIVE;' 'PRAGMA journal_mode;' 'PRAGMA wal_checkpoint(TRUNCATE);' \\
    'PRAGMA journal_mode=DELETE;' 'BEGIN EXCLUSIVE;' 'ROLLBACK;'; then
    case $heard in *'
delete
') return 0 ;; esac
  fi
  end_session
  return 1
}
tell_failure() {
  if [ -s said ]; then cat said >&2
  else echo "bridgeport: without a word: $(df -Pk . 2>/dev/null | awk 'NR == 2 { print $4 }') KiB" >&2
  fi
}
is_locked_one() {
  [ -d "/proc/$lock/fd" ] || return 0
  for open in /proc/"$lock"/fd/*; do [ ! "$open" -ef "$new" ] || return 0; done
  return 1
}
unlock_live() {
  [ ! -e wal-mode ] || tell 'PRAGMA journal_mode=WAL;'
  end_session
}`;
}
