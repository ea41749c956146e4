import { quote } from '../../hosts/quote.ts';

/**
 * Statements that tell a server from another one behind the same name, as far as every user may ask: by what it calls itself for
 * good (MySQL), else by the machine, the port and the folder of its files. `readPlace` reads their answer.
 */
export const TELL_PLACE = `SHOW GLOBAL VARIABLES LIKE 'server_uuid';
SELECT CONCAT('bridgeport:place=', SHA2(CONCAT_WS('|', @@hostname, @@port, @@datadir), 256))`;

/** Null where nobody can tell. */
export function readPlace(stdout: string): string | null {
  const [, uuid] = /^server_uuid\t([0-9a-f-]{36})$/m.exec(stdout) ?? [];
  return uuid ?? /^bridgeport:place=([0-9a-f]{64})$/m.exec(stdout)?.[1] ?? null;
}

/** Where `choose_tools` has chosen: ends the script, with these words, unless this is known to be the server on which it was made. */
export function requirePlace(madeIn: string | null | undefined, words = 'made on another server'): string {
  if (!/^(?:[0-9a-f-]{36}|[0-9a-f]{64})$/.test(madeIn ?? '')) return ':';
  return `place=$(ask ${quote(TELL_PLACE)}) || exit
case $place in *${madeIn}*) ;; *) echo 'bridgeport: ${words}' >&2; exit 79 ;; esac`;
}
