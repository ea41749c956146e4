import { expect, it } from 'vitest';
import { withoutTurns } from '../../../src/http/ui/kit/direction.ts';

const TURN = '\u202E';

it('a name that turns what follows it is shown with a mark, and given back by its fields as it was typed', () => {
  const field = `<input value="a${TURN}b"><textarea>c${TURN}d</textarea>`;
  const command = `<pre><code>restore 'a${TURN}b'</code></pre>`;
  expect(withoutTurns(`<p title="${TURN}">a${TURN}gnp.exe \u2067</p>${field}${command}`)).toBe(
    `<p title="${TURN}">a\uFFFDgnp.exe \uFFFD</p>${field}${command}`,
  );
});

it('languages that are written from the right are left as they are', () => {
  const text = '<p>שלום عربي \u200F123\u200E</p>';
  expect(withoutTurns(text)).toBe(text);
});
