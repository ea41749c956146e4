import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newInsertRun } from '../../../src/engines/end-proof/insert-run.ts';
import { newSqlScanner } from '../../../src/engines/end-proof/sql-scanner.ts';
import { newSqliteTextProof } from '../../../src/engines/end-proof/sqlite-text.ts';
import { newTally } from '../../../src/engines/end-proof/tally.ts';
import { readSql } from './plain-lexers.ts';

const QUOTES = ["''", '""', '``', '[]'];
const BEGINNING = 'INSERT INTO t VALUES(';

const chunksOf = (dump: string, bytes: number): readonly Uint8Array[] => {
  const whole = Buffer.from(dump, 'latin1');
  return Array.from({ length: Math.ceil(whole.length / bytes) }, (_, index) =>
    whole.subarray(index * bytes, (index + 1) * bytes),
  );
};

const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('1', '-5', '-0.5', 'NULL', "''", "'it''s'", "X'00ff'", "'--'") },
  {
    weight: 8,
    arbitrary: fc.constantFrom("');'", "');\n'", `'${BEGINNING}'`, `');\n${BEGINNING}1);\n'`, "';'", '"a;b"'),
  },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      '2*-1',
      '(3*2)',
      '";"',
      '`;`',
      '[;]',
      '4/2',
      '/* ); */6',
      '7 --);\n',
      ';',
      "'",
    ),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('x', ';', "''", ');\n', '-'), fc.nat(5000))
      .map(([of, times]) => `'${of.repeat(times)}'`),
  },
);
const row = fc
  .tuple(
    fc.oneof(
      { weight: 12, arbitrary: fc.constant('\n') },
      fc.constantFrom('', ' ', 'x', '\r\n', '\n\n', '-- x\n'),
    ),
    fc.oneof(
      { weight: 12, arbitrary: fc.constant(BEGINNING) },
      fc.constantFrom('INSERT INTO t2 VALUES(', 'INSERT INTO t VALUES (', 'INSERT INTO t(a) VALUES(', 'x'),
    ),
    fc.array(value, { maxLength: 9 }).map((values) => values.join(',')),
    fc.oneof({ weight: 12, arbitrary: fc.constant(');') }, fc.constantFrom(') ;', ')-;', ')/;', ';', "');")),
  )
  .map((parts) => parts.join(''));
const dump = fc.array(row, { maxLength: 40 }).map((rows) => `${BEGINNING}0);${rows.join('')}`);
const size = fc.oneof(
  fc.constant(1e6),
  fc.constant(1),
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 41, max: 5000 }),
);

/** What the scanner tells, and how many rows were counted untold. */
function scanned(text: string, bytes: number) {
  const table = newTally().table({ schema: null, name: 't' });
  const inserts = newInsertRun();
  inserts.follow(Buffer.from(BEGINNING), table);
  const told: string[] = [];
  const scanner = newSqlScanner({
    quotes: QUOTES,
    isPostgres: false,
    inserts,
    onStatement: ({ bytes, start, end }) =>
      told.push(Buffer.from(bytes.subarray(start, end)).toString('latin1')),
  });
  for (const chunk of chunksOf(text, bytes)) scanner.observe(chunk);
  return { scanner, told, untold: table.rows ?? 0 };
}

const isRow = (statement: string) => statement.startsWith(BEGINNING);

describe('a run of INSERTs that begin alike', () => {
  it('has as many rows as a plain lexer finds, whatever they hold and however they are cut', () => {
    fc.assert(
      fc.property(dump, size, (text, bytes) => {
        const { scanner, told, untold } = scanned(text, bytes);
        const { statements, longest, isBetween } = readSql(text, QUOTES, false);
        const texts = statements.map((statement) => statement.text);
        expect(told.filter((statement) => !isRow(statement))).toEqual(texts.filter((one) => !isRow(one)));
        expect(untold + told.filter(isRow).length).toBe(texts.filter(isRow).length);
        expect(scanner.longestStatement()).toBe(longest);
        expect(scanner.isBetweenStatements()).toBe(isBetween);
      }),
      { numRuns: 400 },
    );
  });

  it('is told by its first row alone, and by each that lies in two chunks', () => {
    const row = `${BEGINNING}'it''s',-5);\n`;
    const text = `${row.repeat(1000)}COMMIT;\n`;
    expect(scanned(text, text.length)).toMatchObject({ told: [row.slice(0, -2), 'COMMIT'], untold: 999 });
    expect(scanned(text, 200 * row.length - 9)).toMatchObject({ told: { length: 2 + 5 }, untold: 994 });
  });
});

describe('the rows of a dump of SQLite', () => {
  const counted = (lines: readonly string[], bytes: number) => {
    const proof = newSqliteTextProof();
    const text = `PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n${lines.map((line) => `${line}\n`).join('')}COMMIT;\n`;
    for (const chunk of chunksOf(text, bytes)) proof.observe(chunk);
    proof.finish();
    return Object.fromEntries((proof.contents?.()?.tables ?? []).map(({ name, rows }) => [name, rows]));
  };
  const thrice = (line: string) => [line, line, line];

  it.each<[string, readonly string[], Readonly<Record<string, number>>]>([
    [
      'are not those of a trigger, also where they begin as the ones before',
      [
        ...thrice('INSERT INTO t VALUES(1);'),
        'CREATE TRIGGER x AFTER INSERT ON t BEGIN',
        ...thrice('INSERT INTO t VALUES(2);'),
        'END;',
        ...thrice('INSERT INTO t VALUES(3);'),
      ],
      { t: 6 },
    ],
    [
      'are of the table whose name they have, and not of one that begins so',
      ['t', 't2', 't', '"t"', '[t 2]', '`t``2`', "'t2'"].flatMap((name) =>
        thrice(`INSERT INTO ${name} VALUES(1);`),
      ),
      { t: 9, t2: 6, 't 2': 3, 't`2': 3 },
    ],
    [
      'are found behind columns, whatever these are called',
      [
        ...thrice('INSERT INTO "a"" VALUES("(rowid,"b VALUES(""; (",c) VALUES(1,\'x\',NULL);'),
        ...thrice('INSERT INTO a ("b", `c`, [d"]) VALUES (1,2,3);'),
      ],
      { 'a" VALUES(': 3, a: 3 },
    ],
    [
      'are none in a comment that goes on',
      [
        'INSERT INTO a--b VALUES(1);',
        ' VALUES(1);',
        'INSERT INTO a--b VALUES(2);',
        'INSERT INTO a--b VALUES(3);',
        ' VALUES(4);',
        'INSERT INTO a/*b VALUES(1);',
        '*/ VALUES(1);',
        'INSERT INTO a/*b VALUES(2);',
        'INSERT INTO a/*b VALUES(3);',
        '*/ VALUES(4);',
      ],
      { 'a--b': 2, 'a/*b': 2 },
    ],
    [
      'are counted in spellings that no tool has',
      [
        'INSERT INTO t VALUES(1);INSERT INTO t VALUES(1) ;  INSERT INTO t VALUES(1)',
        ';',
        'INSERT INTO t DEFAULT VALUES;',
        'INSERT INTO t(a)VALUES(1);',
        "INSERT INTO t/* ; */VALUES('--');-- INSERT INTO t VALUES(1);",
        'INSERT INTO t VALUES(1); /* INSERT INTO t VALUES(1);',
        'INSERT INTO t VALUES(1); */ INSERT INTO t SELECT 1;',
      ],
      { t: 7, 't/*': 1 },
    ],
  ])('%s', (_what, lines, rows) => {
    for (const bytes of [1, 7, 64, 10_000]) expect(counted(lines, bytes)).toEqual(rows);
  });

  it('are those of names in any bytes', () => {
    const lines = ['"\xff\xfe"', '"\xc3\xbc"', '"\xed\xa0\x80;"'].flatMap((name) =>
      thrice(`INSERT INTO ${name} VALUES(');');`),
    );
    for (const bytes of [1, 64, 10_000]) {
      expect(counted(lines, bytes)).toEqual({ '\ufffd\ufffd': 3, ü: 3, '\ufffd\ufffd\ufffd;': 3 });
    }
  });

  it('are counted whatever their length', () => {
    const lengths = [0, 1, 7, 8, 2030, 2040, 2047, 2048, 2049, 5000, 300_000];
    const lines = lengths.flatMap((length) => thrice(`INSERT INTO t VALUES('${'x'.repeat(length)}',-1);`));
    for (const bytes of [997, 65_536, 4e6]) expect(counted(lines, bytes)).toEqual({ t: 33 });
  });
});
