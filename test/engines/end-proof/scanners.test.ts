import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newMysqlLines } from '../../../src/engines/end-proof/mysql-lines.ts';
import { newSqlScanner } from '../../../src/engines/end-proof/sql-scanner.ts';
import { readMysql, readSql } from './plain-lexers.ts';

/** The scanners look at eight bytes at once; what they tell has to be what a lexer tells that looks at one. */

const LONG = ["'", "''", '\\', '\\\\', "\\'", '"', 'a', '(', ')', '-', '\0', 'ab;'];
const HURTS = [
  ...["'", "''", '"', '""', '`', '``', '[', ']', '\\', "\\'", '\\\\', '\\"', '(', ')', '((', '),(', ',', ';'],
  ...[';\n', '\n', '\r\n', '\r', '\0', ' ', '\t', 'x-', 'x-- y', '-- ;\n', "-- it's\n", 'x/', '/*', '*/'],
  ...[
    '/* ; */',
    '/*!50003 ',
    '/*M!',
    ' */',
    '-- ',
    '/*!40101 SET a=1 */;\n',
    '/**** ERROR: x ****/',
    '#',
    '\xff',
    '\x80',
    'ü',
    ',-5',
    ';COPY t (',
  ],
  ...[
    '$',
    '$$',
    '$a$',
    '$1',
    'a$',
    '$a$ ; $$ ; $a$',
    '$a$ ; $$a$',
    '$1$ ; $1$',
    'COP;',
    '(;(1);',
    ');',
    '\\.',
    '\\.\n',
    '\n\\.\n',
    '\\restrict x\n',
    '1\t\\N\n',
  ],
  ...[
    "X'5c27'",
    "b'01'",
    '0xAB',
    "_binary '\\0'",
    "_utf8mb4'é'",
    "E'\\''",
    "'-'",
    "'--'",
    "';'",
    "'('",
    '"a;b"',
  ],
  ...['INSERT INTO ', '\nINSERT INTO t VALUES(', '\nINSERT INTO `t` VALUES ', '\nINSERT INTO `t` VALUES\n'],
  ...[
    '\nCREATE TABLE ',
    '\nCREATE TABLE `t` (\n',
    'COPY t (a) FROM stdin;\n',
    "\n/*!50003 SET sql_mode  = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES' */ ;\n",
    '\n/*!50003 SET sql_mode = @saved */ ;;\n',
    '\nDELIMITER ;;\n',
    '\nDELIMITER ;\n',
  ],
  ...["1,'x','it''s',NULL);\n", "(1,'it\\'s'),(2,NULL,0x00)", '2026-01-01 10:10:07', 'END;\n', 'NULL'],
  ...['`a;b(`', "`it's`", "`;'`('", '"it\'s; ("'],
];
const piece = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...HURTS) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...LONG), fc.nat(4000)).map(([of, times]) => of.repeat(times)),
  },
);
/** A character a byte. */
const text = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));
/** Mostly none of a statement that is followed by itself. */
const CODE = [
  ...["'", '"', '`', '\\', 'a', 'x ', '\n', ';', '; ;', ';;', '-', '--', '-- ', " -- it's\n", '#', '/', '*'],
  ...['/*', '*/', '/*!', '/*M!', '/*M', '/*!50003 ', '\nDELIMITER ;;\n', '\nDELIMITER ;\n', '\nDELIMITER'],
  ...['\nINSERT INTO `t` VALUES (1);\n', '\nCREATE TABLE `t` (\n`a`);\n', "'it\\'s'", "'\\'", '"\\"'],
  ...['ANSI_QUOTES', 'NO_BACKSLASH_ESCAPES'].map((mode) => `\n/*!50003 SET sql_mode = '${mode}' */ ;\n`),
  '\n/*!50003 SET sql_mode = @s */ ;\n',
];
const code = fc.array(fc.constantFrom(...CODE), { maxLength: 30 }).map((pieces) => pieces.join(''));
const size = fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 5000 }));

function chunksOf(of: string, bytes: number): readonly Uint8Array[] {
  const whole = Buffer.from(of, 'latin1');
  return Array.from({ length: Math.ceil(whole.length / bytes) }, (_, index) =>
    whole.subarray(index * bytes, (index + 1) * bytes),
  );
}

const textOf = (bytes: Uint8Array, start: number, end: number) =>
  Buffer.from(bytes.subarray(start, end)).toString('latin1');

describe.each([
  ['PostgreSQL', ["''", '""'], true],
  ['SQLite', ["''", '""', '``', '[]'], false],
] as const)('the scanner of %s', (_name, quotes, isPostgres) => {
  it('tells each statement as a plain lexer does, whatever it holds and however it is cut', () => {
    fc.assert(
      fc.property(text, size, (dump, bytes) => {
        const told: unknown[] = [];
        const scanner = newSqlScanner({
          quotes,
          isPostgres,
          onStatement: ({ bytes, start, end, startsLine, groups, copied }) =>
            told.push({ text: textOf(bytes, start, end), startsLine, groups, copied }),
        });
        for (const chunk of chunksOf(dump, bytes)) scanner.observe(chunk);
        const { statements, longest, isBetween } = readSql(dump, quotes, isPostgres);
        expect(told).toEqual(statements);
        expect(scanner.longestStatement()).toBe(longest);
        expect(scanner.isBetweenStatements()).toBe(isBetween);
      }),
      { numRuns: 250, examples: [["-1,'x','it''s',NULL);\n", 1]] },
    );
  });
});

describe('the scanner of MySQL', () => {
  it.each([
    ['whatever it holds', text],
    ['in quotes and comments of anything else', code],
  ])('tells each statement as a plain lexer does, %s and however it is cut', (_what, dumps) => {
    fc.assert(
      fc.property(dumps, size, (dump, bytes) => {
        const told: { text: string; isInsert: boolean; brackets: number; rowLines: number }[] = [];
        const lines = newMysqlLines(({ bytes, start, end, isInsert, brackets, rowLines }) =>
          told.push({ text: textOf(bytes, start, end), isInsert, brackets, rowLines }),
        );
        for (const chunk of chunksOf(dump, bytes)) lines.observe(chunk);
        const { statements, longest, inBody, inStatement } = readMysql(dump);
        expect(told.length).toBe(statements.length);
        for (const [index, { text, ...counted }] of statements.entries()) {
          const { text: kept = '', ...found } = told[index] ?? {};
          expect(found).toEqual(counted);
          // Of an INSERT that came in pieces the beginning is kept; its semicolon may be, which nobody reads.
          if (counted.isInsert && kept.length < text.length) expect(kept.length).toBeGreaterThanOrEqual(2048);
          expect(counted.isInsert ? `${text};`.slice(0, kept.length) : text).toBe(kept);
        }
        expect(lines.longest()).toBe(longest);
        expect(lines.isInBody()).toBe(inBody);
        expect(lines.isInStatement()).toBe(inStatement);
      }),
      { numRuns: 250 },
    );
  });
});
