/** A page out of many rows. */
export interface PageOfMany {
  readonly offset: number;
  readonly limit: number;
  readonly total: number;
}

/** Links to the page before and after, where there are any. `path` may have a query. */
export function Pager({ page, path }: { readonly page: PageOfMany; readonly path: string }) {
  const { offset, limit, total } = page;
  if (total <= limit && offset === 0) return null;
  const before = Math.max(0, offset - limit);
  const after = offset + limit;
  return (
    <nav class="pager" aria-label="Pages">
      {offset > 0 ? <a href={pagePath(path, before)}>← Previous</a> : <span />}
      <span>
        {Math.min(offset + 1, total)}–{Math.min(after, total)} of {total}
      </span>
      {after < total ? <a href={pagePath(path, after)}>Next →</a> : <span />}
    </nav>
  );
}

/** The address of the page that begins there, of a list with that address. */
export function pagePath(path: string, offset: number): string {
  return `${path}${path.includes('?') ? '&' : '?'}offset=${offset}`;
}
