import { newMysqlTextProof } from '../end-proof/mysql-text.ts';
import type { DumpPlan, DumpShape, Engine } from '../engine.ts';
import { mysqlByHand } from './by-hand.ts';
import { connectionLines, connectionSecrets, type MysqlTarget } from './connection.ts';
import { discoverMysql } from './discover.ts';
import { explainMysql } from './failures.ts';
import { COUNT_VERSIONED, DUMP_HISTORY } from './history.ts';
import { lookAtMysqlLocks } from './locks.ts';
import { lookAtMysql } from './look.ts';
import { type MysqlOptions, mysqlFields, mysqlOptionNames, mysqlOptions } from './options.ts';
import { TELL_REPLACED } from './replaced.ts';
import { restoreMysql } from './restore.ts';
import { swapMysqlByHand } from './swap-by-hand.ts';
import { HAS_NO_TRANSACTIONS, NO_LIMIT } from './tables.ts';
import { toolLines } from './tools.ts';

/** MySQL and MariaDB by mysqldump or mariadb-dump, on the host that the database's server names. */
export const mysql: Engine<MysqlOptions> = {
  type: 'mysql',
  displayName: 'MySQL / MariaDB',
  isFile: false,
  defaultPort: 3306,
  proposed: { backupCompression: 'zstd' },
  options: mysqlOptions,
  optionNames: mysqlOptionNames,
  fields: mysqlFields,
  shape,
  look: lookAtMysql,
  dump,
  discover: discoverMysql,
  byHand: mysqlByHand,
  restore: restoreMysql,
  swapByHand: swapMysqlByHand,
  storedProof: newMysqlTextProof,
};

function dump(target: MysqlTarget): DumpPlan {
  return {
    ...shape(target.options),
    command: { script: dumpScript(target), secrets: connectionSecrets(target) },
    newEndProof: newMysqlTextProof,
    explain: (failure) => explainMysql(target, failure),
    lockLook: lookAtMysqlLocks(target),
  };
}

function shape({ backupCompression: type, backupCompressionLevel: level }: MysqlOptions): DumpShape {
  return {
    fileExtension: EXTENSIONS[type],
    contentType: type === 'none' ? 'application/sql' : `application/${type}`,
    compression: type === 'none' ? { type } : { type, level },
  };
}

const EXTENSIONS = { none: '.sql', gzip: '.sql.gz', zstd: '.sql.zst' } as const;

/** Everything of the database, in text that any character set survives: binary columns as hexadecimal numbers. */
const DUMP_OPTIONS = [
  '--quick',
  '--routines',
  '--triggers',
  '--events',
  '--hex-blob',
  '--no-tablespaces',
  // A table whose default is another's `nextval` could not be filled while only itself is locked.
  '--skip-add-locks',
  '--max-allowed-packet=1G',
  '--default-character-set=utf8mb4',
].join(' ');

/**
 * One transaction makes the dump consistent, and lets writers go on. It does nothing for tables of other engines
 * (MyISAM, Aria, MEMORY): with some of those, all tables are locked for the time of the dump, as is mysqldump's own
 * default. What tables once held is dumped with them, where that can be restored. Of MySQL's own tool, what is not the database's stays out:
 * the server's GTIDs and column histograms.
 */
function dumpScript(target: MysqlTarget): string {
  return `${connectionLines(target)}
${toolLines(target)}
${TELL_REPLACED}
choose_tools && refuse_plain || exit
facts=$(ask "${FACTS}") || exit
others=\${facts%% *} facts=\${facts#* }
versioned=\${facts%% *} most_rows=\${facts#* }
case $most_rows in ${NO_LIMIT.join(' | ')}) ;; *) echo "bridgeport: most rows of a query: $most_rows" >&2 && exit 65 ;; esac
case $others in
0) consistency=--single-transaction before=$(list_tables) || exit ;;
*) consistency=--lock-tables ;;
esac
set -- ${DUMP_OPTIONS} "$consistency"
if [ "$flavour" = mysql ]; then
  set -- "$@" --set-gtid-purged=OFF
  case $("$dump_tool" --no-defaults --help) in *column-statistics*) set -- "$@" --column-statistics=0 ;; esac
fi
${DUMP_HISTORY}
with_options "$dump_tool" --defaults-file=/dev/stdin "$@" -- "$database"
status=$?
[ "$status" = 0 ] || { ask "${WRITE_TIMEOUT}" >&2 2>/dev/null; exit "$status"; }
[ "$consistency" = --lock-tables ] || refuse_replaced "$before"`;
}

/** For the explanation: how long the server waits for a client that does not read. MySQL's own tool asks it to wait for a day. */
const WRITE_TIMEOUT = `SELECT CONCAT('bridgeport-note: net_write_timeout=', @@net_write_timeout)`;

/** The tables that no transaction covers, those with a history, and how many rows the server gives of each table, without a word of the others. */
const FACTS = `SELECT CONCAT(COUNT(*), ' ', (${COUNT_VERSIONED}), ' ', @@sql_select_limit)
  FROM information_schema.TABLES WHERE ${HAS_NO_TRANSACTIONS}`;
