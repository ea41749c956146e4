import type { AppError } from '../../errors.ts';
import { explainBy, type KnownFailure } from '../known-failures.ts';
import type { CommandFailure } from '../target.ts';
import { IN_PLACE_FAILURES } from './in-place/failures.ts';

/** What a failed restore into a new file says, as an error for an admin; undefined when it says nothing known. */
export function explainSqliteRestore(path: string, failure: CommandFailure): AppError | undefined {
  return explainBy([...IN_PLACE_FAILURES, ...FAILURES], JSON.stringify(path), failure);
}

const FAILURES: readonly KnownFailure[] = [
  {
    pattern: /bridgeport: sqlite3 not found/,
    code: 'dump_tool_missing',
    message: () => 'sqlite3 was not found on the host. Install the Debian package sqlite3 there.',
  },
  {
    pattern: /bridgeport: sqlite3 too old/,
    code: 'dump_client_too_old',
    obstacle: 'version',
    message: () =>
      'The sqlite3 of the host knows no way to read a dump without running what it asks for (-safe). Install 3.37 or newer there.',
  },
  {
    pattern: /bridgeport: taken: ([^\n]*)/,
    code: 'conflict',
    message: (path, name) =>
      `${path} can't be made: there is ${name} already. It was not touched. Take another name.`,
  },
  {
    pattern: /bridgeport: no folder: ([^\n]*)/,
    code: 'dump_refused',
    field: 'mayBeGone',
    message: (path, folder) =>
      `The folder ${folder} of ${path} is not there on the host, or the SSH user may not look into it: see whether its disk is mounted. If it is gone for good with all that was in it, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: made elsewhere: ([^\n]*)/,
    code: 'conflict',
    field: 'mayBeGone',
    message: (path, folder) =>
      `Nobody can tell whether what was made for ${path} is gone: its folder ${folder} is not there, but it was made on another disk, or in another folder, than is there now. See whether its disk is mounted. If it is gone for good, say so when you clean up (in the API: mayBeGone).`,
  },
  {
    pattern: /bridgeport: found whole: ([^\n]*)/,
    code: 'conflict',
    field: 'isThatOne',
    message: (path) =>
      `Nobody can tell whether the file ${path} is what was restored, or somebody else's: the host does not tell when a file was made. Nothing was removed: look at it. If it is what was restored, say so when you clean up (in the API: isThatOne); if nothing of this restore is there, say that (mayBeGone).`,
  },
  {
    pattern: /bridgeport: (no (?:folder|file)[^\n]*)/,
    code: 'dump_refused',
    message: (path, detail) =>
      `The new file ${path} can't be made on the host: ${detail}. Take a folder that is there and that the SSH user may write to.`,
  },
  {
    pattern: /bridgeport: gone/,
    code: 'dump_failed',
    message: (path) =>
      `What was restored for ${path} is gone from its folder, or is not this user's any more: somebody else removed it meanwhile. Restore it again.`,
  },
  {
    pattern: /bridgeport: not whole: ([^\n]*)/,
    code: 'dump_failed',
    message: (path, detail) =>
      `The file restored for ${path} did not pass SQLite's own check (integrity_check): ${detail}. It did not get its name.`,
  },
  {
    pattern: /bridgeport: not this user's: ([^\n]*)/,
    code: 'dump_refused',
    message: (_path, folder) =>
      `${folder} on the host is not this user's, so it was not removed. Look at it there.`,
  },
  {
    pattern: /(No space left on device|database or disk is full|disk quota exceeded)/i,
    code: 'dump_failed',
    message: (path, detail) =>
      `The disk of the host ran full while ${path} was restored (${detail}). Free space there.`,
  },
  {
    // All that dash says of a write that failed, most likely for want of room.
    pattern: /echo: I\/O error/,
    code: 'dump_failed',
    message: (path) =>
      `Nothing could be written beside ${path} on the host: its disk ran full, or fails. Free space there, or see the messages of its kernel.`,
  },
  {
    pattern: /disk I\/O error/,
    code: 'dump_failed',
    message: (path) =>
      `The disk of the host failed to read or write while ${path} was restored (disk I/O error). See the messages of its kernel.`,
  },
  {
    pattern: /bridgeport: (the dump holds text that only sqlite3 can restore)/,
    code: 'dump_tool_missing',
    message: (path) =>
      `The dump for ${path} holds text that is no UTF-8, which needs the program sqlite3. Install the Debian package sqlite3 on the host.`,
  },
  {
    pattern: /cannot (?:run|use|open|invoke) .* in safe mode|unsafe use of|bridgeport: the dump holds/,
    code: 'dump_unsafe',
    message: (path) =>
      `The dump for ${path} asks for what is no business of a database, such as to run a command or to read another file, and was refused.`,
  },
  {
    pattern: /no such (collation sequence|function|tokenizer|module): ([^\n]*)/,
    code: 'dump_refused',
    message: (path, kind) =>
      `The dump for ${path} needs a ${kind === 'collation sequence' ? 'collation' : kind} of its application, which sqlite3 has not. Restore a backup of the format binary, which is the file itself.`,
  },
  {
    pattern: /(?:Error|error)[^\n]*: ([^\n]*)/,
    code: 'dump_failed',
    message: (path, detail) => `SQLite refused a statement of the dump for ${path}: ${detail}`,
  },
];
