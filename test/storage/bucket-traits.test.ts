import { expect, it } from 'vitest';
import { withWhatWasTried } from '../../src/storage/bucket-traits.ts';

const NOTHING = { versioning: 'unknown', lock: 'unknown' } as const;
const LOCK = { mode: 'COMPLIANCE', retention: 'until 2027-01-01T00:00:00.000Z' };

it('what a bucket does not say of itself is as a deep test has met it; what it says counts', () => {
  expect(withWhatWasTried(NOTHING, { versioning: 'kept', objectLock: LOCK })).toEqual({
    versioning: 'on',
    lock: LOCK,
  });
  expect(withWhatWasTried(NOTHING, { versioning: 'off', objectLock: null })).toEqual({
    versioning: 'off',
    lock: 'unknown',
  });
  const said = { versioning: 'suspended', lock: 'none' } as const;
  expect(withWhatWasTried(said, { versioning: 'kept', objectLock: LOCK })).toEqual(said);
});
