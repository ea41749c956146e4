import { expect, it } from 'vitest';
import { chainStateOf } from '../../src/audit/chain-state.ts';

const now = new Date('2026-11-29T12:00:00.000Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const end = (seconds: number, number = 7) => ({
  ...({ name: 'head', number, hash: 'x', key_id: 'k', signature: 's' } as const),
  at: ago(seconds),
});
const waiting = (rows: number, seconds: number) => ({ rows, oldestAt: ago(seconds) });
const NOTHING = { rows: 0, oldestAt: null };
const REFUSED = 'The mark of its end was removed.';

it.each([
  ['nothing waits, and nothing was written for days', end(999_999), NOTHING, 'steady'],
  ['a row waits for its turn after a quiet day', end(86_400), waiting(1, 3), 'steady'],
  ['old rows of an upgrade wait, and the first end was just made', end(2, 0), waiting(10_000, 9e6), 'behind'],
  ['old rows wait, and the end moves', end(59, 5000), waiting(400, 9e6), 'behind'],
  ['a row waits, and the end stands still', end(61), waiting(1, 61), 'stopped'],
  ['nothing may follow the end, and nothing waits', REFUSED, NOTHING, 'stopped'],
  ['nothing may follow the end', REFUSED, waiting(3, 1), 'stopped'],
] as const)('where %s', (_, at, rows, pace) => {
  const state = chainStateOf({ end: at, waiting: rows, now });
  expect(state).toMatchObject({ pace, waiting: rows.rows, isMore: rows.rows === 10_000 });
  expect(state.reason).toBe(at === REFUSED ? REFUSED : null);
  expect(state.head?.number).toBe(typeof at === 'string' || at.number === 0 ? undefined : at.number);
});
