/** Of so many letters beyond ASCII both cases are tried; any letter fits in the place of a further one. */
const MOST_BOTH = 3;

/**
 * Patterns of LIKE (see `isLike`), of which one fits where a text has that part in any case. A database knows the cases of
 * ASCII alone, or whatever its language says: of other letters each case is a pattern of its own.
 */
export function likePatterns(part: string): readonly string[] {
  let patterns = ['%'];
  let both = 0;
  for (const letter of part) {
    const cases = casesOf(letter);
    if (cases.length > 1) both += 1;
    const ways = cases.length > 1 && both > MOST_BOTH ? ['_'] : cases;
    patterns = patterns.flatMap((pattern) => ways.map((way) => pattern + way));
  }
  return patterns.map((pattern) => `${pattern}%`);
}

/** A letter whose other case is two letters, as of "ß", has but one. */
function casesOf(letter: string): readonly string[] {
  if (/[%_\\]/.test(letter)) return [`\\${letter}`];
  if (letter <= '\u007f') return [letter];
  const cases = new Set([letter, letter.toLowerCase(), letter.toUpperCase()]);
  return [...cases].filter((one) => [...one].length === 1);
}
