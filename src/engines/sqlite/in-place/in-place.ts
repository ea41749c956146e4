import { AppError } from '../../../errors.ts';
import type { HostCommand } from '../../../hosts/host.ts';
import type { SwapPlan } from '../../in-place.ts';
import { inodeOf } from './shell.ts';

/** What the scripts of a swap share with those of a restore into a new file. */
export interface SwapScripts {
  /** Puts the lines that name the places, and the helpers, before a script. */
  command(script: string): HostCommand;
  /** Refuses what is not whole, and gives it mode and owner of the file that it replaces; in its folder. */
  readonly prepare: string;
  /** Removes the folder that a restore has made. */
  readonly removeFolder: string;
}

/**
 * How a restored file takes the place of one. The old one is locked as SQLite locks it, its log is written into it, and it is linked to
 * the name that is kept: so its name is never nobody's, and one rename replaces it. Who has it open is looked for before and behind
 * that; where somebody has, everything is as it was.
 */
export function swapSqlite({ command, prepare, removeFolder }: SwapScripts): SwapPlan {
  return {
    identify: { command: command(IDENTIFY), read: readInode },
    swap: (id) => command(swapScript(inodeOf(id), { prepare, removeFolder })),
    isDone: (id) => ({
      command: command(`look_at_swap ${inodeOf(id)}
echo "bridgeport:swap=$swap"`),
      read: (stdout) => /^bridgeport:swap=after$/m.test(stdout),
    }),
    drop: (id) => command(dropScript(inodeOf(id))),
  };
}

const IDENTIFY = `echo "bridgeport:inode=$(inode_of "$new")"`;

function readInode(stdout: string): string {
  const [, found] = /^bridgeport:inode=(\d{1,20})$/m.exec(stdout) ?? [];
  if (found !== undefined) return found;
  throw new AppError('dump_failed', 'There is no file to be replaced any more.');
}

/**
 * What is asked last is unknown to SQLite, so that it complains as soon as all before it is done: its answers on stdout come only at
 * its end. Nothing is written into the file from here on, and nothing of it is put right when the program ends: the names beside
 * it are another file's by then.
 */
const LOCK = `.timeout 2000
.dbconfig no_ckpt_on_close on
PRAGMA locking_mode=EXCLUSIVE;
PRAGMA wal_checkpoint(TRUNCATE);
BEGIN EXCLUSIVE;
SELECT bridgeport_locked();
`;

const TAKE_LOCK = `take_lock() {
  rm -f lock-in lock-said
  mkfifo lock-in lock-said || refuse "no file can be made in $parent"
  case $program in
  sqlite3) ( exec sqlite3 $safe -init /dev/null -batch "$new" ) <lock-in >/dev/null 2>lock-said & ;;
  *) ( eval "exec $BRIDGEPORT_SQLITE_DUMP --lock \\"\\$new\\"" ) <lock-in >/dev/null 2>lock-said & ;;
  esac
  locker=$!
  exec 8>lock-in 9<lock-said
  trap 'kill -KILL "$locker" 2>/dev/null' EXIT
  printf '%s' '${LOCK}' >&8
  read -r said <&9
  case $said in
  *bridgeport_locked*) ;;
  *) refuse "in use: \${said:-it could not be locked}; $(users_of "$new")" ;;
  esac
  [ ! -s "$new-wal" ] || refuse "in use: its log is still needed; $(users_of "$new")"
}`;

function swapScript(
  id: string,
  { prepare, removeFolder }: Pick<SwapScripts, 'prepare' | 'removeFolder'>,
): string {
  return `${TAKE_LOCK}
beside() {
  for end in -wal -shm -journal; do
    [ ! -e "$1$end" ] || mv -f -- "$1$end" "$2$end" || exit
  done
}
look_at_swap ${id}
case $swap in
before)
  enter
  # What an earlier try had begun.
  if [ "$kept" -ef "$new" ]; then
    beside "$kept" "$new"
    rm -f -- "$kept"
  fi
  free_kept
  ${prepare}
  take_lock
  users=$(users_of "$new")
  [ -z "$users" ] || refuse "in use: $users"
  if ln -- "$new" "$kept" 2>/dev/null; then
    beside "$new" "$kept"
    mv -f -- restored.sqlite "$new" || exit
  else
    mv -n -- "$new" "$kept" && [ "$(inode_of "$kept")" = ${id} ] || refuse "taken: $kept"
    beside "$new" "$kept"
    mv -n -- restored.sqlite "$new" || exit
  fi
  users=$(users_of "$kept")
  if [ -n "$users" ]; then
    mv -f -- "$kept" "$new" && beside "$kept" "$new"
    refuse "in use: $users"
  fi
  kill -KILL "$locker" 2>/dev/null
  ;;
between) beside "$new" "$kept" && mv -n -- "$folder/restored.sqlite" "$new" || exit ;;
after) [ -d "$folder" ] || exit 0 ;;
*) refuse "not to be swapped: $swap" ;;
esac
[ "$(inode_of "$kept")" = ${id} ] && [ -f "$new" ] || refuse 'not to be swapped: other'
sync -- "$new" "$parent" 2>/dev/null
${removeFolder}`;
}

/** Behind the removal: somebody may have ended the swap meanwhile. */
export function refuseSwapped(replacedId: string | null): string {
  if (replacedId === null) return '';
  return `look_at_swap ${inodeOf(replacedId)}
[ "$swap" != after ] || { echo 'bridgeport: swapped already' >&2; exit 67; }`;
}

/** Before what was made is removed: status 67 where it has taken the place already; a name that is nobody's goes back to its file. */
export function keepReplaced(replacedId: string | null): string {
  if (replacedId === null) return '';
  const id = inodeOf(replacedId);
  return `look_at_swap ${id}
back() {
  for end in -wal -shm -journal; do
    [ ! -e "$kept$end" ] || mv -n -- "$kept$end" "$new$end"
  done
}
case $swap in
after)
  echo 'bridgeport: swapped already' >&2
  exit 67
  ;;
between | nameless) mv -n -- "$kept" "$new" && back || exit ;;
*) if [ "$here" = ${id} ] && [ "$old" = ${id} ]; then back && rm -f -- "$kept" || exit; fi ;;
esac`;
}

function dropScript(id: string): string {
  return `[ -e "$kept" ] || [ -L "$kept" ] || exit 0
[ "$(inode_of "$kept")" = ${id} ] || refuse 'the kept file is another'
users=$(users_of "$kept")
[ -z "$users" ] || refuse "in use: $users"
rm -f -- "$kept-wal" "$kept-shm" "$kept-journal" "$kept"`;
}
