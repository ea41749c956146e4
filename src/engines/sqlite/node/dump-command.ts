import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quote } from '../../../hosts/quote.ts';

/** The command that dumps SQLite files where this machine has no sqlite3, as its environment names it: beside the bundle, or its source. */
export function sqliteDumpCommand(): Readonly<Record<string, string>> {
  const program = ['./sqlite-dump.js', './dump.ts']
    .map((name) => fileURLToPath(new URL(name, import.meta.url)))
    .find((file) => existsSync(file));
  return program === undefined
    ? {}
    : { BRIDGEPORT_SQLITE_DUMP: `${quote(process.execPath)} ${quote(program)}` };
}
