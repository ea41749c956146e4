import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { AppError } from '../../errors.ts';

/**
 * Refuses whatever changes something unless the browser says that it comes from our own pages: by Sec-Fetch-Site where
 * it is sent (https and localhost), else by Origin. A request that says neither is no browser's form and is refused.
 * The session cookie is SameSite=Lax besides.
 */
export function sameOrigin(publicUrl: string | null) {
  return createMiddleware(async (c, next) => {
    if (!['GET', 'HEAD'].includes(c.req.method) && !comesFromHere(c, publicUrl)) {
      throw new AppError(
        'forbidden',
        'This request did not come from a page of this installation. If it did, open the page under the address ' +
          'that PUBLIC_URL names.',
      );
    }
    await next();
  });
}

function comesFromHere(c: Context, publicUrl: string | null): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = c.req.header('origin');
  return origin !== undefined && (origin === publicUrl || origin === new URL(c.req.url).origin);
}
