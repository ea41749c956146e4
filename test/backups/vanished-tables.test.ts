import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vanishedTables } from '../../src/backups/vanished-tables.ts';
import type { DumpContents } from '../../src/engines/contents.ts';

const holding = (...names: string[]): DumpContents => ({
  tables: names.map((name) => {
    const dot = name.indexOf('.');
    const schema = dot === -1 ? null : name.slice(0, dot);
    return { schema, name: name.slice(dot + 1), rows: 3, definition: null };
  }),
  largeObjects: 0,
  extensions: [],
  roles: [],
});

const ALL = ['public.a', 'public.b "x"', 'größe.<script>', 'größe.🐘', 'public.e'];

describe('the tables that vanished', () => {
  it.each([
    ['nothing, where all are there', ALL, [ALL, ALL, ALL], null],
    ['nothing, where more came', [...ALL, 'public.new'], [ALL, ALL, ALL], null],
    ['nothing, where two tell what there was', [], [ALL, ALL], null],
    ['nothing, where nobody tells', [], [], null],
    ['the one', ALL.slice(1), [ALL, ALL, ALL], { count: 1, firstNames: ['public.a'] }],
    ['the first three of all', [], [ALL, ALL, ALL], { count: 5, firstNames: ALL.slice(0, 3) }],
    ['none that only the last one had', ALL, [[...ALL, 'public.stage'], ALL, ALL], null],
    ['none that the last one had no more', ALL.slice(1), [ALL.slice(1), ALL, ALL], null],
    ['one of another schema', ['b.t'], [['a.t'], ['a.t'], ['a.t']], { count: 1, firstNames: ['a.t'] }],
    ['one without schemas', ['x'], [['x', 'y'], ['y'], ['y']], { count: 1, firstNames: ['y'] }],
  ] as const)('are %s', (_, found, before, expected) => {
    expect(
      vanishedTables(
        holding(...found),
        before.map((names) => holding(...names)),
      ),
    ).toEqual(expected);
  });

  it('have names that fit into a sentence', () => {
    const long = holding('x'.repeat(5000));
    const found = vanishedTables(holding(), [long, long, long]);
    expect(found?.firstNames).toEqual([`${'x'.repeat(80)}…`]);
  });

  it('are those of every one before that this one has not, however they are spelled', () => {
    const tables = fc.uniqueArray(fc.constantFrom('a', 'b', 'A', 's.a', 's.b', '🐘', '', '"a"'));
    fc.assert(
      fc.property(tables, fc.array(tables, { maxLength: 5 }), (found, before) => {
        const vanished = vanishedTables(
          holding(...found),
          before.map((names) => holding(...names)),
        );
        const everywhere = (before[0] ?? []).filter((name) => before.every((names) => names.includes(name)));
        const gone = before.length < 3 ? [] : everywhere.filter((name) => !found.includes(name));
        expect(vanished?.count ?? 0).toBe(gone.length);
        expect(vanished?.firstNames ?? []).toEqual(gone.slice(0, 3));
      }),
    );
  });
});
