import type { Context } from 'hono';
import type { Child } from 'hono/jsx';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AssetUrlContext } from '../../../../views/parts/asset-url.ts';
import { ReaderContext } from '../../../../views/parts/reader.ts';
import { withoutTurns } from '../../../turned-text.ts';
import { acceptedEncodings } from '../../accepted-encodings.ts';
import type { UiEnv } from './ui-env.ts';

/** A whole page. */
export async function sendPage(
  c: Context<UiEnv>,
  page: Child,
  status: ContentfulStatusCode = 200,
): Promise<Response> {
  return send(c, `<!doctype html>${await render(c, page)}`, status);
}

/** A part of a page, for htmx. */
export async function sendFragment(c: Context<UiEnv>, part: Child): Promise<Response> {
  return send(c, await render(c, part), 200);
}

async function render(c: Context<UiEnv>, child: Child): Promise<string> {
  const { urlOf } = c.get('sending').assets;
  const provided = (
    <AssetUrlContext.Provider value={urlOf}>
      <ReaderContext.Provider value={c.get('reader')}>{child}</ReaderContext.Provider>
    </AssetUrlContext.Provider>
  );
  // JSX is a promise of text as soon as one component is async.
  return withoutTurns(String(await provided));
}

/** What is shorter fits into one packet as it is. */
const WORTH_IT = 1400;

/** What answers a form is sent as it is: it may hold what is shown once, and the form what somebody else has written. */
async function send(c: Context<UiEnv>, html: string, status: ContentfulStatusCode): Promise<Response> {
  c.header('Vary', 'Accept-Encoding');
  const mayBeSmaller = c.req.method === 'GET' && html.length >= WORTH_IT;
  if (!mayBeSmaller || !acceptedEncodings(c.req.header('accept-encoding')).includes('gzip')) {
    return c.html(html, status);
  }
  c.header('Content-Encoding', 'gzip');
  c.header('Content-Type', 'text/html; charset=UTF-8');
  return c.body(await c.get('sending').gzip(html), status);
}
