import { describe, expect, it } from 'vitest';
import { compareCounts } from '../../src/restores/compare.ts';

const table = (name: string, rows: number | null) => ({ schema: 'public', name, rows });
const found = (name: string, rows: number, isOfExtension = false) => ({
  ...{ schema: 'public', name, rows, isOfExtension },
});

describe('what was restored, beside what the dump holds', () => {
  it('is the same where all its tables are there with their rows, whatever else is', () => {
    const expected = { tables: [table('a', 1), table('b <ü>', null), table('of_extension', 2)] };
    const compared = compareCounts(expected, [
      ...[found('a', 1), found('b <ü>', 7), found('of_extension', 9, true), found('more', 3)],
    ]);
    // Nobody has counted one of them, so that not all was compared.
    expect(compared).toMatchObject({ difference: null, isCompared: false });
    const counted = compareCounts({ tables: [table('a', 1)] }, [found('a', 1), found('more', 3)]);
    expect(counted).toMatchObject({ difference: null, isCompared: true });
    expect(compared.tables).toContainEqual({ schema: 'public', name: 'more', expected: null, rows: 3 });
    expect(compareCounts(null, [found('a', 1)])).toMatchObject({ difference: null, isCompared: false });
  });

  it('is another where a table or a row is missing, or one too many is there', () => {
    const expected = {
      tables: [table('a', 1), table('b', null), table('c', 0), table('d', 5), table('e', 6)],
    };
    const { difference } = compareCounts(expected, [found('a', 2), found('c', 1), found('d', 4)]);
    expect(difference).toBe(
      'What was restored is not what the dump holds: public.a has 2 rows instead of 1; public.b is missing; public.c has 1 rows instead of 0, and 2 more differ.',
    );
    expect(compareCounts(expected, []).difference).not.toBeNull();
  });
});
