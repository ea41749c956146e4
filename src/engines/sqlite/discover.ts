import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { CommandFailure, Discovery, DiscoveryPlan, DiscoveryTarget } from '../engine.ts';
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
    read: readDiscovery,
    explain: (failure) => explain(folders, failure),
  };
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
 * with that letter in its place is not taken for one.
 */
const CHECK = `
case $(head -c 16 -- "$@" 2>/dev/null | tr '\\000~' '~_') in
*'SQLite format 3~'*) ;;
*) exit 0 ;;
esac
set -f
for file do
  [ "$(head -c 16 -- "$file" 2>/dev/null | tr '\\000~' '~_')" = 'SQLite format 3~' ] || continue
  long=$(ls -ldn -- "$file" 2>/dev/null) || continue
  set -- $long
  printf 'file\\000%s\\000%s\\000' "$5" "$file"
done`;

function readDiscovery(stdout: Uint8Array): Discovery {
  const [begin, ...records] = readRecords(stdout, 3);
  if (begin?.[0] !== 'search') {
    throw new AppError('dump_failed', 'The search for SQLite files gave no usable answer.', {
      details: { answer: new TextDecoder().decode(stdout.subarray(0, 500)) },
    });
  }
  const of = (wanted: string) => records.filter(([kind]) => kind === wanted);
  const files = of('file')
    .map(([, size = null, name = null]) => ({ name, size }))
    .sort((one, other) => ((one.name ?? '') < (other.name ?? '') ? -1 : 1));
  // A folder may lie in another one that was named, too.
  const found = files.filter(({ name }, at) => name === null || name !== files[at - 1]?.name);
  const incomplete = of('searched').filter(([, status]) => status !== '0');
  return toDiscovery(null, found, [
    ...of('closed').map(([, , folder]) => `There is no folder ${folder} that may be looked into.`),
    ...incomplete.map(
      ([, , folder]) => `Not all of ${folder} could be looked at: some of its folders may not be entered.`,
    ),
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
