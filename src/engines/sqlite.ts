import { AppError } from '../errors.ts';
import { newSqliteTextProof } from './end-proof/sqlite-text.ts';
import type { Compression, DumpPlan, Engine, EngineTarget, Probe, ProbePlan } from './engine.ts';
import {
  FIND_SPLIT,
  HEADER,
  HIDE_STATISTICS,
  NUL_CHECKS,
  REFUSE_FOREIGN_SPELLING,
} from './sqlite-definitions.ts';
import { explainSqlite } from './sqlite-failures.ts';
import { type SqliteOptions, sqliteFields, sqliteOptions } from './sqlite-options.ts';
import { commands, sqlite3On, startLines } from './sqlite-shell.ts';

type SqliteTarget = EngineTarget<SqliteOptions>;

/**
 * SQLite as SQL text, by the sqlite3 program of the host. Where there is none, the environment variable
 * BRIDGEPORT_SQLITE_DUMP may name another command (a shell command line) that takes the file and writes the same:
 * `sqlite-dump.ts` is one.
 */
export const sqlite: Engine<SqliteOptions> = {
  type: 'sqlite',
  displayName: 'SQLite',
  isFile: true,
  options: sqliteOptions,
  fields: sqliteFields,
  probe,
  dump,
};

function dump(target: SqliteTarget): DumpPlan {
  const path = filePath(target);
  const { backupCompression: type, backupCompressionLevel: level } = target.options;
  const compression: Compression = type === 'none' ? { type } : { type, level };
  return {
    command: { script: dumpScript(path) },
    fileExtension: EXTENSIONS[type],
    contentType: type === 'none' ? 'application/sql' : `application/${type}`,
    compression,
    newEndProof: newSqliteTextProof,
    explain: (failure) => explainSqlite(path, failure),
  };
}

const EXTENSIONS = { none: '.sql', gzip: '.sql.gz', zstd: '.sql.zst' } as const;

function probe(target: SqliteTarget): ProbePlan {
  const path = filePath(target);
  return {
    command: { script: probeScript(path) },
    read: (stdout) => readProbe(path, stdout),
    explain: (failure) => explainSqlite(path, failure),
  };
}

function filePath(target: SqliteTarget): string {
  const path = target.options.filePath;
  if (path?.startsWith('/')) return path;
  throw new AppError(
    'invalid',
    path
      ? `The path of the SQLite file must be a whole one that begins with /, not ${JSON.stringify(path)}.`
      : 'The path of the SQLite file is missing. Set it in the settings of the database.',
    { details: { field: 'filePath' } },
  );
}

/**
 * One read transaction over all of it: what writers do meanwhile does not show. `.dump` leaves out what lies in the
 * file's header and an application may need, so that is written before it.
 */
function dumpScript(path: string): string {
  const sqlite3 = sqlite3On(path);
  return `${startLines(path)}
if [ "$program" != sqlite3 ]; then
  eval "exec $BRIDGEPORT_SQLITE_DUMP \\"\\$file\\""
fi
checks=$(${sqlite3} ${commands(`${REFUSE_FOREIGN_SPELLING}\n${FIND_SPLIT}\n${NUL_CHECKS}`)}
) || exit
case $checks in split*) refuse 'a definition has a line that sqlite3 takes for its end' ;; esac
hidden=$(${sqlite3} ${commands(HIDE_STATISTICS)}
) || exit
exec ${sqlite3} ${commands(DUMP, { expanded: true })}`;
}

/** Nothing in it is the shell's but the two variables. */
const DUMP = `$hidden
PRAGMA query_only=ON;
BEGIN;
${REFUSE_FOREIGN_SPELLING}
${HEADER}
.dump --preserve-rowids
$checks
COMMIT;`;

function probeScript(path: string): string {
  return `${startLines(path)}
case $program in
sqlite3) version=$(sqlite3 -init /dev/null -version </dev/null) ;;
*) version=$(eval "$BRIDGEPORT_SQLITE_DUMP --version") ;;
esac || exit
printf 'bridgeport:version=%s\\n' "$version"
printf 'bridgeport:size=%s\\n' "$(wc -c <"$file")"
printf 'bridgeport:format=%s\\n' "$(head -c 19 "$file" | tail -c 1 | tr '\\001\\002' jw)"`;
}

const BLOCKS_WRITERS =
  'The file is not in WAL mode: for as long as its dump takes, uploading included, programs that write to it wait or get "database is locked". PRAGMA journal_mode=WAL, set once, lets them go on.';

function readProbe(path: string, stdout: string): Probe {
  const version = /^bridgeport:version=(\d[\d.]*)/m.exec(stdout)?.[1];
  const size = /^bridgeport:size=\s*(\d+)\s*$/m.exec(stdout)?.[1];
  if (version === undefined || size === undefined) {
    throw new AppError('dump_failed', `Looking at the SQLite file ${path} gave no usable answer.`, {
      details: { answer: stdout.slice(0, 500) },
    });
  }
  const isWal = /^bridgeport:format=w/m.test(stdout);
  return {
    serverVersion: version,
    clientVersion: version,
    estimatedBytes: Number(size),
    warnings: isWal ? [] : [BLOCKS_WRITERS],
  };
}
