import { backToSql, type PartReader, type Reading, refuse } from './reading.ts';
import { DOLLAR, isDigit, isNameByte, QUOTE } from './signs.ts';

/** More than any name has. A tag is kept whole, so that it must end. */
const MOST_TAG_BYTES = 64;

/** Reads texts between dollar signs, with a tag or without. */
export function newDollarReaders(reading: Reading) {
  let tag: number[] = [];
  /** How much of the tag has come anew. */
  let matched = 0;

  /** Up to the end of the tag; a dollar alone is no quotation, such as that of a parameter. */
  const readTag: PartReader = (chunk, at) => {
    const byte = chunk[at] ?? 0;
    if (byte === DOLLAR) {
      tag.push(byte);
      matched = 0;
      reading.part = 'dollar-quoted';
      return at + 1;
    }
    if (isNameByte(byte) && !(tag.length === 1 && isDigit(byte))) {
      if (tag.length > MOST_TAG_BYTES) {
        refuse(reading, 'a dollar quote whose tag is longer than a name', at);
      }
      tag.push(byte);
      return at + 1;
    }
    if (tag.length > 1) refuse(reading, 'a $ within a name', at);
    backToSql(reading, DOLLAR);
    return at;
  };

  const readText: PartReader = (chunk, from) => {
    for (let at = from; at < chunk.length; at += 1) {
      if (matched === 0) {
        const next = chunk.indexOf(DOLLAR, at);
        if (next < 0) return chunk.length;
        at = next;
      }
      const byte = chunk[at] ?? 0;
      if (byte === tag[matched]) matched += 1;
      else matched = byte === DOLLAR ? 1 : 0;
      if (matched < tag.length) continue;
      backToSql(reading, QUOTE);
      return at + 1;
    }
    return chunk.length;
  };

  return {
    begin(at: number): void {
      if (isNameByte(reading.previous) || reading.previous === DOLLAR) {
        refuse(reading, 'a $ within a name', at);
      }
      tag = [DOLLAR];
      reading.part = 'dollar';
    },
    readTag,
    readText,
  };
}
