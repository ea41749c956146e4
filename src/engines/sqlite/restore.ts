import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { CountedTable, RestorePlan, RestoreTarget } from '../restore.ts';
import { newSqliteGuard } from './guard/guard.ts';
import { CREATE_KEPT, removeBeside, swapSqlite } from './in-place/in-place.ts';
import { preflightInPlace } from './in-place/preflight.ts';
import { isMade, isNamedFile, isNamedSqlite, madeBySqlite, refuseFound } from './made.ts';
import type { SqliteOptions } from './options.ts';
import { goneLines, PLACE } from './place.ts';
import { explainSqliteRestore } from './restore-failures.ts';
import { CHECK, END_NOTED, PROGRAM, placeLines } from './restore-lines.ts';
import { preflightSqlite } from './restore-preflight.ts';
import { TRUST } from './shell.ts';

/**
 * Makes a new file, in a folder of its own beside where it is to be, and gives it its name when it is whole: without ever
 * replacing one that is there. Nothing of a dump is trusted: sqlite3 runs with `-safe`, behind `newSqliteGuard`.
 */
export function restoreSqlite(target: RestoreTarget<SqliteOptions>): RestorePlan {
  const path = pathOf(target.newName);
  const isCopy = target.format === 'binary';
  const lines = placeLines(path, folderOf(target));
  const command = (script: string) => ({ script: `${lines}\n${script}` });
  const beside: RestorePlan = {
    preflight: preflightSqlite(path, target),
    create: command(CREATE),
    load: command(isCopy ? LOAD_COPY : LOAD_TEXT),
    before: new Uint8Array(0),
    after: new Uint8Array(0),
    ...(isCopy ? {} : { newGuard: newSqliteGuard }),
    count: { command: command(COUNT), read: readCounts },
    check: command(CHECK),
    finish: command(finishScript(target)),
    remove: command(removeScript(target)),
    explain: (failure) => explainSqliteRestore(path, failure),
  };
  const { inPlace } = target;
  if (!inPlace) {
    const isNamed = isNamedSqlite(target, lines);
    return { ...beside, made: madeBySqlite(path, lines), ...(isNamed && { isNamed }) };
  }
  pathOf(inPlace.keptName);
  const replaced = { newName: path, token: target.token, inPlace, lines, madeIn: target.madeIn };
  return {
    ...beside,
    preflight: preflightInPlace(path, target, inPlace),
    create: command(`${MAKE_FOLDER}\n${CREATE_KEPT}`),
    finish: null,
    swap: swapSqlite(replaced),
    remove: command(removeBeside(replaced)),
  };
}

function folderOf({ token, isDrill }: RestoreTarget): string {
  return `${isDrill ? 'bp_drill_' : '.bridgeport-restore-'}${token}`;
}

const MAKE_FOLDER = `require_parent
mkdir -- "$folder" || refuse "no folder can be made in $parent"
cd -- "$folder" && [ -O . ] && : >restored.sqlite || refuse "no file can be made in $parent"`;

const CREATE = `refuse_taken
${MAKE_FOLDER}`;

/** Runs a program under a number that `remove` knows, so that it can end it where nobody else did. */
const RUN_NOTED = `run_noted() {
  sh -c 'echo "$$" >pid && exec "$@"' sh "$@"
}`;

const LOAD_TEXT = `enter
${RUN_NOTED}
{ ${PROGRAM}
} </dev/null
case $program in
sqlite3) run_noted sqlite3 $safe -init /dev/null -batch -bail ${TRUST} restored.sqlite >/dev/null ;;
*) eval "run_noted $BRIDGEPORT_SQLITE_DUMP --load restored.sqlite" ;;
esac`;

const LOAD_COPY = `enter
${RUN_NOTED}
run_noted cat >restored.sqlite`;

/** A file that needs what only its application has may have tables that can't be counted here: those of a copy are all there anyhow. */
const COUNT = `enter
${PROGRAM}
if [ "$program" = ours ]; then
  eval "$BRIDGEPORT_SQLITE_DUMP --count restored.sqlite" || exit
else
  each=$(printf '%s\\n' ${quote(`SELECT 'SELECT ''bridgeport:encoding=' || encoding || ''';' FROM temp.pragma_encoding;
SELECT printf('SELECT ''bridgeport:rows=%s '' || count(*) FROM "%w";', hex(name), name) FROM sqlite_master
WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' AND substr(lower(name), 1, 7) <> 'sqlite_' ORDER BY rowid;`)} | sqlite3_here) || exit
  printf '%s\\n' "$each" | sqlite3_here || exit
fi
echo 'bridgeport:end'`;

function readCounts(stdout: string): readonly CountedTable[] {
  const [, encoding] = /^bridgeport:encoding=(UTF-8|UTF-16le|UTF-16be)$/m.exec(stdout) ?? [];
  if (encoding === undefined || !/^bridgeport:end$/m.test(stdout)) {
    throw new AppError('dump_failed', 'Counting the rows of the restored file gave no usable answer.');
  }
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return [...stdout.matchAll(/^bridgeport:rows=([0-9A-F]*) (\d+)$/gim)].map(([, hex = '', rows = '']) => ({
    schema: null,
    name: decoder.decode(Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))),
    rows: Number(rows),
  }));
}

/**
 * The file is checked, gets mode and owner of the one that was dumped where that is on this host (else the folder's owner), and
 * then its name, by a link, which replaces nothing; where a file system has none, by a move that replaces nothing. Run again
 * it goes on.
 */
function finishScript(target: RestoreTarget<SqliteOptions>): string {
  const { options, made } = target;
  const source = options.filePath ?? '';
  return `if [ ! -e "$folder" ]; then
  [ -f "$new" ] && ${isMade(made) ?? ':'} && exit 0
  refuse 'gone'
fi
cd -- "$folder" && [ -O . ] || refuse 'gone'
if ! ${isNamedFile(target)}; then
  ${CHECK}
  refuse_taken
  source=${quote(source)}
  if [ -n "$source" ] && [ -f "$source" ]; then
    set -- $(ls -ldn -- "$source")
    mode=$(stat -c %a -- "$source" 2>/dev/null || stat -f %Lp -- "$source" 2>/dev/null)
  else
    set -- $(ls -ldn -- "$parent/")
    mode=600
  fi
  chown "$3:$4" restored.sqlite 2>/dev/null || chgrp "$4" restored.sqlite 2>/dev/null
  case $mode in *[0-7][0-7][0-7]) chmod "\${mode#"\${mode%???}"}" restored.sqlite ;; esac
  sync -- restored.sqlite 2>/dev/null
  ln -- restored.sqlite "$new" 2>/dev/null || { refuse_taken; mv -n -- restored.sqlite "$new"; }
  [ -f "$new" ] && { [ ! -e restored.sqlite ] || [ "$new" -ef restored.sqlite ]; } || refuse "taken: $new"
fi
cd / && rm -f -- "$folder/pid" "$folder/restored.sqlite" "$folder/restored.sqlite-shm" "$folder/restored.sqlite-wal" "$folder/restored.sqlite-journal" && rmdir -- "$folder"`;
}

/** What `finish` has begun to name is not ended yet, so it goes, too. */
function removeScript(target: RestoreTarget): string {
  return `${PLACE}
require_parent
${refuseFound(target)}
[ -d "$folder" ] && [ ! -L "$folder" ] || {
  ${goneLines(target.madeIn)}
}
cd -- "$folder" && [ -O . ] || refuse "not this user's: $folder"
${END_NOTED}
[ ! "$new" -ef restored.sqlite ] || rm -f -- "$new"
rm -f -- pid restored.sqlite restored.sqlite-shm restored.sqlite-wal restored.sqlite-journal
cd / && rmdir -- "$folder"`;
}

/** Throws `invalid` for what can't be the path of a new file. */
function pathOf(newName: string): string {
  const isPath =
    newName.startsWith('/') &&
    !newName.endsWith('/') &&
    !newName.includes('\0') &&
    !newName.includes('\n') &&
    !newName.split('/').some((part) => part === '.' || part === '..') &&
    new TextEncoder().encode(newName.slice(newName.lastIndexOf('/') + 1)).length <= MOST_NAME_BYTES;
  if (isPath) return newName;
  throw new AppError(
    'invalid',
    `${JSON.stringify(newName)} can't be the path of a new file. Write it from / on, without . and .. in it.`,
    { details: { field: 'newName' } },
  );
}

/** Less what the names of its journals have more. */
const MOST_NAME_BYTES = 255 - '-journal'.length;
