import { quote } from '../../hosts/quote.ts';
import { DEFINITIONS, EXPECTED_DEFINITIONS, TAKEN_DEFINITIONS } from './definitions.ts';

/** Another program may hold the file; so long is waited for it. */
export const LOCK_TIMEOUT_MS = 30_000;

/**
 * The start of every script: looks at the file, and finds the program, `$program`: the host's `sqlite3`, or `ours` in
 * `$BRIDGEPORT_SQLITE_DUMP`. After it, `$file` is the path, `refuse` ends the script with a reason, and `$safe` is
 * what keeps sqlite3 (3.37 and later) from doing for the file's owner what reaches beyond the database: edit(),
 * readfile(), writefile(), load_extension(), ATTACH, `.shell`. Fields of the schema may spell them all. `$trusted` is
 * ON where sqlite3 would take its own JSON functions for unsafe ones and read no file that has them in a CHECK, an index or
 * a generated column (measured: 3.40); `-safe` is known there.
 */
export function startLines(path: string): string {
  return `export LC_ALL=C
file=${quote(path)}
refuse() {
  echo "bridgeport: $1" >&2
  exit 66
}
[ -e "$file" ] || refuse 'no such file'
[ -f "$file" ] || refuse 'not a file'
[ -r "$file" ] || refuse 'not readable'
{ begin=$(head -c 15 "$file"); } 2>/dev/null # bash would complain of NULs
[ "$begin" = 'SQLite format 3' ] || refuse 'not a database'
${REFUSE_USED_ELSEWHERE}
${FIND_PROGRAM}`;
}

/**
 * Whoever has a file in WAL mode open locks it, and the file -shm beside the name that it was opened by. Where that is another name (a
 * second link, a file that is mounted into a container by itself), so is -wal, and what was written last would be in no dump, without a word
 * (measured: 3.40). Both are looked up in what was locked at one moment, and a -shm that came, went or was made anew meanwhile tells nothing:
 * a file that many open for a moment each would seem to be used so, else. Somebody may just open it, or leave: so it is looked at again.
 * Linux alone tells of locks, of all users.
 */
const REFUSE_USED_ELSEWHERE = `identity_of() { stat -Lc '%d %i' -- "$1" 2>/dev/null; }
is_locked() {
  disk=\${1% *}
  disk=$(printf '%02x:%02x' "$((disk >> 8 & 4095))" "$((disk & 255 | disk >> 12 & 1048320))")
  printf '%s\\n' "$locks" | grep -q "POSIX .* READ .* $disk:\${1#* } $2$"
}
is_used_elsewhere() {
  identity=$(identity_of "$file") || return
  shm="$(readlink -f -- "$file")-shm"
  before=$(identity_of "$shm")
  locks=$(cat /proc/locks 2>/dev/null) || return
  after=$(identity_of "$shm")
  [ "$before" = "$after" ] && is_locked "$identity" '1073741826 1073742335' || return
  [ -z "$after" ] || ! is_locked "$after" '128 128'
}
mode=
[ ! -r /proc/locks ] || mode=$({ head -c 19 -- "$file" | tail -c 1 | tr '\\001\\002' jw; } 2>/dev/null)
for wait in 1 1 ''; do
  [ "$mode" = w ] && is_used_elsewhere || break
  [ "$wait" ] || refuse 'used by another name'
  sleep "$wait"
done`;

/** Answers where `-safe` is known, and complains of JSON in a schema where it may be a function of an attacker. */
const TRY_SAFE =
  "SELECT 'bridgeport ' || sqlite_version(); PRAGMA trusted_schema=OFF; CREATE TABLE t (a, CHECK (json_valid(a)));";

/** Sets `$program`, and what keeps sqlite3 from harm; see `startLines`. `$version` is told by the same start where `-safe` is known. */
export const FIND_PROGRAM = `safe= trusted=OFF version=
if command -v sqlite3 >/dev/null 2>&1; then
  program=sqlite3
  answer=$(sqlite3 -safe -init /dev/null -batch :memory: "${TRY_SAFE}" </dev/null 2>&1)
  case $answer in
  # In whatever order: what goes to stdout is kept back until the end.
  *bridgeport*'unsafe use of'* | *'unsafe use of'*bridgeport*) safe=-safe trusted=ON ;;
  *bridgeport*) safe=-safe ;;
  esac
  case $answer in *'bridgeport '[0-9]*)
    version=\${answer#*'bridgeport '}
    version=\${version%%[!0-9.]*}
    ;;
  esac
elif [ -n "$BRIDGEPORT_SQLITE_DUMP" ]; then
  program=ours
else
  echo 'bridgeport: sqlite3 not found' >&2
  exit 127
fi`;

/**
 * Sets `$refused` to the first line of what an empty database says to the definitions of this file, or to nothing: what it
 * does not take, no restore takes. A definition that it takes for something else is more than one statement, which only an
 * attacker writes. Only where `-safe` is known: what the definitions hold is run here. `defensive` keeps them from
 * writing into the schema what is compared; the last query has no quotes, so that none that they leave open ends in it.
 */
export function tryDefinitions(path: string): string {
  const sqlite3 = sqlite3On(path);
  return `refused=
if [ "$safe" ]; then
  definitions=$(${sqlite3} ${commands(DEFINITIONS)}
  ) || exit
  expected=$(${sqlite3} ${commands(EXPECTED_DEFINITIONS)}
  ) || exit
  if taken=$(sqlite3 $safe -init /dev/null -batch -bail ${TRUST} :memory: 2>&1 ${commands(TAKE, { expanded: true })}
  ); then
    # The first two lines answer .dbconfig and the limit.
    taken="$taken
"
    for line in 1 2; do taken=\${taken#*"
"}; done
    [ "$taken" = "\${expected:+$expected
}" ] || refused='it is more than one statement'
  else
    refused=$(printf '%s\\n' "$taken" | grep -i -e error -e 'safe mode' | head -n 1)
    refused=\${refused:-it ended without a reason}
  fi
fi`;
}

/**
 * Before all commands, what the schema says is made as harmless as SQLite can make it (3.31 and later; others don't know
 * the pragma and go on).
 */
export const TRUST = '-cmd "PRAGMA trusted_schema=$trusted"';

/** An empty database needs little; definitions that want more are no schema. */
const TAKE = `.dbconfig defensive on
PRAGMA hard_heap_limit=268435456;
PRAGMA foreign_keys=OFF;
BEGIN;
$definitions
${TAKEN_DEFINITIONS}`;

/** Sets `$version` where the start that found the program did not tell it. */
export const ASK_VERSION = `case $program in
sqlite3) [ "$version" ] || version=$(sqlite3 -init /dev/null -version </dev/null) ;;
*) version=$(eval "$BRIDGEPORT_SQLITE_DUMP --version") ;;
esac || exit`;

/** Words that call sqlite3 for this file; to be followed by `commands`. It reads no start-up file and stops at the first error. */
export function sqlite3On(path: string): string {
  return `sqlite3 $safe -init /dev/null -batch -bail ${TRUST} ${quote(uriOf(path))}`;
}

/** For `.backup`, which -safe refuses; for commands that read nothing of what the schema says. */
export function sqlite3WithFiles(path: string): string {
  return `sqlite3 -init /dev/null -batch -bail -cmd 'PRAGMA trusted_schema=OFF' ${quote(uriOf(path))}`;
}

/**
 * The commands of a call as a here-document; `expanded` ones may hold variables of the shell.
 */
export function commands(lines: string, { expanded = false } = {}): string {
  return `<<${expanded ? 'COMMANDS' : "'COMMANDS'"}
.timeout ${LOCK_TIMEOUT_MS}
${lines}
COMMANDS`;
}

/**
 * As a URI (https://sqlite.org/uri.html), since only so sqlite3 can be told not to create a missing file. It is opened
 * for writing, though nothing is written: a read-only connection would leave the files -wal and -shm behind.
 */
function uriOf(path: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}?mode=rw`;
}
