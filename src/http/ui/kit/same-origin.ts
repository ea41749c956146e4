import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { AppError } from '../../../errors.ts';
import type { Services } from '../../../services-port.ts';

/** A form sent again and again, or a flood of forged ones, is logged once in so long. */
const LOGGED_EVERY_MS = 60_000;

/**
 * Refuses whatever changes something unless the browser says that it comes from our own pages: by Sec-Fetch-Site where
 * it is sent (https and localhost), else by Origin. A request that says neither is no browser's form and is refused.
 * The session cookie is SameSite=Lax besides.
 */
export function sameOrigin({ config, log, now }: Pick<Services, 'config' | 'log' | 'now'>) {
  const { publicUrl } = config;
  let quietUntil = 0;
  return createMiddleware(async (c, next) => {
    if (!['GET', 'HEAD'].includes(c.req.method) && !comesFromHere(c, publicUrl)) {
      const message = explain(c, publicUrl);
      if (now().getTime() >= quietUntil) {
        quietUntil = now().getTime() + LOGGED_EVERY_MS;
        log.warn('a form was refused: it did not come from a page of this installation', { advice: message });
      }
      throw new AppError('forbidden', message);
    }
    await next();
  });
}

function comesFromHere(c: Context, publicUrl: string | null): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = c.req.header('origin');
  return origin !== undefined && (origin === publicUrl || origin === ownOrigin(c));
}

/** What a proxy that sets a Host of its own makes of an honest form, said as such; a forged one looks the same. */
function explain(c: Context, publicUrl: string | null): string {
  const refused = 'This form did not come from a page of this installation.';
  const origin = webOrigin(c.req.header('origin'));
  if (origin === null || c.req.header('sec-fetch-site') !== undefined) {
    return publicUrl === null ? refused : `${refused} Open the page under ${publicUrl}.`;
  }
  const seen = `It came from a page of ${origin}`;
  if (publicUrl !== null) {
    return `${refused} ${seen}, and PUBLIC_URL names ${publicUrl}: open the page there.`;
  }
  return (
    `${refused} ${seen}, but asked for ${ownOrigin(c)}. If ${origin} is the address where you open this ` +
    `installation, a proxy in between sets a Host of its own: set PUBLIC_URL to ${origin}, or let the proxy keep the ` +
    'Host header (nginx: proxy_set_header Host $http_host). If it is not, that site tried to act in your name.'
  );
}

const ownOrigin = (c: Context) => new URL(c.req.url).origin;

/** The origin that a header names; null for none, and for one of no web page. */
export function webOrigin(text: string | undefined): string | null {
  if (text === undefined || !URL.canParse(text)) return null;
  const { protocol, origin } = new URL(text);
  return protocol === 'http:' || protocol === 'https:' ? origin : null;
}
