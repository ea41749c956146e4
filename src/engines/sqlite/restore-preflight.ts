import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { PreflightCheck, PreflightPlan, RestoreTarget } from '../restore.ts';
import { ROOM_SCRIPT, roomCheck } from '../room.ts';
import { explainSqliteRestore } from './restore-failures.ts';
import { ASK_VERSION, FIND_PROGRAM } from './shell.ts';

/** Looks at the program and the folder that a restored file would be made in; nothing is made. */
export function preflightSqlite(path: string, target: RestoreTarget): PreflightPlan {
  return {
    command: { script: preflightScript(path) },
    read: (stdout) => readChecks(path, target, stdout),
    explain: (failure) => explainSqliteRestore(path, failure),
  };
}

function preflightScript(path: string): string {
  const parent = path.slice(0, path.lastIndexOf('/')) || '/';
  return `export LC_ALL=C
new=${quote(path)} place=${quote(parent)}
${FIND_PROGRAM}
[ "$program" = sqlite3 ] || safe=ours
${ASK_VERSION}
printf 'bridgeport:version=%s\\n' "$version"
printf 'bridgeport:safe=%s\\n' "$safe"
if [ ! -d "$place/" ]; then folder=missing
elif [ -w "$place/" ] && [ -x "$place/" ]; then folder=open
else folder=closed
fi
printf 'bridgeport:folder=%s\\n' "$folder"
taken=
for name in "$new" "$new-wal" "$new-shm" "$new-journal"; do
  [ ! -e "$name" ] && [ ! -L "$name" ] || taken="$taken \${name#"$new"}."
done
printf 'bridgeport:taken=%s\\n' "$taken"
if [ "$folder" != missing ]; then
  ${ROOM_SCRIPT}
fi
exit 0`;
}

function readChecks(
  path: string,
  { serverVersion: dumped, expectedBytes, format }: RestoreTarget,
  stdout: string,
): readonly PreflightCheck[] {
  const answer = (name: string) => new RegExp(`^bridgeport:${name}=(.*)$`, 'm').exec(stdout)?.[1];
  const [version, folder, taken] = [answer('version')?.split(' ')[0], answer('folder'), answer('taken')];
  if (!version || folder === undefined || taken === undefined) {
    throw new AppError(
      'dump_failed',
      `Looking at the place of the new file ${JSON.stringify(path)} gave no usable answer.`,
    );
  }
  const isSafe = answer('safe') !== '' || format === 'binary';
  return [
    isSafe
      ? { name: 'Programs', ok: true, says: versionSentence(version, dumped) }
      : {
          name: 'Programs',
          ok: false,
          obstacle: 'version',
          says: `The sqlite3 of the host is ${version}, which knows no way to read a dump without running what it asks for (-safe). Install 3.37 or newer there.`,
        },
    taken === ''
      ? { name: 'Name', ok: true, says: `There is no file ${path} yet.` }
      : { name: 'Name', ok: false, says: takenSentence(path, taken) },
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
    ...roomCheck(stdout, expectedBytes),
  ];
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
