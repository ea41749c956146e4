import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newInsertRun } from '../../../src/engines/end-proof/insert-run.ts';
import { newSqlScanner } from '../../../src/engines/end-proof/sql-scanner.ts';
import { countSqlite } from '../../../src/engines/end-proof/sqlite-statements.ts';
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

const PLAIN = ['1', '-5', '-0.5', 'NULL', "''", "'it''s'", "X'00ff'", "'--'"];
const HURTS = [
  "');'",
  "');\n'",
  `'${BEGINNING}'`,
  `');\n${BEGINNING}1);\n'`,
  "';'",
  '"a;b"',
  '";"',
  '`;`',
  '[;]',
];
const ODD = [
  '2*-1',
  '(3*2)',
  '(3)/2',
  '(3)[;]',
  '(3)`;`',
  '(3)--\n',
  '4/2',
  '/* ); */6',
  '7 --);\n',
  '1--1;\n',
];
/** Each of the last three is another word of memory that differs. */
const OTHERS = [
  ...['INSERT INTO t2 VALUES(', 'INSERT INTO t VALUES (', 'INSERT INTO t(a) VALUES(', 'x'],
  ...['iNSERT INTO t VALUES(', 'INSErT INTO t VALUES(', 'INSERT INTO t VAlUES('],
];
const ENDS = [') ;', ')-;', ')/;', ');', '),;'];
const value = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(...PLAIN) },
  { weight: 8, arbitrary: fc.constantFrom(...HURTS) },
  { weight: 6, arbitrary: fc.constantFrom(...ODD) },
  { weight: 1, arbitrary: fc.constantFrom(';', "'") },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('x', ';', "''", ');\n', '-'), fc.nat(5000))
      .map(([of, times]) => `'${of.repeat(times)}'`),
  },
);
const often = (text: string) => ({ weight: 12, arbitrary: fc.constant(text) });
const row = fc
  .tuple(
    fc.oneof(often('\n'), fc.constantFrom('', ' ', 'x', '\r\n', '\n\n', '-- x\n')),
    fc.oneof(often(BEGINNING), fc.constantFrom(...OTHERS)),
    fc.array(value, { maxLength: 9 }).map((values) => values.join(',')),
    fc.oneof(often(');'), fc.constantFrom(...ENDS)),
  )
  .map((parts) => parts.join(''));
const dump = fc.array(row, { maxLength: 40 }).map((rows) => `${BEGINNING}0);${rows.join('')}`);
const size = fc.oneof(
  { weight: 4, arbitrary: fc.constant(1e6) },
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

function expectAsALexerTells(text: string, bytes: number): void {
  const { scanner, told, untold } = scanned(text, bytes);
  const { statements, longest, isBetween } = readSql(text, QUOTES, false);
  const texts = statements.map((statement) => statement.text);
  expect(told.filter((statement) => !isRow(statement))).toEqual(texts.filter((one) => !isRow(one)));
  expect(untold + told.filter(isRow).length).toBe(texts.filter(isRow).length);
  expect(scanner.longestStatement()).toBe(longest);
  expect(scanner.isBetweenStatements()).toBe(isBetween);
}

describe('a run of INSERTs that begin alike', () => {
  it('has as many rows as a plain lexer finds, whatever they hold and however they are cut', () => {
    fc.assert(fc.property(dump, size, expectAsALexerTells), { numRuns: 250 });
  });

  it('has them with each odd value, beginning and end in each place of what is looked at at once', () => {
    for (let place = 0; place < 8; place += 1) {
      const fill = '1'.repeat(place);
      const rows = [
        ...[...HURTS, ...ODD].map((odd) => `${BEGINNING}${fill},${odd},1);`),
        ...OTHERS.map((other) => `${other}${fill},1);`),
        ...ENDS.map((end) => `${BEGINNING}${fill}${end}`),
      ];
      const text = rows.map((odd) => `${BEGINNING}1);\n${odd}\n`).join('');
      for (const bytes of [text.length, 100]) expectAsALexerTells(`${text}COMMIT;\n`, bytes);
    }
  });

  it('is told by its first row alone, and by each that lies in two chunks', () => {
    // Each of eight ends in another place of what is looked at at once.
    const rows = Array.from(
      { length: 1000 },
      (_, index) => `${BEGINNING}'it''s${'x'.repeat(index % 8)}',-5)`,
    );
    const text = `${rows.join(';\n')};\nCOMMIT;\n`;
    expect(scanned(text, text.length)).toMatchObject({ told: [rows[0], 'COMMIT'], untold: 999 });
    const bytes = Math.ceil(text.length / 6);
    expect(scanned(text, bytes)).toMatchObject({ told: { length: 2 + 5 }, untold: 994 });
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
        ...thrice('INSERT INTO t(a)VALUES(1);'),
        ...thrice('INSERT INTO t VALUES(1);'),
        'CREATE TRIGGER x AFTER INSERT ON t BEGIN',
        ...thrice('INSERT INTO t VALUES(2);'),
        ...thrice('INSERT INTO t(a)VALUES(2);'),
        'END;',
        ...thrice('INSERT INTO t VALUES(3);'),
      ],
      { t: 9 },
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
        ...thrice('INSERT INTO t(a)VALUES(1);'),
        "INSERT INTO t/* ; */VALUES('--');-- INSERT INTO t VALUES(1);",
        'INSERT INTO t VALUES(1); /* INSERT INTO t VALUES(1);',
        'INSERT INTO t VALUES(1); */ INSERT INTO t SELECT 1;',
      ],
      { t: 9, 't/*': 1 },
    ],
  ])('%s', (_what, lines, rows) => {
    for (const bytes of [1, 7, 64, 10_000]) expect(counted(lines, bytes)).toEqual(rows);
  });

  it.each([
    'INSERT INTO "t" VALUES(',
    'INSERT INTO t(rowid,"a ""b",c) VALUES(',
    'INSERT INTO t_ü(größe) VALUES(',
    'INSERT INTO [t] (`a`, [b]) VALUES (',
    `INSERT INTO "t"(${Array.from({ length: 1000 }, (_, index) => `"column ${index}"`).join(',')}) VALUES(`,
  ])('are known by all that stands before their values: %s', (beginning) => {
    const { onStatement, inserts } = countSqlite(newTally());
    const bytes = Buffer.from(`${beginning}1,'x')`);
    const whole = { isWhole: true, startsLine: true, groups: 0, copied: null };
    onStatement({ bytes, start: 0, end: bytes.length, ...whole });
    const next = Buffer.from(`${beginning}2)`);
    expect(inserts.find(next, 0, next.length)).toMatchObject({ rows: 1 });
    expect(inserts.find(next, 0, next.length - 3)).toBeUndefined();
  });

  it('are those of names in any bytes', () => {
    const lines = ['"\xff\xfe"', '"\xc3\xbc"', '"\xed\xa0\x80;"'].flatMap((name) =>
      thrice(`INSERT INTO ${name} VALUES(');');`),
    );
    lines.push(...thrice(`INSERT INTO a("${'\xc3\xbc'.repeat(40)}") VALUES(');');`));
    for (const bytes of [1, 64, 10_000]) {
      expect(counted(lines, bytes)).toEqual({ '\ufffd\ufffd': 3, ü: 3, '\ufffd\ufffd\ufffd;': 3, a: 3 });
    }
  });

  it('are counted whatever their length', () => {
    const lengths = [0, 1, 7, 8, 2030, 2040, 2047, 2048, 2049, 5000, 300_000];
    const lines = lengths.flatMap((length) => thrice(`INSERT INTO t VALUES('${'x'.repeat(length)}',-1);`));
    for (const bytes of [997, 65_536, 4e6]) expect(counted(lines, bytes)).toEqual({ t: 33 });
  });
});
