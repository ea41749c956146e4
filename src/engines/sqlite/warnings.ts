import { missingPart } from './failures.ts';
import type { SqliteOptions } from './options.ts';

/** What an admin should know of the file before relying on its backups, from what the look printed; nothing of a brief one. */
export function sqliteWarnings(format: SqliteOptions['backupFormat'], stdout: string): readonly string[] {
  if (!/^bridgeport:format=/m.test(stdout)) return [];
  const isWal = /^bridgeport:format=w/m.test(stdout);
  const refused = /^bridgeport:refused=(.*)$/m.exec(stdout)?.[1]?.trim();
  const isUnknown = /^bridgeport:unknown$/m.test(stdout);
  if (format === 'binary') {
    return [...(isWal ? [] : [BLOCKS_WHILE_COPIED]), ...(refused === '' ? [PLAIN_WOULD_DO] : [])];
  }
  return [
    ...(isWal ? [] : [BLOCKS_WRITERS]),
    ...(isUnknown ? [CAN_NOT_TRY] : []),
    ...(refused ? [plainFails(refused)] : []),
  ];
}

const BLOCKS_WRITERS =
  'The file is not in WAL mode: for as long as its dump takes, uploading included, programs that write to it wait or get "database is locked". PRAGMA journal_mode=WAL, set once, lets them go on.';

const BLOCKS_WHILE_COPIED =
  'The file is not in WAL mode: while it is copied on its server, before the upload, programs that write to it wait or get "database is locked". PRAGMA journal_mode=WAL, set once, lets them go on.';

const PLAIN_WOULD_DO =
  'This file needs nothing of its application to be restored, so that the format plain would do as well. It takes no space on the server.';

const CAN_NOT_TRY =
  'The sqlite3 of the host is older than 3.37, so that nobody can try there safely whether a dump of this file can be restored. Install a newer one, or choose the format binary where the application has collations or functions of its own.';

function plainFails(refused: string): string {
  return `As SQL text this file could not be restored: ${missingPart(refused) ?? `sqlite3 does not take its definitions back (${refused})`}. Its backups will fail. Choose the format binary, which stores the database file itself.`;
}
