import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesInPage, cutTo, lastWithin, within } from '../../views/parts/room.ts';

const letters = fc.constantFrom('"', "'", '&', '<', '>', 'x', 'ü', '顧', '🐘', '\n', ' ');
const text = fc.array(letters, { maxLength: 500 }).map((all) => all.join(''));

const written = (said: string) =>
  Buffer.byteLength(
    said
      .replaceAll('&', '&amp;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&#39;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;'),
  );

describe('the room of a page', () => {
  it('is counted as the page is written', () => {
    fc.assert(
      fc.property(text, (said) => {
        expect(bytesInPage(said)).toBe(written(said));
      }),
    );
  });

  it('is kept by a text that is cut, which has no half of a letter', () => {
    fc.assert(
      fc.property(text, fc.nat(2000), (said, room) => {
        const shown = within(room, said);
        expect(shown.isWellFormed()).toBe(true);
        expect(bytesInPage(shown)).toBeLessThanOrEqual(room + bytesInPage('…'));
        expect(shown === said).toBe(bytesInPage(said) <= room);
      }),
    );
  });

  it('lets each text of a list have 300 characters, fewer where there are many, and all of what is short', () => {
    const long = 'x'.repeat(1000);
    expect(cutTo(10_000, [long, null, 'short'])(long)).toBe(`${'x'.repeat(299)}…`);
    const many: readonly string[] = new Array(50).fill(long);
    const cut = cutTo(7_000, [...many, 'short']);
    expect(cut(long)).toBe(`${'x'.repeat(119)}…`);
    expect(cut('short')).toBe('short');
    expect(cutTo(0, many)(long)).toBe(`${'x'.repeat(39)}…`);
    expect(cutTo(0, [])('🐘'.repeat(400)).isWellFormed()).toBe(true);
  });

  it('is given to the last lines, of which none is cut', () => {
    const lines = ['aaaa', 'bb', 'c'];
    const bytesOf = (line: string) => line.length;
    expect(lastWithin(lines, { room: 3, most: 10, bytesOf })).toEqual(['bb', 'c']);
    expect(lastWithin(lines, { room: 100, most: 1, bytesOf })).toEqual(['c']);
    expect(lastWithin(lines, { room: 0, most: 10, bytesOf })).toEqual([]);
    expect(lastWithin(lines, { room: 100, most: 10, bytesOf })).toEqual(lines);
  });
});
