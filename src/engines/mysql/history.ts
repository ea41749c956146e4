import { quote } from '../../hosts/quote.ts';

/** Tables of the database that keep the rows they once had (MariaDB), counted. */
export const COUNT_VERSIONED = `SELECT COUNT(*) FROM information_schema.TABLES
  WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED'`;

/**
 * What keeps that history out of a dump, counted: tables that have it by numbers of transactions, which no tool dumps, and a server that would
 * not take it back: it is older than 10.11, whatever its tools are, or lets nobody at all say when a row came.
 */
const COUNT_OBSTACLES = `SELECT
  (SELECT COUNT(*) FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA = DATABASE() AND GENERATION_EXPRESSION = 'ROW START' AND DATA_TYPE = 'bigint')
  + (SELECT COUNT(*) FROM information_schema.SYSTEM_VARIABLES
    WHERE VARIABLE_NAME = 'SECURE_TIMESTAMP' AND GLOBAL_VALUE = 'YES')
  + (SELECT COUNT(*) = 0 FROM information_schema.SYSTEM_VARIABLES
    WHERE VARIABLE_NAME = 'SYSTEM_VERSIONING_INSERT_HISTORY')`;

/** Half the shortest time for which a dump may say nothing. */
const LOOK_SECONDS = 15;

const quoted = (column: string) => `'\`', REPLACE(${column}, '\`', '\`\`'), '\`'`;
const columnOf = (what: string, name: string) =>
  `COALESCE(MAX(IF(GENERATION_EXPRESSION = '${what}', COLUMN_NAME, NULL)), '${name}')`;

/**
 * 0 where each row went after it had come. One that did not, as where the clock was set back or a REPLACE had a row twice, is kept by servers
 * but not taken back: one of it, and a whole restore ends with `Incorrect row_start value` (measured: 10.11).
 */
const FIND_TURNED = `SET SESSION max_statement_time = ${LOOK_SECONDS}, SESSION group_concat_max_len = 16777216;
SELECT GROUP_CONCAT('EXISTS (SELECT 1 FROM ', ${quoted('name')}, ' FOR SYSTEM_TIME ALL WHERE ',
    ${quoted('came')}, ' >= ', ${quoted('went')}, ')' SEPARATOR ' OR ') INTO @turned
  FROM (SELECT TABLE_NAME AS name, ${columnOf('ROW START', 'row_start')} AS came, ${columnOf('ROW END', 'row_end')} AS went
    FROM information_schema.TABLES JOIN information_schema.COLUMNS USING (TABLE_SCHEMA, TABLE_NAME)
    WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'SYSTEM VERSIONED' GROUP BY TABLE_NAME) versioned;
EXECUTE IMMEDIATE CONCAT('SELECT ', @turned)`;

/**
 * Shell lines, where `choose_tools` has chosen, that have the history of versioned tables dumped where `$versioned` says that there are any,
 * the tool can, and a server would take it back. Where that is not known in time it stays out: a backup that can't be restored is none.
 */
export const DUMP_HISTORY = `if [ "$versioned" != 0 ]; then
  obstacles=$(ask ${quote(COUNT_OBSTACLES)}) || exit
  case $obstacles$("$dump_tool" --no-defaults --help) in 0*--dump-history*)
    [ "$(ask ${quote(FIND_TURNED)} 2>/dev/null)" != 0 ] || set -- "$@" --dump-history ;;
  esac
fi`;
