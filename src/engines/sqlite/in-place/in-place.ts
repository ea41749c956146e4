import { AppError } from '../../../errors.ts';
import { SWAPPED, type SwapPlan } from '../../in-place.ts';
import { goneLines, PLACE } from '../place.ts';
import { CHECK, END_NOTED, PROGRAM } from '../restore-lines.ts';
import { dropKept } from './drop.ts';
import { lockLines } from './lock.ts';
import { LOOK_WHO } from './openers.ts';
import {
  INODE,
  lookAtSwap,
  markOf,
  type ReplacedFile,
  readIds,
  readKept,
  type SwapIds,
  TELL_KEPT,
  TELL_MADE,
} from './state.ts';

/**
 * How a restored file takes the place of one: its content is written into the file, by SQLite, in one transaction and under
 * one exclusive lock, in which a copy of what was there is kept first. The file itself stays, with its owner, rights and names, so
 * that whoever has it open, seen or unseen, finds what was restored, and never goes on with what was there.
 */
export function swapSqlite(file: ReplacedFile): SwapPlan {
  const command = (script: string) => ({ script: `${file.lines}\n${script}` });
  return {
    isIdentifiedAgain: true,
    identify: { command: command(IDENTIFY), read: (stdout) => readFound(file.newName, stdout) },
    swap: (replacedId) => command(swapScript(file, idsOf(replacedId))),
    isDone: (replacedId) => ({
      command: command(`${PROGRAM}
${lookAtSwap(file, file.inPlace.keptName, idsOf(replacedId))}
look_at_swap
[ ! -e "$folder" ] || swap=unfinished
printf 'bridgeport:swap=%s\\n' "$swap"
[ "$swap" != after ] || ${TELL_KEPT}`),
      read: (stdout) => ({
        isDone: /^bridgeport:swap=after$/m.test(stdout),
        kept: readKept(stdout),
        identity: null,
      }),
    }),
    drop: (replacedId, facts) => dropKept(file, idsOf(replacedId), facts),
  };
}

const IDENTIFY = `${INODE}
[ -f "$new" ] || refuse 'not to be swapped: nothing'
kept=$folder/kept.sqlite
printf 'bridgeport:inodes=%s %s %s\\n' "$(inode "$new")" "$(inode "$kept" || echo -)" "$(${TELL_MADE} "$kept" 2>/dev/null)"`;

function readFound(path: string, stdout: string): string {
  const [, inodes, madeAt = ''] = /^bridgeport:inodes=(\d+ (?:\d+|-)) ?(.*)$/m.exec(stdout) ?? [];
  // By its inodes alone where the host has another `stat`.
  const found = [`${inodes} ${madeAt}`, inodes].find(
    (ids) => ids !== undefined && readIds(ids) !== undefined,
  );
  if (found !== undefined) return found;
  throw new AppError(
    'dump_failed',
    `Looking at the file ${path} that is to be replaced gave no usable answer.`,
  );
}

/** As it was recorded. */
function idsOf(replacedId: string): SwapIds {
  const ids = readIds(replacedId);
  if (ids !== undefined) return ids;
  throw new AppError('internal', 'What a restore replaces was not recorded as it should be.');
}

function swapScript({ newName, token, inPlace }: ReplacedFile, ids: SwapIds): string {
  return `${PROGRAM}
${lookAtSwap({ newName, token }, inPlace.keptName, ids)}
${LOOK_WHO}
${lockLines(newName)}
${GO_ON}
${makeReady(token, ids)}
${LOCK_ALONE}
${keepCopy(ids)}
${writeContent(token)}
clear_folder && echo ${SWAPPED}`;
}

/** Whatever another try has left is ended first, or is all that there is to do. */
const GO_ON = `[ ! -d "$folder" ] || {
  cd -- "$folder" && [ -O . ] || refuse "not this user's: $folder"
  ${END_NOTED}
  rm -f -- reserve
  echo $$ >shell || exit
}
look_at_swap
case $swap in
after) [ ! -e "$folder" ] || clear_folder; exit ;;
marked | finishing) finish_swap; exit ;;
before) ;;
*) refuse "not to be swapped: $swap" ;;
esac`;

/** What SQLite needs beside a file in the mode WAL, to look at it. */
const RESERVE_KIB = 128;

function makeReady(token: string, { kept }: SwapIds): string {
  return `( ${CHECK} ) || exit
enter
[ "$(inode kept.sqlite)" = ${kept ?? 'none'} ] || refuse 'gone'
! kept_is_ours || rm -f -- "$kept" || exit
rm -f -- begun
dd if=/dev/zero of=reserve bs=1024 count=${RESERVE_KIB} 2>said || { cat said >&2; exit 3; }
for name in "$kept" "$kept-wal" "$kept-shm" "$kept-journal"; do
  [ ! -e "$name" ] && [ ! -L "$name" ] || refuse "kept name taken: $name"
done
printf '%s\\n' 'PRAGMA journal_mode=DELETE;' 'CREATE TABLE IF NOT EXISTS "${markOf(token)}" (x);' | sqlite3_here >/dev/null || exit
[ "$(mode_of "$new")" != w ] || : >wal-mode`;
}

/** Three seconds and a little lie between them: whoever only passes by is gone by then. */
const TRIES = 5;

const LOCK_ALONE = `lock_alone() {
  if lock_live "$reset"; then
    look_who
    [ "$who" ] || return 0
    unlock_live
    return 1
  fi
  who=
  case $(cat said) in
  *locked* | *busy* | '') look_who ;;
  *'not a database'* | *malformed*)
    [ -z "$reset" ] || { tell_failure; exit 3; }
    reset='.dbconfig reset_database on'
    : >damaged
    ;;
  *) tell_failure; exit 3 ;;
  esac
  return 1
}
tries=0 reset=
until lock_alone; do
  tries=$((tries + 1))
  [ "$tries" -lt ${TRIES} ] || refuse "in use: \${who:-a program that can not be seen from here}"
  sleep 3
done`;

/** All of it is on the disk before the first byte of the file is written over. */
function keepCopy({ live }: SwapIds): string {
  return `give_up() {
  unlock_live
  refuse "$1"
}
[ "$(inode "$new")" = ${live} ] && is_locked_one || give_up 'not to be swapped: other'
cp -p -- "$new" kept.sqlite && sum=$(cksum <"$new") && [ "$sum" ] && [ "$sum" = "$(cksum <kept.sqlite)" ] || give_up 'no copy could be kept'
[ ! -e wal-mode ] || [ "$(mode_of kept.sqlite)" != j ] ||
  printf '\\002\\002' | dd of=kept.sqlite bs=1 seek=18 conv=notrunc 2>/dev/null || give_up 'no copy could be kept'
set -- $(ls -Lldn -- "$new") && owner=$3:$4 && set -- $(ls -ldn kept.sqlite)
[ "$3:$4" = "$owner" ] || chmod 600 kept.sqlite
: >begun && sync_files begun && ln -- kept.sqlite "$kept" && sync_files kept.sqlite begun || give_up 'no copy could be kept'
kept_is_ours || {
  [ ! "$kept/kept.sqlite" -ef kept.sqlite ] || rm -f -- "$kept/kept.sqlite"
  give_up "kept name taken: $kept"
}`;
}

/**
 * Whether the mark came with it tells that it was what was restored; else what is kept is put back under the same lock. Of an encoding
 * other than before only another process can read it: the session has the old one for good.
 */
function writeContent(token: string): string {
  return `tell '.restore file:restored.sqlite?mode=rw' "\${reset:+.dbconfig reset_database off}" && : >written || {
  end_session
  tell_failure
  exit 3
}
tell "$count_marks"
case $heard in
*marks=1*) ;;
*marks=0*)
  rm -f -- restored.sqlite
  tell '.restore file:kept.sqlite?mode=ro&immutable=1' 'PRAGMA journal_mode=DELETE;' && rm -f -- written && give_up 'gone'
  give_up 'not to be swapped: unmarked'
  ;;
*)
  end_session
  look_at_swap
  [ "$swap" = marked ] || refuse "not to be swapped: $swap"
  finish_swap && echo ${SWAPPED}
  exit
  ;;
esac
: >done && sync_files done || {
  end_session
  tell_failure
  exit 3
}
tell 'DROP TABLE "${markOf(token)}";' && { [ ! -e wal-mode ] || tell 'PRAGMA journal_mode=WAL;'; } && end_session || {
  tell_failure
  exit 3
}`;
}

/** Beside what any restore makes, the empty copy of what will be replaced, whose number is recorded before it is filled. */
export const CREATE_KEPT = `: >kept.sqlite && ln -- kept.sqlite trial && rm -f -- trial || refuse "no file can have two names in $parent"`;

/**
 * Puts all as it was, or, where what was restored is in the file already, ends that, and says so by status 67. A swap that nobody could
 * end waits for nobody: so all that waits for its lock comes before the look, and without its source it has nothing to write
 * behind the last one. What was reserved goes first: on a full disk a file in the mode WAL can't even be looked at.
 */
export function removeBeside(file: ReplacedFile): string {
  const { newName, token, inPlace } = file;
  return `${PLACE}
${lookAtSwap({ newName, token }, inPlace.keptName, readIds(inPlace.replacedId) ?? NOTHING)}
swapped_already() {
  echo 'bridgeport: swapped already' >&2
  exit 67
}
look_to_remove() {
  look_at_swap
  case $swap in
  after) clear_folder && swapped_already; exit 1 ;;
  marked | finishing) finish_swap && swapped_already; exit 1 ;;
  before) ;;
  *) refuse "not to be swapped: $swap" ;;
  esac
}
[ -d "$folder" ] && [ ! -L "$folder" ] || {
  look_at_swap
  [ "$swap" != after ] || swapped_already
  [ -e "$new" ] || refuse "neither it nor its folder: $parent"
  ${inPlace.mayBeSwapped === true ? REFUSE_UNKNOWN : goneLines(file.madeIn)}
}
cd -- "$folder" && [ -O . ] || refuse "not this user's: $folder"
${
  inPlace.mayBeSwapped === true
    ? `[ -e restored.sqlite ] || [ -e kept.sqlite ] || [ -e begun ] || [ -e done ] || kept_is_ours || ${REFUSE_UNKNOWN}
`
    : ''
}${END_NOTED}
rm -f -- reserve
[ ! -e begun ] && [ ! -e done ] && [ ! -e wal-mode ] || {
  ${PROGRAM}
}
journal_mode_back || exit
look_to_remove
rm -f -- restored.sqlite || exit
look_to_remove
! kept_is_ours || rm -f -- "$kept" || exit
clear_folder`;
}

/** A swap that ended leaves nothing but the kept file, and a removal nothing at all: without any of it nobody can tell one from the other. */
const REFUSE_UNKNOWN = `refuse "neither kept nor restored: $folder"`;

const NOTHING: SwapIds = { live: 'none', kept: null, keptMadeAt: null };
