import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkChain } from '../../src/audit/chain-check.ts';
import { type ChainedRow, chainRows, chainText, type LooseRow, NO_HASH } from '../../src/audit/chain-row.ts';
import { sha256 } from '../../src/audit/node/sha256.ts';

const text = fc.oneof(
  fc.constantFrom('update', 'Größe + "x"', "<script>alert('1')</script>", '🗝 ', '', '\n', '{"number":2}'),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const maybe = fc.option(text);
const row: fc.Arbitrary<LooseRow> = fc.record({
  id: fc.uuid(),
  action: text,
  resource_type: text,
  resource_id: maybe,
  resource_name: maybe,
  details: maybe,
  success: fc.constantFrom(0 as const, 1 as const),
  error: maybe,
  created_at: fc
    .date({ min: new Date('2026-01-01'), max: new Date('2026-12-31'), noInvalidDate: true })
    .map((at) => at.toISOString()),
  user_id: maybe,
  environment_id: maybe,
  address: maybe,
  api_token_id: maybe,
  token_prefix: maybe,
  service_account_id: maybe,
  request_id: maybe,
});
/** Rows of a chain that may have lost its beginning to retention. */
const chain = fc.tuple(fc.array(row, { minLength: 1, maxLength: 12 }), fc.nat(20)).map(([loose, before]) => {
  const start = before === 0 ? null : { number: before, hash: sha256(`of row ${before}`) };
  const rows = chainRows(start ?? { number: 0, hash: NO_HASH }, loose, sha256);
  const last = rows.at(-1);
  return { start, rows, head: last === undefined ? null : { number: last.number, hash: last.hash } };
});
type Chain = typeof chain extends fc.Arbitrary<infer Value> ? Value : never;

function check({ start, head }: Chain, rows: readonly ChainedRow[]) {
  const checked = checkChain({ start, head }, sha256);
  for (const each of [...rows].sort((a, b) => a.number - b.number)) checked.add(each);
  return checked.end();
}

const COLUMNS: readonly (keyof LooseRow)[] = [
  ...(['id', 'action', 'resource_type', 'resource_id', 'resource_name', 'details', 'error'] as const),
  ...(['created_at', 'user_id', 'environment_id', 'address', 'api_token_id', 'token_prefix'] as const),
  ...(['service_account_id', 'request_id'] as const),
];

describe('a chain', () => {
  it('has no faults as it was made, wherever it begins', () => {
    fc.assert(
      fc.property(chain, (made) => {
        expect(check(made, made.rows)).toMatchObject({ faults: [], rows: made.rows.length });
      }),
    );
  });

  it('tells of any edit of any column, also with the row’s hash made to fit', () => {
    fc.assert(
      fc.property(
        chain,
        fc.nat(),
        fc.constantFrom(...COLUMNS),
        maybe,
        fc.boolean(),
        (made, at, column, value, fits) => {
          const index = at % made.rows.length;
          const before = made.rows[index];
          if (before === undefined) throw new Error('a chain has rows');
          fc.pre((before[column] ?? null) !== value);
          const edited = { ...before, [column]: value };
          const previous = made.rows[index - 1]?.hash ?? made.start?.hash ?? NO_HASH;
          const hash = fits ? sha256(chainText(previous, edited.number, edited)) : edited.hash;
          const rows = made.rows.with(index, { ...edited, hash });
          const { faults } = check(made, rows);
          expect(faults).toHaveLength(1);
          // The row itself, or the one that no longer follows it.
          expect(faults[0]?.kind).toBe('changed');
          expect((faults[0]?.number ?? 0) - edited.number).toBe(fits && index < made.rows.length - 1 ? 1 : 0);
        },
      ),
    );
  });

  it('tells of success made failure, and the other way round', () => {
    fc.assert(
      fc.property(chain, fc.nat(), (made, at) => {
        const rows = made.rows.map((each, index) =>
          index === at % made.rows.length
            ? { ...each, success: each.success === 1 ? (0 as const) : (1 as const) }
            : each,
        );
        expect(check(made, rows).faultCount).toBe(1);
      }),
    );
  });

  it('tells of any rows that are gone, at its ends too', () => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.integer({ min: 1, max: 12 }), (made, at, count) => {
        const index = at % made.rows.length;
        const rows = made.rows.toSpliced(index, count);
        const { faults } = check(made, rows);
        expect(faults[0]).toMatchObject({ kind: 'missing', number: made.rows[index]?.number });
      }),
    );
  });

  it('tells of two rows that changed places, with their numbers or without', () => {
    fc.assert(
      fc.property(chain, fc.nat(), fc.nat(), fc.boolean(), (made, first, second, withHashes) => {
        const [a, b] = [made.rows[first % made.rows.length], made.rows[second % made.rows.length]];
        if (a === undefined || b === undefined) throw new Error('a chain has rows');
        fc.pre(a.number !== b.number);
        const placed = (from: ChainedRow, at: ChainedRow) => ({
          ...from,
          number: at.number,
          hash: withHashes ? from.hash : at.hash,
        });
        const rows = made.rows.map((each) => {
          if (each === a) return placed(b, a);
          return each === b ? placed(a, b) : each;
        });
        expect(check(made, rows).faultCount).toBeGreaterThan(0);
      }),
    );
  });

  it('tells of a row that was put in: in the place of another, before the beginning, behind the end', () => {
    fc.assert(
      fc.property(chain, row, fc.integer({ min: 0, max: 40 }), (made, added, number) => {
        const hash = sha256(chainText(made.head?.hash ?? NO_HASH, number, added));
        const taken = made.rows.some((each) => each.number === number);
        const rows = made.rows.filter((each) => each.number !== number);
        const { faultCount } = check(made, [...rows, { ...added, number, hash }]);
        expect([taken, faultCount > 0]).toEqual([taken, true]);
      }),
    );
  });

  it('counts those whose time is before that of one ahead of them, which is no fault', () => {
    const at = (second: number): LooseRow => ({ ...LOOSE, created_at: `2026-11-29T12:00:0${second}.000Z` });
    const rows = chainRows({ number: 0, hash: NO_HASH }, [at(1), at(3), at(2), at(3), at(4)], sha256);
    const checked = checkChain({ start: null, head: rows.at(-1) ?? null }, sha256);
    for (const each of rows) checked.add(each);
    expect(checked.end()).toEqual({ rows: 5, faults: [], faultCount: 0, lateRows: 1 });
  });

  it('lists a hundred faults at most, and counts all', () => {
    const rows = chainRows({ number: 0, hash: NO_HASH }, Array(300).fill(LOOSE), sha256);
    const checked = checkChain({ start: null, head: rows.at(-1) ?? null }, sha256);
    for (const each of rows) checked.add({ ...each, action: 'delete' });
    const { faults, faultCount } = checked.end();
    expect([faults.length, faultCount]).toEqual([100, 300]);
  });
});

describe('what is hashed', () => {
  it('is the hash before, and the row as docs/operations.md writes it', () => {
    expect(chainText(NO_HASH, 7, { ...LOOSE, details: '{"name":"é"}', resource_id: 'c1' })).toBe(
      `${NO_HASH}\n{"action":"update","createdAt":"2026-11-29T12:00:00.000Z","details":"{\\"name\\":\\"é\\"}",` +
        '"id":"c0","number":7,"resourceId":"c1","resourceType":"user","success":true}',
    );
  });
});

const LOOSE: LooseRow = {
  ...{ id: 'c0', action: 'update', resource_type: 'user', resource_id: null, resource_name: null },
  ...{ details: null, success: 1, error: null, created_at: '2026-11-29T12:00:00.000Z', user_id: null },
  ...{ environment_id: null, address: null, api_token_id: null, token_prefix: null },
  ...{ service_account_id: null, request_id: null },
};
