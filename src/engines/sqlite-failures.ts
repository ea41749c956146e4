import type { AppError } from '../errors.ts';
import type { CommandFailure } from './engine.ts';
import { explainBy, type KnownFailure } from './known-failures.ts';

/** What a failed dump of an SQLite file says, as an error for an admin; undefined when it says nothing known. */
export function explainSqlite(path: string, failure: CommandFailure): AppError | undefined {
  return explainBy(FAILURES, JSON.stringify(path), failure);
}

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: sqlite3 not found/,
    code: 'dump_tool_missing',
    message: () => 'sqlite3 was not found on the host. Install the Debian package sqlite3 there.',
  },
  {
    pattern: /bridgeport: no such file/,
    code: 'dump_source_missing',
    message: (path) =>
      `There is no file ${path} on the host, or its folder may not be entered. Correct the path or the rights.`,
  },
  {
    pattern: /bridgeport: not a file/,
    code: 'dump_source_missing',
    message: (path) => `${path} on the host is not a file. Give the path of the database file itself.`,
  },
  {
    pattern: /bridgeport: not readable|unable to open database/,
    code: 'dump_refused',
    message: (path) =>
      `The SSH user may not read ${path}. Let it read the file (and, where the database is in WAL mode, the files -wal and -shm beside it).`,
  },
  {
    pattern: /attempt to write a readonly database/,
    code: 'dump_refused',
    message: (path) =>
      `${path} is in WAL mode and no program has it open: only a user who may also write to its folder can read it then. Give the SSH user that right, or use the user of the application.`,
  },
  {
    pattern: /bridgeport: not a database|file is not a database/,
    code: 'dump_source_missing',
    message: (path) =>
      `${path} on the host is not an SQLite database: it is empty, encrypted, or another kind of file. Correct the path.`,
  },
  {
    pattern: /integer overflow/,
    code: 'dump_failed',
    message: (path) =>
      `${path} holds text with a NUL character in it, which sqlite3 can not write as SQL text. Find it with instr(column, char(0)) and store it as a blob, or remove it.`,
  },
  {
    pattern: /bridgeport: a definition has a line/,
    code: 'dump_failed',
    message: (path) =>
      `${path} has a view or a table whose definition has a line of only "/" or "go". sqlite3 takes that for the end of the statement, so that a dump could not be restored. Write the definition anew without such a line.`,
  },
  {
    pattern: /ESCAPE expression must be|bridgeport: a definition is not spelled/,
    code: 'dump_failed',
    message: (path) =>
      `${path} has a definition (of a table, view, index or trigger) that SQLite did not write itself: it does not begin as SQLite begins them. Such a file can be made to harm whoever reads it. Look at SELECT type, name, sql FROM sqlite_master and write that definition anew.`,
  },
  {
    pattern: /cannot (?:run|use|open|invoke) .* in safe mode|unsafe use of/,
    code: 'dump_failed',
    message: (path) =>
      `${path} tries to have the program that reads it do what is no business of a database, such as to run a command or to read another file, and was refused. Find out who wrote it; look at SELECT type, name, sql FROM sqlite_master.`,
  },
  {
    pattern: /bridgeport: a definition is no text/,
    code: 'dump_failed',
    message: (path) =>
      `${path} has a definition (of a table, view, index or trigger) that is no valid text, so that it could not be restored. Write it anew.`,
  },
  {
    pattern: /database is locked|database is busy/,
    code: 'dump_failed',
    message: (path) => `Another program kept ${path} locked for 30 seconds. Try again when it has let go.`,
  },
  {
    pattern: /database disk image is malformed|database corruption/,
    code: 'dump_failed',
    message: (path) =>
      `${path} is damaged: SQLite can not read all of it. Check it with PRAGMA integrity_check and restore an earlier backup.`,
  },
];
