import { expect, it } from 'vitest';
import { quote, quoteForAnyShell } from '../../src/hosts/quote.ts';

it('puts a value between single quotes', () => {
  expect(quote('a b $c')).toBe("'a b $c'");
});

it('takes a single quote out of the quotes', () => {
  expect(quote("it's")).toBe("'it'\\''s'");
});

it('keeps an empty value a word', () => {
  expect(quote('')).toBe("''");
});

it('puts backslashes and single quotes between double quotes for a login shell of any kind', () => {
  expect(quoteForAnyShell("it's a\\b")).toBe(`'it'"'"'s a'"\\\\"'b'`);
  expect(() => quoteForAnyShell('a\0b')).toThrow(/NUL/);
});

it('refuses NUL', () => {
  expect(() => quote('a\0b')).toThrow(/NUL/);
});
