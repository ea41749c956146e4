import type { EndProof } from '../engine.ts';
import { incomplete } from './incomplete.ts';

const WHAT = 'copy of the SQLite file';
/** The header (https://sqlite.org/fileformat2.html) and the kind of the first page after it. */
const HEAD_BYTES = 101;
const MAGIC = 'SQLite format 3\0';
/** The root of the schema: a table's leaf, or what leads to some. */
const TABLE_PAGES = [0x0d, 0x05];

/**
 * A database file says in its header how long it is: page size times page count. The count holds only where its writer
 * also noted for which change it was counted, as every SQLite since 3.7 does; the one that made the copy is one.
 */
export function newSqliteFileProof(): EndProof {
  const head = new Uint8Array(HEAD_BYTES);
  let bytes = 0;
  return {
    observe(chunk) {
      if (bytes < HEAD_BYTES) head.set(chunk.subarray(0, HEAD_BYTES - bytes), bytes);
      bytes += chunk.byteLength;
    },
    finish() {
      const why = flawOf(head, bytes);
      if (why !== undefined) throw incomplete(WHAT, why, bytes);
    },
  };
}

/** What tells that these are not the bytes of a whole database file; undefined when nothing does. */
function flawOf(head: Uint8Array, bytes: number): string | undefined {
  const at = new DataView(head.buffer);
  if (bytes < HEAD_BYTES || new TextDecoder('latin1').decode(head.subarray(0, 16)) !== MAGIC) {
    return 'it does not begin as one (a login script of the host may print text)';
  }
  const pageBytes = at.getUint16(16) === 1 ? 65_536 : at.getUint16(16);
  const isKnown =
    pageBytes >= 512 &&
    Number.isInteger(Math.log2(pageBytes)) &&
    [18, 19].every((place) => [1, 2].includes(at.getUint8(place))) &&
    [at.getUint8(21), at.getUint8(22), at.getUint8(23)].join() === '64,32,32' &&
    at.getUint32(44) <= 4 &&
    at.getUint32(56) <= 3 &&
    TABLE_PAGES.includes(at.getUint8(100));
  if (!isKnown) return 'its header is damaged';
  const pages = at.getUint32(28);
  if (pages === 0 || at.getUint32(92) !== at.getUint32(24)) return 'its header does not say how long it is';
  if (bytes !== pageBytes * pages) {
    return `its header speaks of ${pages} pages of ${pageBytes} bytes, which are ${pageBytes * pages}`;
  }
  return undefined;
}
