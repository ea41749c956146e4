import { AppError } from '../../../errors.ts';
import { BLANK, NEWLINE } from './signs.ts';

/** What the next byte is part of. `dash` and `slash`: one has come, which begins a comment or is an operator. */
export type Part =
  | ('sql' | 'dash' | 'slash' | 'line-comment' | 'block-comment' | 'quoted' | 'named')
  | ('dollar' | 'dollar-quoted' | 'command' | 'copy-head' | 'copy-line' | 'copy-rest');

/** Reads on from there, within a part that may have begun in an earlier chunk: gives where another reader goes on, or the chunk's length. */
export type PartReader = (chunk: Uint8Array, from: number) => number;

/** How far a plain dump is read: what the readers of its parts share. */
export interface Reading {
  part: Part;
  /** Of the chunk's first byte in the dump. */
  position: number;
  /** The last byte of SQL; of what is quoted or a comment, the one that it counts for. */
  previous: number;
  /** What is sent in the place of the chunk that is read. */
  sent: Uint8Array;
}

export function newReading(): Reading {
  return { part: 'sql', position: 0, previous: NEWLINE, sent: new Uint8Array(0) };
}

/** Goes on with SQL behind what is quoted or a comment, which counts for that byte. */
export function backToSql(reading: Reading, as: number): void {
  reading.previous = as;
  reading.part = 'sql';
}

/** Takes bytes out of what is sent. In a copy, made with the first: others look at the chunk, too. */
export function blank(reading: Reading, chunk: Uint8Array, from: number, end: number): void {
  if (reading.sent === chunk) reading.sent = new Uint8Array(chunk);
  reading.sent.fill(BLANK, from, end);
}

const LEAVING = 'which would not stay within the one database and the one transaction of a restore';
const RUNNING = 'which psql could run as a command of its own, on the host';
const AS_READ = 'which psql reads in one way or another';

/** Throws `dump_unsafe` for what stands at that byte of the chunk, and which pg_dump does not write. */
export function refuse(
  { position }: Reading,
  what: string,
  at: number,
  why = RUNNING,
  whose = 'pg_dump writes no such thing, so',
): never {
  throw new AppError(
    'dump_unsafe',
    `The dump holds ${what} near byte ${position + at}, ${why}. Nothing of it was kept. ${whose} look at where the file comes from; if you trust it, restore it by hand.`,
  );
}

export function refuseStatement(reading: Reading, what: string, at: number): never {
  return refuse(reading, what, at, LEAVING);
}

/** What is refused though it may be a good dump: nobody can tell how it is read. */
export function refuseUnclear(reading: Reading, what: string, at: number): never {
  return refuse(
    reading,
    what,
    at,
    AS_READ,
    'pg_dump may write it, and then nothing is wrong with the backup:',
  );
}
