import { expect, it } from 'vitest';
import { wireRestore } from '../../../src/http/api/restores.ts';
import { restoreRow } from '../../support/restore-row.ts';

it('tells clients what nobody could see, also of restores that were looked at before that was noted', () => {
  const kept = [
    { name: 'Name', ok: true, says: 'As of before.' },
    { name: 'Room', ok: true, isUnknown: true, says: 'It can’t be seen.' },
    { name: 'Rights', ok: false, says: 'There are none.' },
  ];
  const { checks } = wireRestore(restoreRow({ id: 'x', checks: JSON.stringify(kept) }));
  expect(checks).toEqual(kept.map((check) => ({ isUnknown: false, ...check })));
  expect(wireRestore(restoreRow({ id: 'x', checks: null })).checks).toBeNull();
});
