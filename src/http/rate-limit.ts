import { createMiddleware } from 'hono/factory';
import { parseAddress } from '../cidr.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { addressOf } from './request-address.ts';

/** Requests of one address in the window that runs. */
interface Count {
  requests: number;
  endsAt: number;
}

/**
 * Lets each address make RATE_LIMIT_MAX requests per window and tells in headers what is left. Throws `rate_limited`.
 * Of IPv6 the first 64 bits count: whoever has one such address usually has all that begin alike.
 * Counts live in this process, those of past windows are dropped as new ones begin.
 */
export function rateLimit(services: Services) {
  const { rateLimitMax, rateLimitWindowMs } = services.config;
  const counts = new Map<string, Count>();
  let sweepAt = 0;

  return createMiddleware(async (c, next) => {
    const now = services.now().getTime();
    if (now >= sweepAt) {
      for (const [address, count] of counts) if (count.endsAt <= now) counts.delete(address);
      sweepAt = now + rateLimitWindowMs;
    }
    const address = clientOf(addressOf(c, services));
    const known = counts.get(address);
    const count =
      known !== undefined && known.endsAt > now ? known : { requests: 0, endsAt: now + rateLimitWindowMs };
    count.requests += 1;
    counts.set(address, count);

    const resetSeconds = Math.ceil((count.endsAt - now) / 1000);
    c.header('x-ratelimit-limit', String(rateLimitMax));
    c.header('x-ratelimit-remaining', String(Math.max(0, rateLimitMax - count.requests)));
    c.header('x-ratelimit-reset', String(resetSeconds));
    if (count.requests > rateLimitMax) {
      throw new AppError('rate_limited', `Rate limit exceeded. Try again in ${resetSeconds} seconds.`, {
        details: { retryAfterSeconds: resetSeconds },
      });
    }
    await next();
  });
}

function clientOf(address: string | null): string {
  const bytes = parseAddress(address ?? '');
  return (bytes?.length === 16 ? bytes.slice(0, 8) : bytes)?.join('.') ?? address ?? 'unknown';
}
