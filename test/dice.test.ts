import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SEED } from './support/seed.ts';

it('the dice of properties are the same in each run, unless others are asked for', () => {
  const roll = () => fc.sample(fc.integer(), 5);
  expect(roll()).toEqual(roll());
  expect(fc.readConfigureGlobal().seed).toBe(SEED);
  if (process.env['TEST_SEED'] === undefined)
    expect(roll()).toEqual(fc.sample(fc.integer(), { numRuns: 5, seed: 20_261_130 }));
});
