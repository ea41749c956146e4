import { randomInt } from 'node:crypto';

const USUAL = 20_261_130;

/**
 * What all dice of the tests begin with: the same in each run, so that one fails for what was changed. TEST_SEED has others rolled, by
 * a number or `random`; what fails says which.
 */
export const SEED = seedOf(process.env['TEST_SEED'] ?? '');

function seedOf(text: string): number {
  if (text === '') return USUAL;
  if (text === 'random') return randomInt(2 ** 31);
  const seed = Number(text);
  if (!Number.isSafeInteger(seed))
    throw new Error(`TEST_SEED is "${text}": it takes a whole number, or random`);
  return seed;
}
