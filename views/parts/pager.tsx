import { withQuery } from './with-query.ts';

/** A page out of many rows. */
export interface PageOfMany {
  readonly offset: number;
  readonly limit: number;
  readonly total: number;
}

/** Links to the page before and after, where there are any. `path` may have a query; `at` is what of the page they lead to. */
export function Pager({
  page,
  path,
  at,
}: {
  readonly page: PageOfMany;
  readonly path: string;
  readonly at?: string;
}) {
  const { offset, limit, total } = page;
  if (total <= limit && offset === 0) return null;
  // From beyond the end it leads to the last page.
  const last = Math.floor(Math.max(0, total - 1) / limit) * limit;
  const before = Math.max(0, Math.min(offset - limit, last));
  const after = offset + limit;
  const to = (begin: number) => `${pagePath(path, begin)}${at === undefined ? '' : `#${at}`}`;
  return (
    <nav class="pager" aria-label="Pages">
      {offset > 0 ? <a href={to(before)}>← Previous</a> : <span />}
      <span>
        {offset < total ? `${offset + 1}–${Math.min(after, total)}` : 'none'} of {total}
      </span>
      {after < total ? <a href={to(after)}>Next →</a> : <span />}
    </nav>
  );
}

/** The address of the page that begins there, of a list with that address. */
export function pagePath(path: string, offset: number): string {
  return withQuery(path, 'offset', offset);
}

/** The address of this very page: of the first one, as the list's own. */
export function samePage(path: string, { offset }: Pick<PageOfMany, 'offset'>): string {
  return offset === 0 ? path : pagePath(path, offset);
}
