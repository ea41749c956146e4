import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { ReaderContext } from '../../../../views/parts/reader.ts';
import type { UiEnv } from './ui-env.ts';

/** A whole page. */
export async function sendPage(
  c: Context<UiEnv>,
  page: Child,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  return c.html(`<!doctype html>${await render(c, page)}`, status);
}

/** A part of a page, for htmx. */
export async function sendFragment(c: Context<UiEnv>, part: Child): Promise<Response> {
  return c.html(await render(c, part));
}

async function render(c: Context<UiEnv>, child: Child): Promise<string> {
  const provided = <ReaderContext.Provider value={c.get('reader')}>{child}</ReaderContext.Provider>;
  // JSX is a promise of text as soon as one component is async.
  return String(await provided);
}
