/** The most that a statement takes of rows with some forty columns: SQLite allows 32,766 values in one. */
const ROWS_AT_ONCE = 400;

/** The rows, as many at once as a statement takes, whatever their width. */
export function inParts<T>(rows: readonly T[]): readonly (readonly T[])[] {
  const found: T[][] = [];
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE) found.push(rows.slice(at, at + ROWS_AT_ONCE));
  return found;
}
