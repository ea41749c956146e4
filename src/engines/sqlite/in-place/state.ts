import { quote } from '../../../hosts/quote.ts';
import type { InPlaceTarget } from '../../in-place.ts';
import { sqlite3On } from '../shell.ts';

/** A file that is replaced, in the words of its plan. */
export interface ReplacedFile {
  /** Where it is; the lines of `placeLines` call it `$new`. */
  readonly newName: string;
  readonly token: string;
  readonly inPlace: InPlaceTarget;
  /** Shell lines before all of it. */
  readonly lines: string;
  /** As `PreflightPlan.place` told it; absent where nobody knows. */
  readonly madeIn?: string | null | undefined;
}

/** What tells the two files from all others, as `replaced_id` has it: the number of the inode that is replaced, and its copy. */
export interface SwapIds {
  readonly live: string;
  /** The number of its inode, which was made empty, before anything is kept in it; null before that. */
  readonly kept: string | null;
  /** When that was made: its number is another file's as soon as it is free. Null where nobody can tell. */
  readonly keptMadeAt: string | null;
}

const AT = String.raw`\d{1,12}(?:\.\d{1,9})?`;
const IDS = new RegExp(String.raw`^(\d{1,20}) (\d{1,20}|-)(?: (${AT}|-))?$`);

/** Undefined for what is none. */
export function readIds(replacedId: string | null): SwapIds | undefined {
  const [, live, kept, madeAt] = IDS.exec(replacedId ?? '') ?? [];
  if (live === undefined || kept === undefined) return undefined;
  return { live, kept: kept === '-' ? null : kept, keptMadeAt: knownAt(madeAt) };
}

/** Where the file system does not know, `stat` says a dash, or that it was at the beginning of time. */
function knownAt(at: string | undefined): string | null {
  return at === undefined || /^[0.-]*$/.test(at) ? null : at;
}

/**
 * A table that only what is restored has, and only until it is known to be there: it tells, whatever was killed, which of the two is
 * in the file.
 */
export function markOf(token: string): string {
  return `bridgeport_restore_${token}`;
}

/** Prints what `readKept` reads of `$kept`: its inode, when it was made, and when it was written last. */
export const TELL_KEPT = `printf 'bridgeport:kept=%s\\n' "$(stat -Lc '%i %.9W %.9Y' -- "$kept" 2>/dev/null)"`;

const KEPT = new RegExp(String.raw`^(\d{1,20}) (${AT}|-) (${AT})$`);

/** What tells the kept file from all else, and whether somebody wrote into it. */
export interface KeptFile {
  readonly inode: string;
  /** Null where the file system does not know. */
  readonly madeAt: string | null;
  readonly writtenAt: string;
}

/** As it is recorded; null where there is nothing, or the host has another `stat`. */
export function readKept(stdout: string): string | null {
  const [, found = ''] = /^bridgeport:kept=(.*)$/m.exec(stdout) ?? [];
  return keptIn(found) === undefined ? null : found;
}

/** As it was recorded: nothing else gets into a script. */
export function keptIn(recorded: string | null): KeptFile | undefined {
  const [, inode, madeAt, writtenAt] = KEPT.exec(recorded ?? '') ?? [];
  if (inode === undefined || writtenAt === undefined) return undefined;
  return { inode, madeAt: knownAt(madeAt), writtenAt };
}

/** A word of the shell; behind it a path. */
export const TELL_MADE = 'stat -Lc %.9W --';

/** `inode PATH` prints its number, links followed; nothing where there is none. */
export const INODE = `inode() {
  number=$(ls -Ldi -- "$1" 2>/dev/null) || return 1
  number=\${number#"\${number%%[! ]*}"}
  printf '%s\\n' "\${number%% *}"
}`;

/**
 * Shell functions on `$new`, the file that is replaced, and `$kept`. `look_at_swap` sets `swap`:
 *
 * - `before`: the file is what it was.
 * - `marked`, `finishing`: what was restored is in it, and `finish_swap` has not ended.
 * - `after`: that has ended, too.
 * - `gone`: as `before`, and nothing of the restore is there.
 * - `unmarked`: something was written into it that is not what was restored.
 * - `other`: anything else, such as another file under that name.
 *
 * A change that somebody was killed in is taken back by SQLite itself as soon as the file is looked at. `begun` is made
 * before anything is called as the kept one is, `written` behind the change, and `done` before the mark goes.
 */
export function lookAtSwap(
  { newName, token }: { readonly newName: string; readonly token: string },
  keptName: string,
  { live, kept, keptMadeAt }: SwapIds,
): string {
  const mark = markOf(token);
  return `kept=${quote(keptName)} count_marks="SELECT 'marks=' || count(*) FROM sqlite_master WHERE name = '${mark}';"
${INODE}
kept_is_ours() {
  [ -f "$kept" ] && [ ! -L "$kept" ] && [ "$(inode "$kept")" = ${kept ?? 'none'} ]${keptMadeAt === null ? '' : ` && [ "$(${TELL_MADE} "$kept" 2>/dev/null)" = '${keptMadeAt}' ]`}
}
at_live() {
  printf '%s\\n' '.timeout 10000' "$@" | ${sqlite3On(newName)}
}
look_for_mark() {
  marks=$(at_live "$count_marks" 2>&1)
  case $marks in
  marks=0) swap=before ;;
  marks=1) swap=marked ;;
  *'not a database'* | *malformed*) [ -e "$folder/damaged" ] && swap=before ;;
  *) echo "$marks" >&2; exit 3 ;;
  esac
  [ "$swap" != before ] || [ ! -e "$folder/written" ] || swap=unmarked
}
look_at_swap() {
  swap=other
  require_parent
  if [ -e "$folder/done" ]; then swap=finishing
  elif [ ! -e "$folder/begun" ]; then
    if kept_is_ours; then swap=after
    elif [ -e "$folder" ]; then swap=before
    else swap=gone
    fi
  elif [ "$(inode "$new")" = ${live} ]; then look_for_mark
  fi
}
mode_of() {
  head -c 19 "$1" | tail -c 1 | tr '\\001\\002' jw
}
journal_mode_back() {
  [ ! -e wal-mode ] || [ "$(inode "$new")" != ${live} ] || [ "$(mode_of "$new")" = w ] || at_live 'PRAGMA journal_mode=WAL;' >/dev/null
}
finish_swap() {
  cd -- "$folder" && [ -O . ] && : >done && sync_files done || exit
  at_live 'DROP TABLE IF EXISTS "${mark}";' && journal_mode_back || exit
  clear_folder
}
sync_files() {
  sync -- "$@" . "$parent/" 2>/dev/null || sync
}
clear_folder() {
  cd -- "$folder" && [ -O . ] || refuse "not this user's: $folder"
  rm -f -- reserve pid shell in out said restored.sqlite restored.sqlite-* kept.sqlite wal-mode damaged written || exit
  rm -f -- begun && rm -f -- done && cd / && rmdir -- "$folder"
}`;
}
