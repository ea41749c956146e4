/**
 * A page stays small whatever others have said: a host, a storage, a server that was told something. Room is counted in bytes of
 * the page, where a quote takes six.
 */

/** Of one text in a list, in characters: who reads it all opens what it is of. */
const LONGEST = 300;
/** A rest that is no longer is not cut away: it takes hardly more room than what says that there is more. */
const REST = 40;
const SHORTER = [LONGEST, 200, 120, 70, 40] as const;

/** Cuts each of the texts of a list, so that all of them together find room: none has more than 340 characters, and many long ones have fewer. */
export function cutTo(room: number, texts: readonly (string | null)[]): (text: string) => string {
  const said = texts.filter((text) => text !== null);
  const fits = (most: number) => sum(said.map((text) => bytesInPage(beginning(text, most)))) <= room;
  const most = SHORTER.find(fits) ?? SHORTER[SHORTER.length - 1] ?? LONGEST;
  return (text) => beginning(text, most);
}

/** As much of the text as there is room for. */
export function within(room: number, text: string): string {
  return bytesInPage(text) <= room ? text : `${text.slice(0, charactersIn(room, text)).trimEnd()}…`;
}

/** The last of the lines that find room, `most` at most. `bytesOf` tells how much of a page a line takes. */
export function lastWithin<Line>(
  lines: readonly Line[],
  { room, most, bytesOf }: { readonly room: number; readonly most: number; bytesOf(line: Line): number },
): readonly Line[] {
  let left = room;
  let first = lines.length;
  while (first > 0 && lines.length - first < most) {
    const line = lines[first - 1];
    if (line === undefined) break;
    left -= bytesOf(line);
    if (left < 0) break;
    first -= 1;
  }
  return lines.slice(first);
}

/** Bytes that a page takes to write out the text. */
export function bytesInPage(text: string): number {
  let bytes = 0;
  for (let at = 0; at < text.length; at += 1) bytes += bytesOf(text.charCodeAt(at));
  return bytes;
}

function charactersIn(room: number, text: string): number {
  let left = room;
  let at = 0;
  for (; at < text.length; at += 1) {
    left -= bytesOf(text.charCodeAt(at));
    if (left < 0) break;
  }
  return withoutHalf(text, at);
}

function beginning(text: string, most: number): string {
  return text.length <= most + REST ? text : `${text.slice(0, withoutHalf(text, most - 1)).trimEnd()}…`;
}

/** No half of a letter that takes two. */
function withoutHalf(text: string, end: number): number {
  const isHalf = /[\uD800-\uDBFF]/.test(text.charAt(end - 1));
  return isHalf ? end - 1 : end;
}

/** `&quot;`, `&#39;`, `&amp;`, `&lt;`; else UTF-8, of which a half of a pair is two. */
function bytesOf(code: number): number {
  if (code === 0x22) return 6;
  if (code === 0x26 || code === 0x27) return 5;
  if (code === 0x3c || code === 0x3e) return 4;
  if (code < 0x80) return 1;
  return code < 0x8_00 || (code >= 0xd8_00 && code <= 0xdf_ff) ? 2 : 3;
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
