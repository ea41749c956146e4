import { expect, test } from 'vitest';
import { listedKey } from '../../../src/storage/s3/keys.ts';

test('a listed key is decoded where the list is, and never throws', () => {
  expect(listedKey('a+b%2Fc%C3%A9', true)).toBe('a b/cé');
  expect(listedKey('a+b%2Fc', false)).toBe('a+b%2Fc');
  expect(listedKey('%E0%A4%A', true)).toBe('%E0%A4%A');
});
