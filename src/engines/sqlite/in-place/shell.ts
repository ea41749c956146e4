import { AppError } from '../../../errors.ts';
import { quote } from '../../../hosts/quote.ts';
import type { InPlaceTarget } from '../../in-place.ts';

/** As it was recorded: digits alone get into a script. */
export function inodeOf(replacedId: string): string {
  if (/^\d{1,20}$/.test(replacedId)) return replacedId;
  throw new AppError('internal', 'What a restore replaces was not recorded as it should be.');
}

/**
 * Shell lines behind those that name `$new` and `$folder`: `$kept` is what the replaced file is called afterwards.
 *
 * - `inode_of FILE` prints the number that a file keeps under whatever name, or nothing.
 * - `users_of FILE`: the processes that have it open, as `name (pid), …`, as far as this user may see; but for `$locker`, which is ours.
 * - `look_at_swap INODE` sets `$swap`: `before` (the replaced file has its name, and what was restored is in its folder), `after` (it
 *   is kept, and the name is another file's), `between` and `nameless` (it is kept, and the name is nobody's, with and without what was
 *   restored), or `other`.
 */
export function inPlaceLines({ keptName }: InPlaceTarget): string {
  return `kept=${quote(keptName)} locker=none
inode_of() {
  [ -f "$1" ] && [ ! -L "$1" ] || return 0
  set -- $(ls -di -- "$1")
  echo "$1"
}
users_of() {
  number=$(inode_of "$1") found= seen=
  [ -n "$number" ] || return 0
  for open in $(find -L /proc/[0-9]*/fd -maxdepth 1 -inum "$number" 2>/dev/null); do
    [ "$open" -ef "$1" ] || continue
    process=\${open#/proc/} process=\${process%%/*}
    [ "$process" != "$locker" ] && [ "$process" != "$seen" ] || continue
    seen=$process
    found="$found\${found:+, }$(cat "/proc/$process/comm" 2>/dev/null) ($process)"
  done
  printf '%s' "$found"
}
look_at_swap() {
  here=$(inode_of "$new") old=$(inode_of "$kept") made=$(inode_of "$folder/restored.sqlite")
  if [ "$here" = "$1" ] && [ -n "$made" ]; then swap=before
  elif [ -n "$here" ] && [ "$here" != "$1" ] && [ "$old" = "$1" ] && [ -z "$made" ]; then swap=after
  elif [ -z "$here" ] && [ ! -L "$new" ] && [ "$old" = "$1" ] && [ -n "$made" ]; then swap=between
  elif [ -z "$here" ] && [ ! -L "$new" ] && [ "$old" = "$1" ]; then swap=nameless
  else swap=other
  fi
}
free_kept() {
  for name in "$kept" "$kept-wal" "$kept-shm" "$kept-journal"; do
    [ ! -e "$name" ] && [ ! -L "$name" ] || refuse "taken: $name"
  done
}`;
}
