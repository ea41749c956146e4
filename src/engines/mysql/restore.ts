import { AppError } from '../../errors.ts';
import { quote } from '../../hosts/quote.ts';
import type { CountedTable, RestorePlan, RestoreTarget } from '../restore.ts';
import { connectionLines, connectionSecrets, type MysqlTarget } from './connection.ts';
import { newMysqlGuard } from './guard/guard.ts';
import { lookAtNamed } from './named.ts';
import type { MysqlOptions } from './options.ts';
import { requirePlace } from './place.ts';
import { explainMysqlRestore } from './restore-failures.ts';
import { preflightMysql } from './restore-preflight.ts';
import { bytesOf } from './sql-bytes.ts';
import { toolLines } from './tools.ts';

/**
 * SQL text into a new database, by the client of the server's own flavour. Nothing of it can be taken back but with the whole
 * database, and the client runs a last statement whose end never came: so nothing but the new database is in its reach
 * (`newMysqlGuard`), and `remove` is the way back. Databases of MySQL have no second name, so what is not whole yet has its own, and
 * in it a table that marks it: only a marked one is ever removed.
 */
export function restoreMysql(target: RestoreTarget<MysqlOptions>): RestorePlan {
  const name = nameOf(target);
  const quoted = quotedName(name);
  const mark = `bridgeport_restore_${target.token}`;
  // Everybody may connect to it.
  const outside = { ...target, databaseName: 'information_schema' };
  const inside = { ...target, databaseName: name };
  return {
    preflight: preflightMysql(outside, target),
    create: command(outside, createScript(quoted, mark, target.databaseName)),
    load: command(inside, LOAD),
    before: new Uint8Array(0),
    after: new Uint8Array(0),
    newGuard: newMysqlGuard,
    count: {
      command: command(inside, `${CHOOSE}\nrun_made ${quote(countEach(mark))} && echo 'bridgeport:end'`),
      read: readCounts,
    },
    check: command(inside, `${CHOOSE}\n${analyzeAll(mark)}`),
    finish: command(inside, finishScript(name, mark, target)),
    remove: command(outside, removeScript(name, mark, target)),
    isNamed: {
      command: command(outside, isNamedScript(name, target)),
      read: (stdout) => /^bridgeport:named$/m.test(stdout),
    },
    explain: (failure) => explainMysqlRestore(inside, failure),
  };
}

function command(target: MysqlTarget, script: string) {
  return {
    script: `${connectionLines(target)}\n${toolLines(target)}\n${RUN_MADE}\n${script}`,
    secrets: connectionSecrets(target),
  };
}

const CHOOSE = `choose_tools && refuse_plain || { tell_tls; exit; }`;

/**
 * `client_on_5` reads statements from descriptor 5, since the option file has the standard input; `run_made SQL` runs the
 * statements that the answer to SQL consists of. A name in them may hold anything, as it does in the dump.
 */
const RUN_MADE = `client_on_5() {
  "$client" --defaults-file=/dev/fd/3 --binary-mode --default-character-set=utf8mb4 "$@" -- "$database" 3<&0 <&5 5<&-
}
run_made() {
  made=$(ask "$1") || return
  [ -n "$made" ] || return 0
  printf '%s\\n' "$made" | { exec 5<&0; with_options client_on_5 --batch --raw --skip-column-names; }
}`;

/** Where the database that was dumped is on the same server, the new one has its character set. */
function createScript(quoted: string, mark: string, source: string | null): string {
  const like = `SELECT CONCAT(DEFAULT_CHARACTER_SET_NAME, ' COLLATE ', DEFAULT_COLLATION_NAME)
FROM information_schema.SCHEMATA WHERE BINARY SCHEMA_NAME = ${bytesOf(source ?? '')}`;
  return `${CHOOSE}
like=$(ask ${quote(like)}) || exit
ask ${quote(`CREATE DATABASE ${quoted} CHARACTER SET `)}"\${like:-utf8mb4}" || exit
ask ${quote(`CREATE TABLE ${quoted}.${mark} (n int)`)} && exit
failed=$?
ask ${quote(`DROP DATABASE ${quoted}`)}
exit $failed`;
}

/** The mark goes last: what it is gone from is whole, and nothing is left to do there. */
function finishScript(name: string, mark: string, target: RestoreTarget): string {
  return `${CHOOSE}
marked=$(ask ${quote(countMarks(name, mark))}) || exit
if [ "$marked" != 1 ]; then
  ${lookAtNamed(name, target)}
  [ -z "$named" ] || exit 0
  echo 'bridgeport: the restored database is gone' >&2
  exit 65
fi
${analyzeAll(mark)} || exit
ask ${quote(`DROP TABLE IF EXISTS ${mark}`)}`;
}

function analyzeAll(mark: string): string {
  return `run_made ${quote(`${ANALYZE_EACH} AND TABLE_NAME <> '${mark}'`)} >/dev/null`;
}

/**
 * A client whose connection broke may still be at work there: the server has not heard of it yet. An empty database without a mark may
 * be one that was interrupted before it had its mark, or somebody's: a person has to look. Not at a drill's, whose name is random and was
 * written down before. One with tables and without its mark is somebody else's where nothing was made; else a DROP may have broken off,
 * which takes the tables in its own order.
 */
function removeScript(name: string, mark: string, { isDrill, madeIn, wasCreated }: RestoreTarget): string {
  const killEach = `SELECT CONCAT('KILL ', ID, ';') FROM information_schema.PROCESSLIST WHERE BINARY DB = ${bytesOf(name)}`;
  const there = `SELECT CONCAT_WS(' ', (SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE BINARY SCHEMA_NAME = ${bytesOf(name)}),
  (SELECT COUNT(*) FROM information_schema.TABLES WHERE BINARY TABLE_SCHEMA = ${bytesOf(name)}))`;
  return `${CHOOSE}
marked=$(ask ${quote(countMarks(name, mark))}) || exit
if [ "$marked" != 1 ]; then
  there=$(ask ${quote(there)}) || exit
  case $there in
  '1 0') ${isDrill ? '' : "echo 'bridgeport: empty and not marked' >&2; exit 78 "};;
  ${wasCreated ? "'1 '*) echo 'bridgeport: there and not marked' >&2; exit 78 ;;" : ''}
  *)
    ${requirePlace(madeIn)}
    exit 0
    ;;
  esac
fi
(run_made ${quote(killEach)}) >/dev/null 2>&1
ask ${quote(`DROP DATABASE IF EXISTS ${quotedName(name)}`)}`;
}

function isNamedScript(name: string, target: RestoreTarget): string {
  return `${CHOOSE}
${lookAtNamed(name, target)}
[ -z "$named" ] || echo bridgeport:named`;
}

function countMarks(name: string, mark: string): string {
  return `SELECT COUNT(*) FROM information_schema.TABLES WHERE BINARY TABLE_SCHEMA = ${bytesOf(name)} AND TABLE_NAME = '${mark}'`;
}

const EVENT_NAME = "CONCAT('`', REPLACE(EVENT_NAME, '`', '``'), '`')";
const DEFINER_PART = (count: number) => `REPLACE(SUBSTRING_INDEX(DEFINER, '@', ${count}), '\`', '\`\`')`;
const DEFINER_USER =
  "REPLACE(LEFT(DEFINER, CHAR_LENGTH(DEFINER) - CHAR_LENGTH(SUBSTRING_INDEX(DEFINER, '@', -1)) - 1), '`', '``')";

/** Whoever alters an event becomes its definer, so that is said anew. */
const DISABLE_EACH = `SELECT CONCAT('ALTER DEFINER=\`', ${DEFINER_USER}, '\`@\`', ${DEFINER_PART(-1)}, '\` EVENT ', ${EVENT_NAME}, ' DISABLE;')
FROM information_schema.EVENTS WHERE EVENT_SCHEMA = DATABASE() AND STATUS = 'ENABLED'`;

/**
 * What the server is asked to be lenient in, as far as it lets this user (MySQL 8 lets administrators alone): tables that
 * have grown wider than it takes in its strict mode, and such without a primary key. The guard has events
 * come into being switched off, for a copy must not do a second time what the original does; by hand and without it, they are when all
 * of them are there.
 */
const LOAD = `exec 5<&0 </dev/null
${CHOOSE}
first=
for setting in innodb_strict_mode sql_require_primary_key; do
  ask "SET SESSION $setting = OFF" >/dev/null 2>&1 && first="\${first:+$first, }SESSION $setting = OFF"
done
with_options client_on_5 --max-allowed-packet=1G --init-command="\${first:+SET $first}" >/dev/null || exit
run_made ${quote(DISABLE_EACH)}`;

const TABLES = `information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')`;
const TABLE_NAME = "CONCAT('`', REPLACE(TABLE_NAME, '`', '``'), '`')";

function countEach(mark: string): string {
  return `SELECT CONCAT('SELECT CONCAT(''bridgeport:rows=', HEX(TABLE_NAME), ' '', COUNT(*)) FROM ', ${TABLE_NAME},
  IF(TABLE_TYPE = 'SYSTEM VERSIONED', ' FOR SYSTEM_TIME ALL;', ';'))
FROM ${TABLES} AND TABLE_NAME <> '${mark}'`;
}

const ANALYZE_EACH = `SELECT CONCAT('ANALYZE NO_WRITE_TO_BINLOG TABLE ', ${TABLE_NAME}, ';') FROM ${TABLES}`;

function readCounts(stdout: string): readonly CountedTable[] {
  if (!/^bridgeport:end$/m.test(stdout)) {
    throw new AppError('dump_failed', 'Counting the rows of the restored database gave no usable answer.');
  }
  return [...stdout.matchAll(/^bridgeport:rows=([0-9A-F]+) (\d+)$/gm)].map(([, hex = '', rows = '']) => ({
    schema: null,
    name: new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
    ),
    rows: Number(rows),
  }));
}

const SYSTEM = /^(?:information_schema|performance_schema|mysql|sys|ndbinfo)$/i;
const MOST_CHARACTERS = 64;

/** Throws `invalid` for what can't be the name of a new database. */
function nameOf({ newName }: RestoreTarget<MysqlOptions>): string {
  const isName =
    newName !== '' &&
    newName.length <= MOST_CHARACTERS &&
    newName.isWellFormed() &&
    !/\p{Cc}|[\u{10000}-\u{10ffff}]|\s$/u.test(newName);
  if (isName && !SYSTEM.test(newName)) return newName;
  throw new AppError(
    'invalid',
    `${JSON.stringify(newName)} can't be the name of a new database of MySQL. Take another: at most ${MOST_CHARACTERS} characters, without emoji, no blank at its end, and none of the server's own.`,
    { details: { field: 'newName' } },
  );
}

function quotedName(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}
