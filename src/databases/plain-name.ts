const MOST = 100;

/**
 * What a database that was found is called here: its name, of a file the last part of its path, as odd as it is but for
 * control characters, which become `_`; at most 100 characters.
 */
export function plainName(found: string, isFile: boolean): string {
  const last = isFile ? (found.split('/').findLast((segment) => segment !== '') ?? '') : found;
  const plain = last.toWellFormed().replaceAll(/\p{Cc}/gu, '_');
  return cut(plain.trim() === '' ? '_' : plain, MOST);
}

/** The name as it is for 1, else with the number behind it: `shop (2)`. */
export function numbered(name: string, number: number): string {
  if (number === 1) return name;
  const tail = ` (${number})`;
  return `${cut(name, MOST - tail.length)}${tail}`;
}

/** Whole characters, at most so many units of UTF-16. */
function cut(text: string, most: number): string {
  let short = '';
  for (const character of text) {
    if (short.length + character.length > most) break;
    short += character;
  }
  return short;
}
