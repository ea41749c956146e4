/** The text, cut so that it has no more characters than that, with no half letter at its end. */
export function short(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${text
        .slice(0, most - 1)
        .replace(/[\uD800-\uDBFF]$/, '')
        .toWellFormed()
        .trimEnd()}…`;
}

const LONGEST = 200;

/** The first line of what a tool printed, no longer than is read. */
export function oneLine(text: string): string {
  return short(text.split('\n')[0]?.trim() ?? '', LONGEST);
}
