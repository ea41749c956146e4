import type { SwapByHand } from '../in-place.ts';
import { bytesOf } from './sql-bytes.ts';

/**
 * MySQL has no second name for a database: its tables are moved instead, all of them by one statement, which does nothing where
 * one can't be moved. What can't be moved at all (triggers keep their table; views, routines and events their database) is counted
 * first, and for a person to judge.
 */
export function swapMysqlByHand(names: {
  readonly live: string;
  readonly restored: string;
  readonly kept: string;
}): SwapByHand {
  const [live, restored, kept] = [names.live, names.restored, names.kept].map(quoted);
  const both = `(${bytesOf(names.live)}, ${bytesOf(names.restored)})`;
  const count = (what: string, table: string, column: string) =>
    `SELECT '${what}' AS what, COUNT(*) AS number FROM information_schema.${table} WHERE BINARY ${column} IN ${both}`;
  const move = (from: string, to: string, fromName: string, step: number) =>
    `SELECT ${step} AS step, CONCAT('${inText(from)}.', ${TABLE}, ' TO ${inText(to)}.', ${TABLE}) AS move
    FROM information_schema.TABLES WHERE BINARY TABLE_SCHEMA = ${bytesOf(fromName)} AND TABLE_TYPE <> 'VIEW'`;
  return {
    check: `${[
      count('triggers', 'TRIGGERS', 'TRIGGER_SCHEMA'),
      count('views', 'VIEWS', 'TABLE_SCHEMA'),
      count('routines', 'ROUTINES', 'ROUTINE_SCHEMA'),
      count('events', 'EVENTS', 'EVENT_SCHEMA'),
    ].join('\nUNION ALL ')};`,
    statements: `CREATE DATABASE ${kept};
SET SESSION group_concat_max_len = 1000000000;
SELECT CONCAT('RENAME TABLE ', GROUP_CONCAT(move ORDER BY step SEPARATOR ', ')) INTO @swap FROM (
  ${move(live ?? '', kept ?? '', names.live, 1)}
  UNION ALL
  ${move(restored ?? '', live ?? '', names.restored, 2)}
) AS moves;
PREPARE swap FROM @swap;
EXECUTE swap;
DEALLOCATE PREPARE swap;`,
    notes: [
      `The safest way needs no statement: point the application to ${names.restored}, and keep ${names.live} until nobody needs it.`,
      'Otherwise stop the application, back the database up once more, and run the check: where all its numbers are 0, the statements move every table in one go, or none.',
      'Where they are not 0, do not run them: a table with triggers can’t be moved to another database, and views, routines and events stay where they are. Drop them and create them again from the dump, or take the safest way.',
      'Grants on single tables belong to the old names and are not moved. Events of what was restored are switched off until you enable them.',
    ],
  };
}

const TABLE = "'`', REPLACE(TABLE_NAME, '`', '``'), '`'";

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``;
}

/** Within a text of SQL, by whatever a server takes for an escape: as bytes of its own where it holds such a sign. */
function inText(text: string): string {
  return /['\\]/.test(text) ? `', CONVERT(${bytesOf(text)} USING utf8mb4), '` : text;
}
