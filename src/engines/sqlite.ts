import { AppError } from '../errors.ts';
import { quote } from '../hosts/quote.ts';
import { newSqliteTextProof } from './end-proof/sqlite-text.ts';
import type { Compression, DumpPlan, Engine, EngineTarget, Probe, ProbePlan } from './engine.ts';
import { explainSqlite } from './sqlite-failures.ts';
import { type SqliteOptions, sqliteFields, sqliteOptions } from './sqlite-options.ts';

type SqliteTarget = EngineTarget<SqliteOptions>;

const LOCK_TIMEOUT_MS = 30_000;

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
 * file's header and an application may need, so that is written before it. The file is opened for writing, though
 * nothing is written (query_only): a read-only connection would leave the files -wal and -shm behind.
 */
function dumpScript(path: string): string {
  const uri = quote(uriOf(path));
  return `${checkLines(path)}
${PROGRAM}
if [ "$program" != sqlite3 ]; then
  eval "exec $BRIDGEPORT_SQLITE_DUMP \\"\\$file\\""
fi
checks=$(sqlite3 -init /dev/null -batch -bail ${uri} <<'COMMANDS'
.timeout ${LOCK_TIMEOUT_MS}
${SPLIT_DEFINITIONS}
${NUL_CHECKS}
COMMANDS
) || exit
case $checks in split*) refuse 'a definition has a line that sqlite3 takes for its end' ;; esac
hidden=$(sqlite3 -init /dev/null -batch -bail ${uri} <<'COMMANDS'
.timeout ${LOCK_TIMEOUT_MS}
${HIDE_STATISTICS}
COMMANDS
) || exit
exec sqlite3 -init /dev/null -batch -bail ${uri} <<COMMANDS
.timeout ${LOCK_TIMEOUT_MS}
$hidden
PRAGMA query_only=ON;
BEGIN;
SELECT 'PRAGMA encoding=''' || encoding || ''';' FROM pragma_encoding;
SELECT 'PRAGMA application_id=' || application_id || ';' FROM pragma_application_id;
SELECT 'PRAGMA user_version=' || user_version || ';' FROM pragma_user_version;
.dump --preserve-rowids
$checks
COMMIT;
COMMANDS`;
}

/**
 * Samples of the planner that ANALYZE makes again, and only builds with STAT4 can: the `INSERT`s of others' dumps fail at
 * a sqlite3 without it and take the whole restore with them. An empty table before the real one has them left out.
 */
const HIDE_STATISTICS = `SELECT 'PRAGMA writable_schema=ON; CREATE TEMP TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample); PRAGMA writable_schema=OFF;'
FROM sqlite_master WHERE type = 'table' AND name = 'sqlite_stat4';`;

/** An expression may be 1,000 deep, and each `OR` of a row of them counts; those in brackets count as one. */
const DEPTH = 100;

/**
 * `.dump` cuts text at a NUL character without a word (measured: 3.40). This writes a query for each table that fails
 * with "integer overflow" where there is such a text; it runs after the dump, in the same transaction. What it writes
 * is read by sqlite3 as commands, `.shell` among them, and whoever owns the file chooses the names in it: %w doubles
 * their quotes and stops at a NUL, which printing the query would cut it at, with its quotes left open.
 */
const NUL_CHECKS = `SELECT printf('SELECT abs(-9223372036854775807-n) FROM (SELECT count(*) AS n FROM (SELECT 1 FROM "%w" WHERE ', name) ||
  group_concat('(' || has_nul || ')', ' OR ') || ' LIMIT 1)) WHERE n > 0;'
FROM (SELECT t.name AS name, group_concat(printf('(typeof("%w")=''text'' AND instr("%w",char(0)))', c.name, c.name), ' OR ') AS has_nul
  FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c
  WHERE t.type = 'table' AND t.sql NOT LIKE 'CREATE VIRTUAL%' GROUP BY t.name, c.cid / ${DEPTH})
GROUP BY name;`;

/**
 * sqlite3 reads a line of only "/" or "go" as a semicolon where a statement could end, so that a view or a table which
 * has one outside of literals can't be restored. Inside of a trigger no statement ends.
 */
const SPLIT_DEFINITIONS = `SELECT 'split' FROM (
  SELECT char(10) || replace(replace(replace(lower(sql), ' ', ''), char(9), ''), char(13), '') || char(10) AS lines
  FROM sqlite_master WHERE type <> 'trigger')
WHERE instr(lines, char(10) || '/' || char(10)) OR instr(lines, char(10) || 'go' || char(10)) LIMIT 1;`;

function probeScript(path: string): string {
  return `${checkLines(path)}
${PROGRAM}
case $program in
sqlite3) version=$(sqlite3 -init /dev/null -version </dev/null) ;;
*) version=$(eval "$BRIDGEPORT_SQLITE_DUMP --version") ;;
esac || exit
printf 'bridgeport:version=%s\\n' "$version"
printf 'bridgeport:size=%s\\n' "$(wc -c <"$file")"
printf 'bridgeport:format=%s\\n' "$(head -c 19 "$file" | tail -c 1 | tr '\\001\\002' jw)"`;
}

function checkLines(path: string): string {
  return `export LC_ALL=C
file=${quote(path)}
refuse() {
  echo "bridgeport: $1" >&2
  exit 66
}
[ -e "$file" ] || refuse 'no such file'
[ -f "$file" ] || refuse 'not a file'
[ -r "$file" ] || refuse 'not readable'
[ "$(head -c 15 "$file" | tr -d '\\000')" = 'SQLite format 3' ] || refuse 'not a database'`;
}

const PROGRAM = `if command -v sqlite3 >/dev/null 2>&1; then
  program=sqlite3
elif [ -n "$BRIDGEPORT_SQLITE_DUMP" ]; then
  program=ours
else
  echo 'bridgeport: sqlite3 not found' >&2
  exit 127
fi`;

/** As a URI (https://sqlite.org/uri.html), since only so sqlite3 can be told not to create a missing file. */
function uriOf(path: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}?mode=rw`;
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
