/** What ends what a character or two begin: quotes, which are doubled inside, and comments. */
const OPENED = /(['"`[]|--|\/\*)/g;
const ENDS: Readonly<Record<string, string>> = { '[': ']', '--': '\n', '/*': '*/' };
/** What ends a comment that goes on to the end of the definition. */
const OPEN_COMMENTS: Readonly<Record<string, string>> = { '--': '\n', '/*': '*/\n' };

/** A definition as a dump has it, with its semicolon: it may end in a comment, even in one that was never closed. */
export function definitionText(sql: string): string {
  return `${sql}${OPEN_COMMENTS[openAtEnd(sql)] ?? ''};\n`;
}

/** The quote or the comment that a definition ends in; '' where it ends outside of all. */
function openAtEnd(sql: string): string {
  const opened = new RegExp(OPENED);
  for (;;) {
    const [begin] = opened.exec(sql) ?? [];
    if (begin === undefined) return '';
    const end = ENDS[begin] ?? begin;
    const found = sql.indexOf(end, opened.lastIndex);
    if (found < 0) return begin;
    opened.lastIndex = found + end.length;
  }
}
