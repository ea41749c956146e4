import { Hono } from 'hono';
import { etag } from 'hono/etag';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';

/** Files of our own origin, asked for again with their ETag at each use. */
export function assetRoutes(services: Pick<Services, 'assets'>): Hono {
  const app = new Hono();
  app.get('/:name{.+}', etag(), async (c) => {
    const asset = await services.assets.read(c.req.param('name'));
    if (asset === null) throw new AppError('not_found', 'Not found');
    return c.body(asset.body, 200, {
      'Content-Type': asset.contentType,
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
    });
  });
  return app;
}
