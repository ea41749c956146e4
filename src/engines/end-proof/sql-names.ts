/** Reads names as SQL spells them: bare, or in quotes that are doubled inside. */

/** What stands at the beginning of a text, and what follows it. */
export interface ReadName {
  readonly name: string;
  readonly rest: string;
}

const CLOSINGS: Readonly<Record<string, string>> = { '"': '"', "'": "'", '`': '`', '[': ']' };
const BARE = /^[^\s().,;"'`[\]]+/;

/** The name at the beginning; undefined where there is none, or none that ends. */
export function readName(text: string): ReadName | undefined {
  const closing = CLOSINGS[text[0] ?? ''];
  if (closing === undefined) {
    const [name] = BARE.exec(text) ?? [];
    return name === undefined ? undefined : { name, rest: text.slice(name.length) };
  }
  for (let at = 1; ; at += 2) {
    at = text.indexOf(closing, at);
    if (at < 0) return undefined;
    if (text[at + 1] === closing && closing !== ']') continue;
    const name = text.slice(1, at);
    return {
      name: closing === ']' ? name : name.replaceAll(closing + closing, closing),
      rest: text.slice(at + 1),
    };
  }
}

/** `schema.name`, or a name alone. */
export function readTable(
  text: string,
): { readonly schema: string | null; readonly name: string; readonly rest: string } | undefined {
  const first = readName(text);
  if (first === undefined || !first.rest.startsWith('.')) return first && { schema: null, ...first };
  const second = readName(first.rest.slice(1));
  return second && { schema: first.name, ...second };
}

/** A text's words, and its quoted names as they are; what else stands there is a word of its own. */
export function wordsOf(text: string): readonly string[] {
  return text.match(/"(?:[^"]|"")*"|'(?:[^']|'')*'|[^\s(),;"']+|[(),;]/g) ?? [];
}
