/**
 * Shell function `look_who`: sets `who` to the processes that have `$new` open or locked, such as `python3 (process 4711)`, but for
 * `$lock`; of other users' processes only root sees what is open, and locks show for all.
 */
export const LOOK_WHO = `look_who() {
  who= known=" \${lock:-none} " count=0
  for open in /proc/[0-9]*/fd/*; do
    [ ! "$open" -ef "$new" ] || { process=\${open#/proc/} && add_who "\${process%%/*}"; }
  done
  device=$(stat -Lc %d -- "$new" 2>/dev/null) && [ -r /proc/locks ] || return 0
  place=$(printf '%02x:%02x:%s' $((device >> 8 & 4095)) $((device & 255 | device >> 12 & 1048320)) "$(inode "$new")")
  while read -r _ _ _ _ process where _; do
    [ "$where" != "$place" ] || add_who "$process"
  done </proc/locks
}
add_who() {
  case $known in *" $1 "*) return ;; esac
  known="$known$1 " count=$((count + 1))
  [ "$count" -le 5 ] || return 0
  { read -r name </proc/$1/comm; } 2>/dev/null || name='a program that can not be seen from here'
  name=$(printf %s "$name" | tr -cd '[:alnum:] ._-')
  who="\${who:+$who, }$name (process $1)"
}`;

/**
 * Shell function `sees_all`: whether `look_who` can have seen what every process has open. Root of a container may list the files of
 * others, and see none of them (CAP_SYS_PTRACE). Of processes in other containers, and on other hosts, nobody is told in any case.
 */
export const SEES_ALL = `sees_all() {
  [ -r /proc/1/fd ] || return 1
  for process in /proc/[0-9]*; do
    [ -r "$process/fd" ] || [ ! -d "$process" ] || return 1
    for open in "$process"/fd/*; do
      [ ! -L "$open" ] || [ -e "$open" ] || [ ! -L "$open" ] || return 1
      break
    done
  done
}`;
