import { type Context, Hono } from 'hono';
import { AppError } from '../errors.ts';
import { createScrape } from '../metrics/scrape.ts';
import type { Services } from '../services-port.ts';
import { findToken } from '../tokens/acting-token.ts';
import { createTokenNotes } from '../tokens/note-use.ts';
import { isTokenLike } from '../tokens/token-text.ts';
import { acceptedEncodings } from './accepted-encodings.ts';
import type { Limits } from './rate-limit.ts';
import type { Readiness } from './readiness.ts';
import { addressOf } from './request-address.ts';
import type { ApiEnv } from './route.ts';

/** The text format of Prometheus. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * `/metrics`, for a token of its own alone: METRICS_TOKEN, or an API token for metrics. No session and no other token opens it.
 */
export function metricsRoutes(
  services: Services,
  limits: Pick<Limits, 'api'>,
  readiness: () => Promise<Readiness>,
): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const notes = createTokenNotes(services);
  const smaller = createSmaller(services);
  const scrape = createScrape({ ...services, checks: async () => ({ ...(await readiness()) }) });

  app.get('/metrics', async (c) => {
    const shown = /^Bearer ([\w.~+/=-]+)$/.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    if (!isOwn(shown)) await admit(c, shown);
    const text = await scrape();
    c.header('Content-Type', CONTENT_TYPE);
    c.header('Vary', 'Accept-Encoding');
    if (!acceptedEncodings(c.req.header('accept-encoding')).includes('gzip')) return c.body(text);
    c.header('Content-Encoding', 'gzip');
    return c.body(await smaller(text));
  });

  return app;

  /** Compared by their hashes: how long that takes tells nothing of the token. */
  function isOwn(shown: string): boolean {
    const { metricsToken } = services.config;
    return metricsToken !== null && services.sha256(shown) === services.sha256(metricsToken);
  }

  /** Counts the request as one of the API, by the token's owner where there is one; throws where it is none for metrics. */
  async function admit(c: Context<ApiEnv>, shown: string): Promise<void> {
    const from = { address: addressOf(c, services), requestId: c.get('requestId') };
    const found = isTokenLike(shown) ? await findToken(services, shown, { notes, from }) : null;
    limits.api(c, found);
    if (found === null) {
      c.header('WWW-Authenticate', 'Bearer');
      throw new AppError(
        'unauthorized',
        'The metrics want a token of their own, sent as "Authorization: Bearer …": METRICS_TOKEN, or an API token for metrics.',
      );
    }
    if (found.token.access === 'metrics') return;
    throw new AppError(
      'forbidden_scope',
      'Only a token for metrics may read them. Make one that may nothing else.',
    );
  }
}

type Bytes = Uint8Array<ArrayBuffer>;

/** Makes a text smaller, once for all who ask for the same one. */
function createSmaller({ gzip }: Pick<Services, 'gzip'>): (text: Bytes) => Promise<Bytes> {
  let last: { readonly text: Bytes; readonly bytes: Promise<Bytes> } | undefined;
  return (text) => {
    if (last?.text !== text) last = { text, bytes: gzip(text) };
    return last.bytes;
  };
}
