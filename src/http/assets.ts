import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { acceptedEncodings } from './accepted-encodings.ts';

/**
 * Files of our own origin. Under a name with the hash of what is in it, kept for a year without asking again; under any other,
 * such as that of another version while an installation is brought up to date, asked for again with its ETag at each use.
 */
export function assetRoutes(services: Pick<Services, 'assets'>): Hono {
  const app = new Hono();
  app.get('/:name{.+}', etag(), async (c) => {
    const encodings = acceptedEncodings(c.req.header('accept-encoding'));
    const asset = await services.assets.read(c.req.param('name'), encodings);
    if (asset === null) throw new AppError('not_found', 'Not found');
    const { body, contentType, encoding, hash, isCurrent } = asset;
    if (encoding !== null) c.header('Content-Encoding', encoding);
    return c.body(body, 200, {
      'Content-Type': contentType,
      'Cache-Control': isCurrent ? 'public, max-age=31536000, immutable' : 'no-cache',
      ETag: `"${hash}${encoding === null ? '' : `-${encoding}`}"`,
      Vary: 'Accept-Encoding',
      'X-Content-Type-Options': 'nosniff',
    });
  });
  return app;
}
