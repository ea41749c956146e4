import { expect, test } from 'vitest';
import { markerAfter, readings } from '../../../src/object-stores/s3/listed-key.ts';

test('a key in a list is decoded where the storage says that it encoded it', () => {
  expect(readings('a+b%2Fc%C3%A9', true)).toEqual(['a b/cé']);
  expect(readings('%E0%A4%A', true)).toEqual(['%E0%A4%A']);
});

test('a key in a list may be what it decodes to where the storage says nothing', () => {
  expect(readings('plain/ü 😀.sql', false)).toEqual(['plain/ü 😀.sql']);
  expect(readings('a%20b', false)).toEqual(['a%20b', 'a b']);
  expect(readings('a+b%2Bc', false)).toEqual(['a+b%2Bc', 'a b+c', 'a+b+c']);
  expect(readings('100%/x', false)).toEqual(['100%/x']);
});

test('a marker goes back as it is where it names a key of its page, else as the keys are read', () => {
  expect(markerAfter('a%20b', true, ['a', 'a%20b'])).toBe('a%20b');
  expect(markerAfter('a%20b', true, ['a', 'a b'])).toBe('a b');
  expect(markerAfter('a%20b', false, ['a'])).toBe('a%20b');
});
