import { backToSql, type PartReader, type Reading } from './reading.ts';
import { DASH, NEWLINE, RETURN, SLASH, STAR } from './signs.ts';

/** Reads comments. `addOperator`: told of a dash or slash that began none. */
export function newCommentReaders(reading: Reading, addOperator: (sign: '-' | '/') => void) {
  let depth = 0;
  /** The last byte, where it may be half of a sign that opens or closes one. */
  let half = 0;

  /** What began a comment, or an operator. */
  const readMark: PartReader = (chunk, at) => {
    const isDash = reading.part === 'dash';
    if (chunk[at] !== (isDash ? DASH : STAR)) {
      addOperator(isDash ? '-' : '/');
      reading.part = 'sql';
      return at;
    }
    depth = 1;
    half = 0;
    reading.part = isDash ? 'line-comment' : 'block-comment';
    return at + 1;
  };

  const readLine: PartReader = (chunk, from) => {
    const end = chunk.indexOf(NEWLINE, from);
    const line = chunk.subarray(from, end < 0 ? chunk.length : end);
    const cut = line.indexOf(RETURN);
    if (cut < 0 && end < 0) return chunk.length;
    backToSql(reading, NEWLINE);
    return from + (cut < 0 ? line.length : cut) + 1;
  };

  /** They may hold others. */
  const readBlock: PartReader = (chunk, from) => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      const before = half;
      half = byte;
      if (before === SLASH && byte === STAR) depth += 1;
      else if (before === STAR && byte === SLASH) depth -= 1;
      else continue;
      half = 0;
      if (depth > 0) continue;
      backToSql(reading, NEWLINE);
      return at + 1;
    }
    return chunk.length;
  };

  return { readMark, readLine, readBlock };
}
