import { expect, it } from 'vitest';
import { quote } from '../../src/hosts/quote.ts';

it('puts a value between single quotes', () => {
  expect(quote('a b $c')).toBe("'a b $c'");
});

it('takes a single quote out of the quotes', () => {
  expect(quote("it's")).toBe("'it'\\''s'");
});

it('keeps an empty value a word', () => {
  expect(quote('')).toBe("''");
});

it('refuses NUL', () => {
  expect(() => quote('a\0b')).toThrow(/NUL/);
});
