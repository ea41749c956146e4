import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import {
  type CommandFailure,
  type Discovery,
  type DiscoveryPlan,
  type DiscoveryTarget,
  MOST_FOUND,
} from '../engine.ts';
import { toDiscovery } from '../found.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import { readRecords } from '../records.ts';
import type { SqliteOptions } from './options.ts';

const MOST_DEPTH = 8;
/** So many files are looked at together: one process for all of them, where none is a database. */
const AT_ONCE = 64;

/**
 * Looks for files that begin as SQLite's do, in the folders and the folders in them. Links are not followed but for the
 * folders as they were given, and no other file system is entered. It writes nothing.
 */
export function discoverSqlite({ folders }: DiscoveryTarget<SqliteOptions>): DiscoveryPlan {
  if (folders.length === 0) {
    throw new AppError('invalid', 'Name at least one folder to look for SQLite files in.', {
      details: { field: 'folders' },
    });
  }
  return {
    command: { script: discoverScript(folders) },
    isGradual: true,
    // The files that are listed, as often as they are printed, one that tells that there are more, and what is said of the folders.
    mostFields: FIELDS * ((MOST_FOUND + 2) * timesPrinted(folders) + 2 * folders.length),
    read: (stdout) => readDiscovery(folders, stdout),
    explain: (failure) => explain(folders, failure),
  };
}

const FIELDS = 3;

/** How often a file is found at most: once for each of the folders that it lies in. */
function timesPrinted(folders: readonly string[]): number {
  const paths = folders.map((folder) => `${folder.replace(/\/+$/, '')}/`);
  return Math.max(...paths.map((path) => paths.filter((other) => path.startsWith(other)).length));
}

/** Records of three fields: what it is, a number, a path. */
function discoverScript(folders: readonly string[]): string {
  return `export LC_ALL=C
for program in find xargs; do
  command -v "$program" >/dev/null 2>&1 || { echo "bridgeport: $program not found" >&2; exit 127; }
done
printf 'search\\000\\000\\000'
look_in() {
  if [ ! -d "$1" ] || [ ! -r "$1" ] || [ ! -x "$1" ]; then
    printf 'closed\\000\\000%s\\000' "$1"
    return
  fi
  { status=$({ { find -H "$1" -xdev -maxdepth ${MOST_DEPTH} -type f -size +511c -print0 2>/dev/null
    printf %s "$?" >&3; } | xargs -0 -n ${AT_ONCE} sh -c ${quote(CHECK)} sh >&4; } 3>&1); } 4>&1
  printf 'searched\\000%s\\000%s\\000' "$status" "$1"
}
${folders.map((folder) => `look_in ${quote(folder)}`).join('\n')}
printf 'end\\000\\000\\000'
exit 0`;
}

/**
 * A file is ours by its first 16 bytes. The NUL at their end is made a letter, since a shell's variable can't hold it; a file
 * with that letter in its place is not taken for one. Those of all files are read at once, and told apart by their places: to
 * start programs for each of a thousand files takes longer than anybody waits. Where that is not as long as it must be (a
 * file is closed or gone, or head knows no -q), each is read by itself.
 */
const CHECK = `
heads=$(head -q -c 16 -- "$@" 2>/dev/null | tr '\\000~\\n' '~__')
by_place=1
if [ "\${#heads}" -ne "$((16 * $#))" ]; then
  by_place=0
  heads=$(head -c 16 -- "$@" 2>/dev/null | tr '\\000~\\n' '~__')
fi
case $heads in
*'SQLite format 3~'*) ;;
*) exit 0 ;;
esac
set -f
for file do
  if [ "$by_place" = 1 ]; then
    rest=\${heads#????????????????}
    begin=\${heads%"$rest"}
    heads=$rest
  else
    begin=$(head -c 16 -- "$file" 2>/dev/null | tr '\\000~\\n' '~__')
  fi
  [ "$begin" = 'SQLite format 3~' ] || continue
  long=$(ls -ldn -- "$file" 2>/dev/null) || continue
  set -- $long
  printf 'file\\000%s\\000%s\\000' "$5" "$file"
done`;

function readDiscovery(folders: readonly string[], stdout: Uint8Array): Discovery {
  const [begin, ...records] = readRecords(stdout, FIELDS);
  if (begin?.[0] !== 'search') {
    throw new AppError(
      'dump_failed',
      'The search for SQLite files gave no usable answer. Sign in on the host by hand and see what its find and sh are.',
      { details: { answer: new TextDecoder().decode(stdout.subarray(0, 500)) } },
    );
  }
  const of = (wanted: string) => records.filter(([kind]) => kind === wanted);
  const files = of('file')
    .map(([, size = null, name = null]) => ({ name, size }))
    .sort((one, other) => ((one.name ?? '') < (other.name ?? '') ? -1 : 1));
  // A folder may lie in another one that was named, too.
  const found = files.filter(({ name }, at) => name === null || name !== files[at - 1]?.name);
  const closed = new Set(of('closed').map(([, , folder]) => folder));
  const incomplete = new Set(
    of('searched').flatMap(([, status, folder]) => (status === '0' ? [] : [folder])),
  );
  // Of those alone that were named, whatever a host says.
  const named = [...new Set(folders)];
  return toDiscovery(null, found, [
    ...named
      .filter((folder) => closed.has(folder))
      .map((folder) => `There is no folder ${folder} that may be looked into.`),
    ...named
      .filter((folder) => incomplete.has(folder))
      .map((folder) => `Not all of ${folder} could be looked at: some of its folders may not be entered.`),
  ]);
}

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: (find|xargs) not found/,
    code: 'dump_tool_missing',
    message: (_what, program) =>
      `${program} was not found on the host. Install the Debian package findutils there, or type the path of the file.`,
  },
];

function explain(folders: readonly string[], failure: CommandFailure): Error | undefined {
  return explainBy(FAILURES, folders.join(', '), failure);
}
