import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import { newSqliteFileProof } from '../end-proof/sqlite-file.ts';
import { newSqliteTextProof } from '../end-proof/sqlite-text.ts';
import type { DumpPlan, DumpShape, Engine, EngineTarget, Looked, LookPlan } from '../engine.ts';
import { sqliteByHand } from './by-hand.ts';
import { copyScript } from './copy.ts';
import {
  FIND_SPLIT,
  FIND_STATISTICS,
  HEADER,
  HIDE_STATISTICS,
  NUL_CHECKS,
  REFUSE_FOREIGN_SPELLING,
} from './definitions.ts';
import { discoverSqlite } from './discover.ts';
import { explainSqlite } from './failures.ts';
import { type SqliteOptions, sqliteFields, sqliteOptionNames, sqliteOptions } from './options.ts';
import { restoreSqlite } from './restore.ts';
import { ASK_VERSION, commands, sqlite3On, startLines, tryDefinitions } from './shell.ts';
import { swapSqliteByHand } from './swap-by-hand.ts';
import { sqliteWarnings } from './warnings.ts';

type SqliteTarget = EngineTarget<SqliteOptions>;

/**
 * SQLite as SQL text, by the sqlite3 program of the host. Where there is none, the environment variable
 * BRIDGEPORT_SQLITE_DUMP may name another command (a shell command line) that takes the file and writes the same:
 * `dump.ts` is one.
 */
export const sqlite: Engine<SqliteOptions> = {
  type: 'sqlite',
  displayName: 'SQLite',
  isFile: true,
  defaultPort: null,
  proposed: { backupCompression: 'zstd' },
  options: sqliteOptions,
  optionNames: sqliteOptionNames,
  fields: sqliteFields,
  shape,
  look,
  dump,
  discover: discoverSqlite,
  byHand: sqliteByHand,
  restore: restoreSqlite,
  swaps: true,
  swapByHand: swapSqliteByHand,
  storedProof: (format) => (format === 'binary' ? newSqliteFileProof() : newSqliteTextProof()),
};

function dump(target: SqliteTarget): DumpPlan {
  const path = filePath(target);
  const isCopy = target.options.backupFormat === 'binary';
  return {
    ...shape(target.options),
    command: { script: isCopy ? copyScript(path) : dumpScript(path) },
    ...(isCopy ? { scratch: { folder: target.options.backupScratchPath } } : {}),
    newEndProof: isCopy ? newSqliteFileProof : newSqliteTextProof,
    explain: (failure) => explainSqlite(path, failure),
  };
}

function shape(options: SqliteOptions): DumpShape {
  const { backupCompression: type, backupCompressionLevel: level } = options;
  const isCopy = options.backupFormat === 'binary';
  return {
    fileExtension: `${isCopy ? '.sqlite' : '.sql'}${EXTENSIONS[type]}`,
    contentType: type === 'none' ? CONTENT_TYPES[isCopy ? 'binary' : 'plain'] : `application/${type}`,
    compression: type === 'none' ? { type } : { type, level },
  };
}

const EXTENSIONS = { none: '', gzip: '.gz', zstd: '.zst' } as const;
const CONTENT_TYPES = { plain: 'application/sql', binary: 'application/vnd.sqlite3' } as const;

function look(target: SqliteTarget): LookPlan {
  const path = filePath(target);
  return {
    command: { script: lookScript(path, target.options.backupFormat) },
    brief: { script: briefScript(path) },
    read: (stdout) => readLook(path, target.options.backupFormat, stdout),
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
checks=$(${sqlite3} ${commands(`${REFUSE_FOREIGN_SPELLING}\n${FIND_SPLIT}\n${FIND_STATISTICS}\n${NUL_CHECKS}`)}
) || exit
case $checks in split*) refuse 'a definition has a line that sqlite3 takes for its end' ;; esac
hidden=
# No check begins so.
case $checks in statistics*)
  hidden=${quote(HIDE_STATISTICS)}
  checks=\${checks#statistics}
  ;;
esac
${tryDefinitions(path)}
[ -z "$refused" ] || refuse "a definition is not taken back: $refused"
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

/** What needs no look into the file. A dump finds out by itself whether it can be restored. */
function briefScript(path: string): string {
  return `${startLines(path)}
${ASK_VERSION}
printf 'bridgeport:version=%s\\n' "$version"
printf 'bridgeport:size=%s\\n' "$(wc -c <"$file")"`;
}

/** Whether an empty database takes the definitions is asked here, too; a copy needs no answer. */
function lookScript(path: string, format: SqliteOptions['backupFormat']): string {
  const look = `${tryDefinitions(path)}\nprintf 'bridgeport:refused=%s\\n' "$refused"`;
  return `${briefScript(path)}
printf 'bridgeport:format=%s\\n' "$(head -c 19 "$file" | tail -c 1 | tr '\\001\\002' jw)"
if [ "$program" != sqlite3 ]; then
  refused=$(eval "$BRIDGEPORT_SQLITE_DUMP --check \\"\\$file\\"" 2>&1 >/dev/null) && refused=
  printf 'bridgeport:refused=%s\\n' "$refused"
  exit
fi
[ "$safe" ] || { printf 'bridgeport:unknown\\n'; exit; }
${format === 'binary' ? `(${look}) 2>/dev/null || printf 'bridgeport:refused=not known\\n'` : look}`;
}

function readLook(path: string, format: SqliteOptions['backupFormat'], stdout: string): Looked {
  const version = /^bridgeport:version=(\d[\d.]*)/m.exec(stdout)?.[1];
  const size = /^bridgeport:size=\s*(\d+)\s*$/m.exec(stdout)?.[1];
  if (version === undefined || size === undefined) {
    throw new AppError('dump_failed', `Looking at the SQLite file ${path} gave no usable answer.`, {
      details: { answer: stdout.slice(0, 500) },
    });
  }
  return {
    serverVersion: version,
    clientVersion: version,
    estimatedBytes: Number(size),
    warnings: sqliteWarnings(format, stdout),
  };
}
