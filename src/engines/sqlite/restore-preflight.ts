import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { PreflightCheck, PreflightPlan, RestoreTarget } from '../restore.ts';
import { ROOM_SCRIPT, roomCheck } from '../room.ts';
import { PLACE, readPlace, tellPlace } from './place.ts';
import { explainSqliteRestore } from './restore-failures.ts';
import { ASK_VERSION, FIND_PROGRAM } from './shell.ts';

/** Looks at the program and the folder that a restored file would be made in; nothing is made. */
export function preflightSqlite(path: string, target: RestoreTarget): PreflightPlan {
  return {
    command: { script: preflightScript(path) },
    read: (stdout) => readChecks(path, target, stdout),
    place: readPlace,
    explain: (failure) => explainSqliteRestore(path, failure),
  };
}

/** Shell lines that print what `placeChecks` reads, for the file `$new`. */
export function placeScript(path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return `export LC_ALL=C
new=${quote(path)} place=${quote(parent)}
${FIND_PROGRAM}
${PLACE}
[ "$program" = sqlite3 ] || safe=ours
${ASK_VERSION}
printf 'bridgeport:version=%s\\n' "$version"
printf 'bridgeport:safe=%s\\n' "$safe"
if [ ! -d "$place/" ]; then folder=missing
elif [ -w "$place/" ] && [ -x "$place/" ]; then folder=open
else folder=closed
fi
printf 'bridgeport:folder=%s\\n' "$folder"
if [ "$folder" != missing ]; then
  ${tellPlace('"$place"')}
  ${ROOM_SCRIPT}
fi`;
}

function preflightScript(path: string): string {
  return `${placeScript(path)}
taken=
for name in "$new" "$new-wal" "$new-shm" "$new-journal"; do
  [ ! -e "$name" ] && [ ! -L "$name" ] || taken="$taken \${name#"$new"}."
done
printf 'bridgeport:taken=%s\\n' "$taken"
exit 0`;
}

/** What was printed behind `bridgeport:<name>=`; undefined where nothing was. */
export function answerOf(stdout: string, name: string): string | undefined {
  return new RegExp(`^bridgeport:${name}=(.*)$`, 'm').exec(stdout)?.[1];
}

function readChecks(path: string, target: RestoreTarget, stdout: string): readonly PreflightCheck[] {
  const taken = answerOf(stdout, 'taken');
  const [programs, folder] = placeChecks(path, target, stdout);
  if (programs === undefined || folder === undefined || taken === undefined) throw noAnswer(path);
  return [
    programs,
    taken === ''
      ? { name: 'Name', ok: true, says: `There is no file ${path} yet.` }
      : { name: 'Name', ok: false, says: takenSentence(path, taken) },
    folder,
    ...roomCheck(stdout, target.expectedBytes),
  ];
}

/** The program, and the folder, from what `placeScript` printed; throws for what is no answer. */
export function placeChecks(
  path: string,
  { serverVersion: dumped, format }: RestoreTarget,
  stdout: string,
): readonly PreflightCheck[] {
  const version = answerOf(stdout, 'version')?.split(' ')[0];
  const folder = answerOf(stdout, 'folder');
  if (!version || folder === undefined) throw noAnswer(path);
  const isSafe = answerOf(stdout, 'safe') !== '' || format === 'binary';
  return [
    isSafe
      ? { name: 'Programs', ok: true, says: versionSentence(version, dumped) }
      : {
          name: 'Programs',
          ok: false,
          obstacle: 'version',
          says: `The sqlite3 of the host is ${version}, which knows no way to read a dump without running what it asks for (-safe). Install 3.37 or newer there.`,
        },
    folder === 'open'
      ? { name: 'Folder', ok: true, says: 'A file can be made in its folder.' }
      : {
          name: 'Folder',
          ok: false,
          says:
            folder === 'missing'
              ? 'There is no such folder on the host. Make it, or take another.'
              : 'The SSH user may not make a file in its folder. Give it that right, or take another folder.',
        },
  ];
}

function noAnswer(path: string): AppError {
  return new AppError(
    'dump_failed',
    `Looking at the place of the new file ${JSON.stringify(path)} gave no usable answer.`,
  );
}

function versionSentence(version: string, dumped: string | null): string {
  if (dumped === null) return `The SQLite of the host is ${version}.`;
  const [[, minor = 0], [, dumpedMinor = 0]] = [version, dumped].map((text) =>
    text.split('.').map(Number),
  ) as [number[], number[]];
  return minor < dumpedMinor
    ? `The SQLite of the host is ${version}, older than the ${dumped} that was dumped: it may refuse what it does not know, and then nothing stays.`
    : `The SQLite of the host is ${version}, and the dump is of ${dumped}.`;
}

/** `taken` has a part for each file: what follows the path in its name, and a full stop. */
function takenSentence(path: string, taken: string): string {
  if (taken.startsWith(' .'))
    return `There is a file ${path} already. Take another name; nothing is ever overwritten.`;
  const left = taken
    .trim()
    .split(' ')
    .map((part) => part.slice(0, -1));
  return `Beside ${path} lies what belongs to a file that was there (${left.join(', ')}): SQLite would read it into the new one. Remove it if no program uses it, or take another name.`;
}
