import { newShiftTable, type ShiftTable, STEP_BITS, STOP } from './shift-walk.ts';

export const BACKSLASH = 0x5c;
export const DOLLAR = 0x24;
export const DASH = 0x2d;
export const APOSTROPHE = 0x27;
export const QUOTATION = 0x22;
export const SLASH = 0x2f;

/** What an ordinary byte between quotes means. */
export const PLAIN = 0;
export const SPACE = 1;
export const QUOTE = 2;
export const SEMICOLON = 3;
export const MARK = 4;
export const BRACKET = 5;

/** What most bytes of a statement go through: outside of all, in a string, in a name, behind a dash. */
export const OUTSIDE = 0;
export const SINGLE = STEP_BITS;
export const DOUBLE = 2 * STEP_BITS;
export const DASHED = 3 * STEP_BITS;

export interface SqlQuoting {
  /** Pairs of an opening and a closing character, of which the closing one is doubled inside. */
  readonly quotes: readonly string[];
  /** `$tag$ … $tag$`, psql's backslash commands, and `COPY … FROM stdin;` with its data. */
  readonly isPostgres: boolean;
}

/** What each byte means in a dialect. */
export interface SqlTables {
  readonly kinds: Uint8Array;
  /** What ends what an opening character began. */
  readonly closings: Uint8Array;
  /** For what is left of a statement whose beginning was read. */
  readonly table: ShiftTable;
}

/** Made once for each dialect: a table is a quarter of a MiB. */
const known = new Map<string, SqlTables>();

export function tablesOf(dialect: SqlQuoting): SqlTables {
  const name = JSON.stringify([dialect.quotes, dialect.isPostgres]);
  const tables = known.get(name) ?? newTables(dialect);
  known.set(name, tables);
  return tables;
}

function newTables(dialect: SqlQuoting): SqlTables {
  const kinds = new Uint8Array(256);
  const closings = new Uint8Array(256);
  for (const space of ' \t\r\n\f\v') kinds[space.charCodeAt(0)] = SPACE;
  kinds[';'.charCodeAt(0)] = SEMICOLON;
  kinds[DASH] = MARK;
  kinds[SLASH] = MARK;
  if (dialect.isPostgres) {
    kinds[DOLLAR] = MARK;
    kinds[BACKSLASH] = MARK;
    for (const bracket of '()') kinds[bracket.charCodeAt(0)] = BRACKET;
  }
  for (const pair of dialect.quotes) {
    kinds[pair.charCodeAt(0)] = QUOTE;
    closings[pair.charCodeAt(0)] = pair.charCodeAt(1);
  }
  return { kinds, closings, table: newStatementTable(kinds) };
}

function newStatementTable(kinds: Uint8Array): ShiftTable {
  return newShiftTable((state, byte) => {
    if (state === SINGLE) return byte === APOSTROPHE ? OUTSIDE : SINGLE;
    if (state === DOUBLE) return byte === QUOTATION ? OUTSIDE : DOUBLE;
    if (byte === APOSTROPHE) return SINGLE;
    if (byte === QUOTATION) return DOUBLE;
    if (byte === DASH) return state === OUTSIDE ? DASHED : STOP;
    return (kinds[byte] ?? 0) <= SPACE ? OUTSIDE : STOP;
  });
}
