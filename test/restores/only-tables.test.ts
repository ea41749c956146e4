import { expect, it } from 'vitest';
import type { DumpedTable } from '../../src/engines/contents.ts';
import { chooseTables, ofChosen, tablesNamed } from '../../src/restores/only-tables.ts';

const table = (schema: string, name: string): DumpedTable => ({ schema, name, rows: 1, definition: null });
const contents = {
  tables: [
    table('a', 'x'),
    table('a', 'y z'),
    table('b', 'x'),
    table('a.b', 'c'),
    table('a', 'b.c'),
    table('ü', '<b>'),
  ],
  ...{ largeObjects: 3, extensions: [], roles: [] },
};
const dump = {
  ...{
    format: 'custom',
    contents,
    serverVersion: null,
    clientVersion: null,
    expectedBytes: null,
    needs: null,
  },
};
const names = (...of: readonly (readonly [string, string])[]) =>
  of.map(([schema, name]) => ({ schema, name }));

it('chooses each table once, and none that would bring another with it', () => {
  expect(chooseTables('postgres', dump, names(['ü', '<b>'], ['a', 'y z'], ['ü', '<b>']))).toEqual(
    names(['ü', '<b>'], ['a', 'y z']),
  );
  expect(() => chooseTables('postgres', dump, names(['a', 'y z'], ['b', 'x']))).toThrow('a.x');
  expect(chooseTables('postgres', dump, names(['a', 'y z'], ['b', 'x'], ['a', 'x']))).toHaveLength(3);
});

it.each([
  ['another format', 'postgres', { ...dump, format: 'plain' }, 'custom archives'],
  ['another engine', 'mysql', dump, 'custom archives'],
  ['unknown contents', 'postgres', { ...dump, contents: null }, 'not known'],
  [
    'a table that is not in it',
    'postgres',
    { ...dump, contents: { ...contents, tables: [] } },
    'no table a.x',
  ],
])('refuses %s', (_, engine, known, words) => {
  expect(() => chooseTables(engine, known, names(['a', 'x']))).toThrow(words);
});

it('reads lines as the dump spells its tables, and guesses none', () => {
  expect(tablesNamed(contents, '\r\n  \n')).toBeUndefined();
  expect(tablesNamed(contents, ' a.y z \r\nü.<b>\n')).toEqual(names(['a', 'y z'], ['ü', '<b>']));
  expect(() => tablesNamed(contents, 'a.b.c')).toThrow('two tables');
  expect(() => tablesNamed(contents, 'x')).toThrow('schema.name');
  expect(() => tablesNamed(null, 'a.x')).toThrow('not known');
});

it('takes 200 different lines at most, and looks each up once', () => {
  const many = Array.from({ length: 20_000 }, (_, index) => table('s ü', `t${index}`));
  const lines = many.map(({ name }) => `s ü.${name}`);
  const known = { ...contents, tables: many };
  expect(() => tablesNamed(known, lines.slice(0, 201).join('\n'))).toThrow('200 at most');
  expect(() => tablesNamed(known, lines.join('\n'))).toThrow('20000 tables are named');
  const chosen = [...lines.slice(0, 200), ...lines.slice(0, 200)].join('\r\n');
  expect(tablesNamed(known, chosen)).toHaveLength(200);
});

it('refuses a partitioned table without its partitions, and names them', () => {
  const whole = { schema: 'a', name: 'p <b>' };
  const part = (name: string) => ({ ...table('ü', name), partitionOf: whole });
  const tables = [{ ...table('a', 'p <b>'), isPartitioned: true }, part('p 1'), part('p 2'), table('a', 'x')];
  const known = { ...dump, contents: { ...contents, tables } };
  expect(() => chooseTables('postgres', known, names(['a', 'p <b>'], ['ü', 'p 1']))).toThrow(
    'Choose these, too: ü.p 2;',
  );
  expect(() => chooseTables('postgres', known, names(['a', 'p <b>']))).toThrow('ü.p 1, ü.p 2');
  expect(chooseTables('postgres', known, names(['ü', 'p 1'], ['a', 'p <b>'], ['ü', 'p 2']))).toHaveLength(3);
  expect(chooseTables('postgres', known, names(['ü', 'p 1']))).toHaveLength(1);
});

it('refuses what would bring a view or a sequence with it', () => {
  const others = [{ schema: 'b', name: 'y z' }];
  const known = { ...dump, contents: { ...contents, others } };
  expect(() => chooseTables('postgres', known, names(['a', 'y z'], ['b', 'x'], ['a', 'x']))).toThrow(
    'restore b.y z with them, since its schema and its name are both chosen. Restore in two goes.',
  );
});

it('expects of the chosen tables alone that they are there', () => {
  expect(ofChosen(dump, names(['b', 'x'])).contents?.tables).toEqual([table('b', 'x')]);
  expect(ofChosen(dump, null)).toBe(dump);
  const known = { ...dump, expectedBytes: 5, needs: { extensions: ['ü'], roles: ['nobody'] } };
  expect(ofChosen(known, names(['b', 'x']))).toMatchObject({
    expectedBytes: null,
    needs: { extensions: ['ü'], roles: [] },
  });
  expect(ofChosen({ ...known, contents: null }, names(['b', 'x'])).expectedBytes).toBeNull();
});

it('tells which of the chosen tables are partitioned, or may be', () => {
  const tables = [
    { ...table('a', 'x'), rows: 0 },
    { ...table('b', 'x'), rows: 0, isPartitioned: true },
  ];
  const chosen = names(['a', 'x'], ['b', 'x']);
  const of = (more: object) => ofChosen({ ...dump, contents: { ...contents, tables, ...more } }, chosen);
  expect(of({ others: [] })).toMatchObject({ partitioned: names(['b', 'x']), maybePartitioned: [] });
  expect(of({})).toMatchObject({ maybePartitioned: chosen });
});
