import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { createMiddleware } from 'hono/factory';
import { requestId } from 'hono/request-id';
import { AppError } from './errors.ts';
import { leaveAbandoned } from './http/abandoned.ts';
import { apiGroups, routesOf } from './http/api/routes.ts';
import { assetRoutes } from './http/assets.ts';
import { limitBody } from './http/body-limit.ts';
import { toFailure } from './http/failure.ts';
import { createHealth } from './http/health.ts';
import { metricsRoutes } from './http/metrics.ts';
import { mountRoutes } from './http/mount.ts';
import { openApiDocument } from './http/openapi.ts';
import { createLimits } from './http/rate-limit.ts';
import { readableUrl } from './http/readable-url.ts';
import { createReadiness } from './http/readiness.ts';
import type { ApiEnv } from './http/route.ts';
import { setHeaders } from './http/set-headers.ts';
import { uiRoutes } from './http/ui/routes.ts';
import { type Log, requestFields } from './log.ts';
import type { Services } from './services-port.ts';

/** The whole HTTP surface: /health, /live, /ready, /metrics, /openapi.json, /assets, the API under /api, and the pages at /. */
export function createApp(services: Services): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const groups = apiGroups(services);
  const routes = routesOf(groups);
  const limits = createLimits(services);
  const api = mountRoutes(services, routes, limits);

  app.use(requestId());
  if (services.config.publicUrl?.startsWith('https:')) app.use(onlyHttps);
  app.use(limitBody());
  app.onError((error, c) => {
    const failure = toFailure(error, c.get('requestId'));
    logOf(services.log, failure.status)('request failed', {
      requestId: failure.body.requestId,
      ...requestFields(c.req, failure.status),
      error,
    });
    const headers = { ...failure.headers, ...API_HEADERS };
    // The pages have failures of their own; this one came before them.
    const isPage = !c.req.path.startsWith('/api/') && c.req.header('accept')?.includes('text/html') === true;
    return isPage
      ? c.text(failure.body.message, failure.status, headers)
      : c.json(failure.body, failure.status, headers);
  });

  app.on('GET', ['/health', '/live', '/ready', '/metrics', '/openapi.json'], apiHeaders);
  const health = createHealth(services);
  app.get('/health', async (c) => {
    const trouble = await health();
    const about = {
      status: trouble === null ? 'ok' : 'unavailable',
      timestamp: services.now().toISOString(),
      version: services.version,
      bundledAgentVersion: 'unknown',
      cliVersion: 'unknown',
    };
    if (trouble === null) return c.json(about);
    const { status, headers, body } = toFailure(trouble, c.get('requestId'));
    return c.json({ ...about, ...body }, status, headers);
  });
  app.get('/live', (c) => c.json({ status: 'ok' }));
  const readiness = createReadiness(services, health);
  app.get('/ready', async (c) => {
    const checks = await readiness();
    const isReady = Object.values(checks).every(Boolean);
    return c.json({ status: isReady ? 'ready' : 'not ready', checks }, isReady ? 200 : 503);
  });
  app.route('/', metricsRoutes(services, limits, readiness));
  let document: object | undefined;
  app.get('/openapi.json', (c) => {
    document ??= openApiDocument(groups, services.version);
    return c.json(document);
  });
  app.route('/assets', assetRoutes(services));

  app.use(leaveAbandoned());
  app.use('/api/*', corsFor(services.config.corsOrigin));
  app.use('/api/*', apiHeaders, readableUrl);
  app.route('/', api);
  app.all('/api/*', () => {
    throw new AppError('not_found', 'Not found');
  });

  const answering = (request: Request, env: unknown) =>
    app.fetch(request, typeof env === 'object' && env !== null ? env : {});
  app.route('/', uiRoutes(services, limits, { groups, answering, readiness }));
  return app;
}

/** A 503 tells what an admin has to do, and is no defect. */
function logOf(log: Log, status: number) {
  if (status < 500) return log.debug;
  return status === 503 ? log.warn : log.error;
}

const API_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** A browser that was here once asks over https from then on, for a year. */
const onlyHttps = createMiddleware(async (c, next) => {
  await next();
  setHeaders(c, { 'Strict-Transport-Security': 'max-age=31536000' });
});

const apiHeaders = createMiddleware(async (c, next) => {
  await next();
  setHeaders(c, API_HEADERS);
});

function corsFor(origins: readonly string[]) {
  return cors({
    origin: (origin) => (origins.includes('*') || origins.includes(origin) ? origin : null),
    credentials: true,
    allowMethods: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'],
    exposeHeaders: [
      ...['x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'retry-after'],
      'idempotent-replayed',
    ],
  });
}
