import { quote } from '../../../hosts/quote.ts';
import type { InPlaceTarget } from '../../in-place.ts';
import type { PreflightCheck, PreflightPlan, RestoreTarget } from '../../restore.ts';
import { roomCheck } from '../../room.ts';
import { readPlace } from '../place.ts';
import { explainSqliteRestore } from '../restore-failures.ts';
import { answerOf, placeChecks, placeScript } from '../restore-preflight.ts';
import { LOOK_WHO } from './openers.ts';
import { INODE } from './state.ts';

/** Looks at the file that is to be replaced, its folder, and who has it open; nothing is made, and nothing locked. */
export function preflightInPlace(
  path: string,
  target: RestoreTarget,
  { keptName }: InPlaceTarget,
): PreflightPlan {
  return {
    command: { script: `${placeScript(path)}\n${INODE}\n${LOOK_WHO}\n${fileScript(keptName)}` },
    read: (stdout) => [
      ...placeChecks(path, target, stdout).map((check) =>
        check.name === 'Programs' ? programsCheck(check, stdout) : check,
      ),
      fileCheck(path, keptName, stdout),
      ...usersCheck(path, stdout),
      ...room(target, stdout),
    ],
    place: readPlace,
    explain: (failure) => explainSqliteRestore(path, failure),
  };
}

const NO_PROGRAM: PreflightCheck = {
  name: 'Programs',
  ok: false,
  says: 'A file is replaced by the program sqlite3, which holds it locked meanwhile, and there is none. Install the Debian package sqlite3 there.',
};

/** What the swap is made with besides; small systems may be without one of them. */
const NEEDED = ['cksum', 'cp', 'dd', 'head', 'ln', 'mkfifo', 'sync', 'tail', 'tr'];

function programsCheck(check: PreflightCheck, stdout: string): PreflightCheck {
  if (answerOf(stdout, 'safe') === 'ours') return NO_PROGRAM;
  const lacks = answerOf(stdout, 'lacks') ?? '';
  if (!check.ok || lacks === '') return check;
  const says = `A file is replaced with programs that are missing on the host: ${lacks}. Install them there (on Debian: coreutils).`;
  return { name: check.name, ok: false, says };
}

/** A link is followed where nobody else than the file's owner, this user or root can have made it. */
function fileScript(keptName: string): string {
  return `kept=${quote(keptName)} state=
links() {
  way=$new
  set -- $(ls -Lldn -- "$new")
  names=$2 owner=$3 mine=$(id -u)
  while [ "$way" ]; do
    set -- $(ls -ldn -- "$way")
    case $1:$3 in l*:0 | l*:"$mine" | l*:"$owner") ;; l*) return 1 ;; esac
    way=\${way%/*}
  done
}
if [ ! -e "$new" ]; then state=missing
elif [ ! -f "$new" ]; then state=file
elif [ ! -r "$new" ] || [ ! -w "$new" ]; then state=closed
elif ! links; then state=link
elif [ "$names" != 1 ]; then state=names
fi
for name in "$kept" "$kept-wal" "$kept-shm" "$kept-journal"; do
  [ ! -e "$name" ] && [ ! -L "$name" ] || state=\${state:-kept}
done
lacks=
for needed in ${NEEDED.join(' ')}; do
  command -v "$needed" >/dev/null 2>&1 || lacks="\${lacks:+$lacks, }$needed"
done
printf 'bridgeport:lacks=%s\\n' "$lacks"
printf 'bridgeport:state=%s\\n' "$state"
[ -f "$new" ] && [ -r "$new" ] || exit 0
begin=$(head -c 15 "$new" | tr -d '\\000')
[ -s "$new" ] && [ "$begin" != 'SQLite format 3' ] && printf 'bridgeport:damaged=yes\\n'
printf 'bridgeport:bytes=%s\\n' "$(wc -c <"$new")"
look_who
printf 'bridgeport:who=%s\\n' "$who"
if [ ! -d /proc/self/fd ]; then printf 'bridgeport:sees=nothing\\n'
elif [ "$(id -u)" = 0 ]; then printf 'bridgeport:sees=all\\n'
fi
exit 0`;
}

function fileCheck(path: string, kept: string, stdout: string): PreflightCheck {
  const name = 'File';
  const state = answerOf(stdout, 'state') ?? 'missing';
  const why: Readonly<Record<string, string>> = {
    missing: `There is no file ${path} to be replaced. Restore it under that name as a new one.`,
    file: `${path} is no file. Correct the path in the settings of the database.`,
    closed: `The SSH user may not read and write ${path}. Let it, or use the user of the application.`,
    link: `The way to ${path} goes over a link of another user than the file’s, who could have it lead anywhere. Give the path of the file itself in the settings of the database.`,
    names: `${path} has other names, too (hard links), all of which would be replaced. Give it a single one, or restore beside it.`,
    kept: `Where ${path} is to be kept, there is something already: ${kept}. Ask again.`,
  };
  if (state !== '') return { name, ok: false, says: why[state] ?? `It is ${state}.` };
  const damaged =
    answerOf(stdout, 'damaged') === 'yes'
      ? ' It is no SQLite file that can be read: damaged, or encrypted by its application, which would find one that is not.'
      : '';
  return { name, ok: true, says: `${path} is there, and will be kept as ${kept}.${damaged}` };
}

function usersCheck(path: string, stdout: string): readonly PreflightCheck[] {
  const who = answerOf(stdout, 'who');
  if (who === undefined) return [];
  const name = 'In use';
  if (who !== '') {
    return [{ name, ok: false, says: `${path} is open in ${who}. Stop that, and look again.` }];
  }
  const sees = answerOf(stdout, 'sees') ?? '';
  const says = `${SEES[sees] ?? SEES['']} The exclusive lock is taken before anything is replaced; who comes then waits, and finds what was restored.`;
  return [{ name, ok: true, ...(sees === 'nothing' ? { isUnknown: true } : {}), says }];
}

/** By what the look can see; a host without /proc shows nobody. */
const SEES: Readonly<Record<string, string>> = {
  all: 'No process that can be seen from here has it open.',
  '': 'No process that this user can see has it open; of others only locks show.',
  nothing:
    'The host shows no processes (it has no /proc), so that nobody can tell who has it open: stop the application.',
};

/** The new one, the kept one, and what SQLite needs to take the change back. */
function room({ expectedBytes }: RestoreTarget, stdout: string): readonly PreflightCheck[] {
  const bytes = Number(answerOf(stdout, 'bytes') ?? 0);
  const grown = Math.max(0, (expectedBytes ?? 0) - bytes);
  return roomCheck(stdout, (expectedBytes ?? 0) + grown + 2 * bytes);
}
