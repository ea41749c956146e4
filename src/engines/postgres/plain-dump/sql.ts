import type { newDollarReaders } from './dollar-quoted.ts';
import type { newCommandReader } from './psql-commands.ts';
import type { newQuotedReaders } from './quoted.ts';
import { type PartReader, type Reading, refuse } from './reading.ts';
import {
  BACKSLASH,
  COLON,
  DASH,
  DOLLAR,
  DOUBLE_QUOTE,
  isNameByte,
  QUOTE,
  SEMICOLON,
  SLASH,
} from './signs.ts';
import type { Statement } from './statement.ts';
import { newWords } from './words.ts';

/** What may begin within SQL, and reads on from there. */
interface Begun {
  readonly quoted: ReturnType<typeof newQuotedReaders>;
  readonly dollars: ReturnType<typeof newDollarReaders>;
  readonly commands: ReturnType<typeof newCommandReader>;
}

/** Reads what is neither quoted nor a comment, a command or rows: up to what begins one of these. */
export function newSqlReader(
  reading: Reading,
  statement: Statement,
  { quoted, dollars, commands }: Begun,
): PartReader {
  const words = newWords(reading, statement.addWord);
  let colons = 0;

  /** A byte of no word. */
  const readMark = (chunk: Uint8Array, at: number, byte: number, isBehindColon: boolean): void => {
    switch (byte) {
      case QUOTE:
        quoted.begin('quoted', isBehindColon);
        statement.addOther('text');
        break;
      case DOUBLE_QUOTE:
        quoted.begin('named', isBehindColon);
        statement.addOther('name');
        break;
      case DASH:
        reading.part = 'dash';
        statement.addOther('comment');
        break;
      case SLASH:
        reading.part = 'slash';
        statement.addOther('comment');
        break;
      case DOLLAR:
        dollars.begin(at);
        statement.addOther('text');
        break;
      case BACKSLASH:
        if (!statement.isEmpty()) refuse(reading, 'a backslash within a statement', at);
        commands.begin(chunk, at);
        break;
      case SEMICOLON:
        if (statement.end(chunk, at)) reading.part = 'copy-head';
        break;
      default:
        statement.add(byte);
    }
  };

  return (chunk, from) => {
    for (let at = from; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      // Two make a cast.
      const isBehindColon = colons % 2 === 1;
      colons = byte === COLON ? colons + 1 : 0;
      if (isNameByte(byte)) {
        words.add(byte, isBehindColon);
        statement.add(byte);
        reading.previous = byte;
        continue;
      }
      words.end(byte, at);
      readMark(chunk, at, byte, isBehindColon);
      reading.previous = byte;
      if (reading.part !== 'sql') return at + 1;
    }
    return chunk.length;
  };
}
