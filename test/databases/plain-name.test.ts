import fc from 'fast-check';
import { expect, it } from 'vitest';
import { numbered, plainName } from '../../src/databases/plain-name.ts';
import { nameField } from '../../src/fields.ts';

it('of whatever was found is a name that a database may have, with a number and without', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 100 }),
      (found, isFile, number) => {
        const name = numbered(plainName(found, isFile), number);
        expect(nameField.safeParse(name).error).toBeUndefined();
        expect(name.endsWith(` (${number})`)).toBe(
          number > 1 || plainName(found, isFile).endsWith(` (${number})`),
        );
      },
    ),
  );
});

it.each([
  ['shop', false, 'shop'],
  [`sh'op "1" +ü🙂 <script>`, false, `sh'op "1" +ü🙂 <script>`],
  ['a\nb\tc', false, 'a_b_c'],
  ['a/b', false, 'a/b'],
  ['/srv/app/my data.db', true, 'my data.db'],
  ['/', true, '_'],
  [' ', false, '_'],
  [`${'x'.repeat(99)}🙂`, false, 'x'.repeat(99)],
])('of %j (a file: %j) is %j', (found, isFile, expected) => {
  expect(plainName(found, isFile)).toBe(expected);
});
