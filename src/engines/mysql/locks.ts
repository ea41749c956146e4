import type { LockLook } from '../engine.ts';
import { connectionLines, connectionSecrets, type MysqlTarget } from './connection.ts';
import { textOf } from './sql-bytes.ts';
import { toolLines } from './tools.ts';

/**
 * Asks the server what the running dump of this target waits for, and, where it tells that, who holds it. Of the
 * statements that it shows only the dump's own are read, for the names of their tables.
 */
export function lookAtMysqlLocks(target: MysqlTarget): LockLook {
  const script = `${connectionLines(target)}
${toolLines(target)}
choose_tools && refuse_plain || exit
ask "${WAITING}" || exit
ask "${LOCKS_OF_MARIADB}" 2>/dev/null || ask "${LOCKS_OF_MYSQL}" 2>/dev/null
ask "${THREADS}"`;
  return { command: { script, secrets: connectionSecrets(target) }, read };
}

// Names in hexadecimal digits: they may hold anything.
const WAITING = `SELECT CONCAT('bridgeport:waiting=', ID, ' ', HEX(LEFT(INFO, 8000))) FROM information_schema.PROCESSLIST
  WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND STATE LIKE 'Waiting for %lock%'
    AND USER = LEFT(USER(), CHAR_LENGTH(USER()) - CHAR_LENGTH(SUBSTRING_INDEX(USER(), '@', -1)) - 1)
  LIMIT 5`;
/** By the plugin metadata_lock_info. */
const LOCKS_OF_MARIADB = `SELECT CONCAT('bridgeport:lock=', THREAD_ID, ' ', HEX(TABLE_NAME))
  FROM information_schema.METADATA_LOCK_INFO
  WHERE LOCK_TYPE = 'Table metadata lock' AND TABLE_SCHEMA = DATABASE() LIMIT 500`;
const LOCKS_OF_MYSQL = `SELECT CONCAT('bridgeport:lock=', t.PROCESSLIST_ID, ' ', HEX(m.OBJECT_NAME))
  FROM performance_schema.metadata_locks m JOIN performance_schema.threads t ON t.THREAD_ID = m.OWNER_THREAD_ID
  WHERE m.OBJECT_TYPE = 'TABLE' AND m.OBJECT_SCHEMA = DATABASE() AND m.LOCK_STATUS = 'GRANTED' LIMIT 500`;
const THREADS = `SELECT CONCAT('bridgeport:thread=', ID, ' ', DB <=> DATABASE(), ' ', TIME, ' ', HEX(USER), ' ', HEX(HOST), ' ', HEX(COMMAND))
  FROM information_schema.PROCESSLIST WHERE ID <> CONNECTION_ID() ORDER BY DB <=> DATABASE() DESC, TIME DESC LIMIT 100`;

interface Thread {
  readonly id: string;
  readonly isHere: boolean;
  readonly words: string;
}

function read(stdout: string): string | null {
  const waiting = answers(stdout, 'waiting').flatMap(([id = '', statement = '']) => {
    const tables = tablesOf(textOf(statement));
    return tables.length === 0 ? [] : [{ id, tables }];
  });
  const [dump] = waiting;
  if (dump === undefined) return null;
  const locks = answers(stdout, 'lock').map(([id = '', name = '']) => ({ id, table: textOf(name) }));
  const holding = locks.filter(({ id, table }) => id !== dump.id && dump.tables.includes(table));
  const threads = answers(stdout, 'thread').map(threadOf);
  const wordsFor = (id: string) => threads.find((thread) => thread.id === id)?.words ?? `connection ${id}`;
  const held = [...new Set(holding.map(({ table }) => table))];
  const waits = `it waited for a lock on ${nameTables(held.length > 0 ? held : dump.tables)}`;
  if (holding.length > 0) {
    const holders = [...new Set(holding.map(({ id }) => id))].slice(0, 5).map(wordsFor);
    return `${waits}, which is held or asked for by ${holders.join(' and ')}`;
  }
  const others = threads.filter(({ id, isHere }) => isHere && id !== dump.id).slice(0, 5);
  const seen =
    others.length === 0
      ? 'the user may see none'
      : `the user may see ${others.map(({ words }) => words).join(' and ')}`;
  return `${waits}. The server does not tell this user who holds it; of other connections to the database ${seen}`;
}

function answers(stdout: string, name: string): readonly (readonly string[])[] {
  const lines = stdout.matchAll(new RegExp(`^bridgeport:${name}=(.*)$`, 'gm'));
  return [...lines].map(([, fields = '']) => fields.split(' '));
}

function threadOf([
  id = '',
  isHere,
  time = '',
  user = '',
  host = '',
  command = '',
]: readonly string[]): Thread {
  const words = `connection ${id} (user "${textOf(user)}" from ${textOf(host)}, ${textOf(command)} for ${time} s)`;
  return { id, isHere: isHere === '1', words };
}

/** Of a statement of a dump tool; another one of the same user may hold anything. */
function tablesOf(statement: string): readonly string[] {
  if (!/^(?:LOCK TABLES `|SELECT \/\*!40001 SQL_NO_CACHE|show )/i.test(statement)) return [];
  const names = statement.matchAll(/(?:from |table |LOCK TABLES |,)`((?:[^`]|``)+)`/gi);
  return [...names].map(([, name = '']) => name.replaceAll('``', '`'));
}

function nameTables(tables: readonly string[]): string {
  const some = tables.slice(0, 3).map((name) => `"${name}"`);
  if (tables.length === 1) return `table ${some.join()}`;
  return `one of the tables ${some.join(', ')}${tables.length > 3 ? ` and ${tables.length - 3} more` : ''}`;
}
