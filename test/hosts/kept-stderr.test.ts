import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inBrief, keepStderr } from '../../src/hosts/node/kept-stderr.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** What is kept of a text that comes in pieces of that many bytes. */
function keptOf(text: string, secrets: readonly string[] = [], pieceBytes = 1 << 16): string {
  const kept = keepStderr(secrets);
  const all = bytes(text);
  for (let at = 0; at < all.length; at += pieceBytes) kept.observe(all.subarray(at, at + pieceBytes));
  return kept.text();
}

const lines = (count: number) => Array.from({ length: count }, (_, line) => `line ${line}\n`).join('');

describe('of stderr', () => {
  it('a short text is kept as it is', () => {
    expect(keptOf('warning: ü🙂\nno end of line')).toBe('warning: ü🙂\nno end of line');
  });

  it('the beginning and the end are kept, and a mark between them', () => {
    const text = keptOf(lines(20_000));
    expect(text.length).toBeLessThanOrEqual(8192);
    expect(text).toMatch(/^line 0\nline 1\n[\s\S]*\n\[…\]\n[\s\S]*\nline 19998\nline 19999\n$/);
  });

  it('the first line of an error is kept, wherever it stands', () => {
    const text = keptOf(`${lines(3000)}pg_dump: error: permission denied for table "ü 7"\n${lines(9000)}`);
    expect(text.length).toBeLessThanOrEqual(8192);
    expect(text).toContain('\n[…]\npg_dump: error: permission denied for table "ü 7"\nline 0\n');
    expect(text).toMatch(/^line 0\n[\s\S]*\nline 8999\n$/);
  });

  it('the names of thousands of tables in one line leave room for what is said before and after', () => {
    const names = Array.from({ length: 9000 }, (_, number) => `public.some_long_name_${number}`).join(', ');
    const text = keptOf(
      `${lines(2000)}pg_dump: error: query failed: ERROR:  permission denied for table x\npg_dump: detail: Query was: LOCK TABLE ${names} IN ACCESS SHARE MODE\n`,
      [],
      1000,
    );
    expect(text).toContain(
      '\npg_dump: error: query failed: ERROR:  permission denied for table x\npg_dump: detail: Query was: LOCK TABLE public.some_long_name_0,',
    );
    expect(text).toContain(' […] ');
    expect(text.endsWith('public.some_long_name_8999 IN ACCESS SHARE MODE\n')).toBe(true);
  });

  it('a line without an end is cut in its middle, and more may come', () => {
    const kept = keepStderr([]);
    kept.observe(bytes(`begin${'x'.repeat(100_000)}`));
    expect(kept.text()).toMatch(/^beginx+ \[…\] x+$/);
    kept.observe(bytes('end'));
    expect(kept.text()).toMatch(/^beginx+ \[…\] x+end$/);
    expect(kept.text()).toHaveLength(1000);
  });

  it('is the same whatever pieces it comes in', () => {
    const text = fc.array(fc.constantFrom('a', 'é', '🙂', '\n', 'error: ', 'x'.repeat(900), lines(200)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 3000 }), (parts, pieceBytes) => {
        const whole = parts.join('');
        expect(keptOf(whole, ['a🙂'], pieceBytes)).toBe(keptOf(whole, ['a🙂']));
      }),
      { numRuns: 30 },
    );
  });

  it.each(['', 'x'])('no half of a character is kept, wherever a cut falls (%j before them)', (before) => {
    for (const line of ['🙂'.repeat(9000), `${'🙂'.repeat(99)}\n`.repeat(200)]) {
      const text = keptOf(`${before}${line}`);
      expect(text).toContain('[…]');
      expect(text.isWellFormed()).toBe(true);
    }
  });
});

describe('a secret is blanked out', () => {
  it('as it is, in base64 and in its URL form', () => {
    const secret = 'pass/word+1';
    const forms = [secret, Buffer.from(secret).toString('base64'), encodeURIComponent(secret)];
    expect(keptOf(forms.join(' '), [secret])).toBe('*** *** ***');
  });

  it.each([1, 2, 3, 5, 100])('when it comes in pieces of %i bytes', (pieceBytes) => {
    expect(keptOf('password hunter2hunter2 refused', ['hunter2'], pieceBytes)).toBe('password *** refused');
  });

  it('when another begins in it, or stands in it, or it begins in itself', () => {
    expect(keptOf('say abcabcdef.', ['abcab', 'cabcdef', 'bc'], 1)).toBe('say ***.');
    expect(keptOf('say abcabcab.', ['abcab'], 1)).toBe('say ***.');
  });

  it('line by line where it has several', () => {
    expect(keptOf('bad line: AAAABBBBCCCC.', ['-----BEGIN-----\nAAAABBBBCCCC\n'])).toBe('bad line: ***.');
    expect(keptOf('all: ab\ncd!', ['ab\ncd'], 2)).toBe('all: ***!');
  });

  it.each([650, 690, 699, 701, 720, 1000, 2030, 2047, 5080, 8190, 8200, 9000])(
    'wherever a cut runs through it (%i characters before it)',
    (before) => {
      for (const filling of ['.', '.\n']) {
        const text = `${filling.repeat(before / filling.length)}correct-horse-battery${filling.repeat(6000)}`;
        for (const pieceBytes of [7, 4096]) {
          expect(keptOf(text, ['correct-horse-battery'], pieceBytes)).not.toMatch(/corr|horse|tery/);
        }
      }
    },
  );
});

it('a text in brief is its beginning and its end', () => {
  expect(inBrief('short')).toBe('short');
  expect(inBrief(`begin${'.'.repeat(5000)}end`)).toMatch(/^begin\.+ \[…\] \.+end$/);
});
