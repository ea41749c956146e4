import type { AppError } from '../../errors.ts';
import type { CommandFailure } from '../engine.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';

/** What a failed dump of an SQLite file says, as an error for an admin; undefined when it says nothing known. */
export function explainSqlite(path: string, failure: CommandFailure): AppError | undefined {
  return explainBy(FAILURES, JSON.stringify(path), failure);
}

/** What sqlite3 lacks, by the words of its refusal, such as `it needs the collation "app_coll" of its application`. */
export function missingPart(refused: string): string | undefined {
  const found = MISSING.exec(refused);
  const kind = found?.[1] === 'collation sequence' ? 'collation' : found?.[1];
  return found ? `it needs the ${kind} ${JSON.stringify(found[2]?.trim())} of its application` : undefined;
}

const MISSING = /no such (collation sequence|function|tokenizer|module): ([^\n]*)/;

const ALTERNATIVE =
  'As SQL text it could not be restored. Choose the format binary, which stores the database file itself.';

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
    pattern: /bridgeport: used by another name/,
    code: 'dump_refused',
    message: (path) =>
      `A program has ${path} open by another name: by another link to it, or as a file that is mounted into a container by itself. It is in WAL mode, so what that program wrote last lies in the file -wal beside the other name, and would be missing here. Give the path that the program uses; for a container, mount the folder and not the file.`,
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
    // Of the refusal of an empty database, or of the dump itself where the sqlite3 is too old to be asked first.
    pattern: /(no such (?:collation sequence|function|tokenizer|module): [^\n]*)/,
    code: 'dump_failed',
    message: (path, detail) =>
      `${path} can't be dumped by sqlite3: ${missingPart(detail)}, which sqlite3 has not. ${ALTERNATIVE}`,
  },
  {
    pattern: /no query solution/,
    code: 'dump_failed',
    message: (path) =>
      `${path} can't be read by sqlite3 ("no query solution"): a key of it needs a collation or a function of its application, which sqlite3 has not. ${ALTERNATIVE}`,
  },
  {
    pattern: /bridgeport: a definition is not taken back: ([^\n]*)/,
    code: 'dump_failed',
    message: (path, detail) =>
      `${path} has a definition that sqlite3 does not take back: ${detail}. ${ALTERNATIVE}`,
  },
  {
    pattern: /bridgeport: no room for the copy: ([^\n]*)/,
    code: 'dump_failed',
    message: (path, detail) =>
      `There is no room for a copy of ${path} on its host: ${detail}. Free space there, or choose another folder for the copy (backupScratchPath).`,
  },
  {
    pattern: /bridgeport: no (?:safe )?folder for the copy: ([^\n]*)/,
    code: 'dump_refused',
    message: (path, detail) =>
      `No copy of ${path} can be made on its host in that folder: ${detail}. Choose a folder that is there, that the SSH user may write to, and that other users can't exchange (backupScratchPath; /var/tmp usually is).`,
  },
  {
    pattern: /(No space left on device|database or disk is full|disk quota exceeded)/i,
    code: 'dump_failed',
    message: (path, detail) =>
      `The disk of the host ran full while ${path} was copied (${detail}). Free space there, or choose another folder for the copy (backupScratchPath).`,
  },
  {
    pattern: /bridgeport: a definition has a line/,
    code: 'dump_failed',
    message: (path) =>
      `${path} has a view or a table whose definition has a line of only "/" or "go". sqlite3 takes that for the end of the statement, so that a dump could not be restored. Write the definition anew without such a line.`,
  },
  {
    pattern:
      /ESCAPE expression must be|bridgeport: a definition is not spelled|it is more than one statement/,
    code: 'dump_failed',
    message: (path) =>
      `${path} has a definition (of a table, view, index or trigger) that SQLite did not write itself: it does not begin as SQLite begins them, has a line that begins with a dot, or is more than one statement. Such a file can be made to harm whoever reads it. Look at SELECT type, name, sql FROM sqlite_master and write that definition anew.`,
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
    code: 'dump_locked',
    message: (path) => `Another program kept ${path} locked for 30 seconds. Try again when it has let go.`,
  },
  {
    pattern: /database disk image is malformed|database corruption/,
    code: 'dump_failed',
    message: (path) =>
      `${path} is damaged: SQLite can not read all of it. Check it with PRAGMA integrity_check and restore an earlier backup.`,
  },
];
