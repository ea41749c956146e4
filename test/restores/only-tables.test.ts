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

it('expects of the chosen tables alone that they are there', () => {
  expect(ofChosen(dump, names(['b', 'x'])).contents?.tables).toEqual([table('b', 'x')]);
  expect(ofChosen(dump, null)).toBe(dump);
});
