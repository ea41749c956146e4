import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** A whole page. */
export async function sendPage(
  c: Context,
  page: Child,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  return c.html(`<!doctype html>${await render(page)}`, status);
}

/** A part of a page, for htmx. */
export async function sendFragment(c: Context, part: Child): Promise<Response> {
  return c.html(await render(part));
}

async function render(child: Child): Promise<string> {
  // JSX is a promise of text as soon as one component is async.
  return String(await child);
}
