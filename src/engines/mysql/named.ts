import { quote } from '../../hosts/quote.ts';
import { sha256Hex } from '../end-proof/sha256.ts';
import type { RestoreTarget, TableName } from '../restore.ts';
import { requirePlace } from './place.ts';
import { bytesOf } from './sql-bytes.ts';

/**
 * Where `choose_tools` has chosen: sets `named` where a database of that name is the one that was finished, and leaves it empty where there is
 * none, or where the mark of a restore is in it, whichever that is of. Nothing else tells a database of MySQL, so it is looked at: it has
 * the very tables that were counted when it was found whole, on the server where it was made. Else the script ends: a person has to look.
 */
export function lookAtNamed(name: string, { madeIn, foundWhole, isThatOne }: RestoreTarget): string {
  const differs = foundWhole ? `[ "$3 $4" = '${summaryOf(foundWhole)}' ]` : ':';
  const required = isThatOne
    ? ':'
    : `${differs} || { echo 'bridgeport: found with other tables' >&2; exit 79; }
  ${requirePlace(madeIn, 'found on another server')}`;
  return `named=
found=$(ask ${quote(summaryQuery(name))}) || exit
set -- $found
if [ "$1" != 0 ] && [ "$2" = 0 ]; then
  ${required}
  named=1
fi`;
}

/** So many hexadecimal digits of each name’s hash count; the server has them as one number. */
const DIGITS = 15;

/** Gives what is in it, how many marks of restores, how many tables, and the sum of those (without carry). A list of names could be longer than an argument may be. */
function summaryQuery(name: string): string {
  const isTable = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')";
  return `SELECT CONCAT_WS(' ', COUNT(*), COALESCE(SUM(LEFT(TABLE_NAME, 19) = 'bridgeport_restore_'), 0), COALESCE(SUM(${isTable}), 0),
  BIT_XOR(IF(${isTable}, CAST(CONV(LEFT(SHA2(TABLE_NAME, 256), ${DIGITS}), 16, 10) AS UNSIGNED), 0)))
FROM information_schema.TABLES WHERE BINARY TABLE_SCHEMA = ${bytesOf(name)}`;
}

function summaryOf(tables: readonly TableName[]): string {
  const hashes = tables.map(({ name }) => sha256Hex(new TextEncoder().encode(name)).slice(0, DIGITS));
  return `${tables.length} ${hashes.reduce((sum, hash) => sum ^ BigInt(`0x${hash}`), 0n)}`;
}
