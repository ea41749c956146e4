import { expect, it } from 'vitest';
import { isNamed, withoutTurns } from '../src/turned-text.ts';

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

it('a name is confirmed as it is and as the page shows it, and in no other way', () => {
  const name = `a${TURN}gnp.exe "ü" 🐘`;
  const shown = withoutTurns(name);
  for (const typed of [name, shown]) expect(isNamed(typed, name)).toBe(true);
  for (const typed of [undefined, '', 'agnp.exe "ü" 🐘', `${name} `, `${shown}\uFFFD`]) {
    expect(isNamed(typed, name)).toBe(false);
  }
  expect(isNamed('plain', 'plain')).toBe(true);
});
