import { type ShiftWalk, STATE_BITS, STOP, stopsIn, viewOf } from './shift-walk.ts';
import { OUTSIDE } from './sql-tables.ts';
import { addRows, type CountedTable } from './tally.ts';

/**
 * Counts INSERTs that begin alike and have a line each, without telling them one by one: most of a dump of SQLite, whose rows may be so
 * short that what is done for each costs more than its bytes.
 */
export interface InsertRun {
  /** From here on, what begins with these bytes is a row of that table. They end outside of quotes and comments. */
  follow(beginning: Uint8Array, table: CountedTable): void;
  /** None is one until the next is followed. */
  stop(): void;
  /** The table whose row this statement is, where it begins so. */
  find(bytes: Uint8Array, start: number, end: number): CountedTable | undefined;
  /**
   * Goes on from behind the semicolon of a statement; gives the position of the first byte that is not gone over. It lies behind
   * a semicolon, too, or in a statement, at the state of the walk.
   */
  read(walk: ShiftWalk, bytes: DataView, from: number): number;
  /** Where that statement begins; -1 where the last reading ended in none. */
  readonly openAt: number;
  /** Bytes of the longest statement that was counted so far, without its semicolon. */
  readonly longest: number;
}

const NEWLINE = 0x0a;
const SEMICOLON = 0x3b;
const CLOSING = 0x29;
const GROUP_BYTES = 8;
/** A statement that is longer is left to those who know what to do with long strings. */
const PIECE_BYTES = 2048;

export function newInsertRun(): InsertRun {
  let beginning = beginningOf(new Uint8Array(4));
  let followed: CountedTable | undefined;
  let openAt = -1;
  let longest = 0;

  return {
    follow(bytes, table) {
      beginning = beginningOf(bytes);
      followed = table;
    },
    stop() {
      followed = undefined;
    },
    find(bytes, start, end) {
      if (followed === undefined || end - start < beginning.length) return undefined;
      return standsAt(beginning, viewOf(bytes), start) ? followed : undefined;
    },
    read(walk, bytes, from) {
      openAt = -1;
      if (followed === undefined) return from;
      const begin = beginning;
      const bytesBefore = 1 + begin.length;
      // A view tells its length slowly, and others could change what is not a variable of the loop.
      const until = bytes.byteLength;
      let rows = 0;
      let most = longest;
      let at = from;
      while (at + bytesBefore <= until && bytes.getUint8(at) === NEWLINE && standsAt(begin, bytes, at + 1)) {
        const end = endOfRow(
          walk,
          bytes,
          at + bytesBefore,
          until < at + PIECE_BYTES ? until : at + PIECE_BYTES,
        );
        if (end < 0) {
          openAt = at + 1;
          at = ~end;
          break;
        }
        if (end - at - 1 > most) most = end - at - 1;
        rows += 1;
        at = end + 1;
      }
      longest = most;
      addRows(followed, rows);
      return at;
    },
    get openAt() {
      return openAt;
    },
    get longest() {
      return longest;
    },
  };
}

/** Of at least four bytes, as words of memory, of which the last one may overlap the one before it. */
interface Beginning {
  readonly words: Int32Array;
  readonly lastWord: number;
  readonly length: number;
}

function beginningOf(bytes: Uint8Array): Beginning {
  const view = viewOf(bytes);
  return {
    words: Int32Array.from({ length: bytes.length >>> 2 }, (_, index) => view.getInt32(4 * index, true)),
    lastWord: view.getInt32(bytes.length - 4, true),
    length: bytes.length,
  };
}

/** Whether these bytes stand there; as many have to be there. */
function standsAt({ words, lastWord, length }: Beginning, bytes: DataView, from: number): boolean {
  if (bytes.getInt32(from + length - 4, true) !== lastWord) return false;
  for (let index = 0; index < words.length; index += 1) {
    if (bytes.getInt32(from + 4 * index, true) !== words[index]) return false;
  }
  return true;
}

/**
 * From behind the beginning of a row to the semicolon behind its closing bracket. Where none comes so, or not soon enough, the complement
 * of the position as far as it was gone over, at the state of the walk.
 */
function endOfRow(walk: ShiftWalk, bytes: DataView, from: number, until: number): number {
  const pairs = walk.table.ofPair;
  let state = OUTSIDE;
  let at = from;
  for (; at + GROUP_BYTES <= until; at += GROUP_BYTES) {
    const low = bytes.getInt32(at, true);
    const high = bytes.getInt32(at + 4, true);
    const first = (pairs[low & 0xffff] ?? 0) >>> state;
    const second = (pairs[low >>> 16] ?? 0) >>> first;
    const third = (pairs[high & 0xffff] ?? 0) >>> second;
    const fourth = (pairs[high >>> 16] ?? 0) >>> third;
    if ((fourth & STATE_BITS) === STOP) {
      // Where in the group it stops is found without a branch: that is another place in each row.
      const pair = at + 6 - 2 * (stopsIn(first) + stopsIn(second) + stopsIn(third));
      const end = pair + ((255 + (bytes.getUint8(pair) ^ SEMICOLON)) >>> 8);
      // Behind a bracket nothing but a semicolon stops the walk, and none in a string.
      if (bytes.getUint8(end) === SEMICOLON && bytes.getUint8(end - 1) === CLOSING) return end;
      break;
    }
    state = fourth;
  }
  walk.state = state & STATE_BITS;
  return ~at;
}
