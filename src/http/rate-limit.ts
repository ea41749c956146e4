import type { Context } from 'hono';
import type { Session } from '../auth/sessions.ts';
import { clientOf } from '../cidr.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { addressOf } from './request-address.ts';
import type { ApiSession } from './route.ts';

/** Counts a request, tells in its headers what is left, and throws `rate_limited` when there is nothing left. */
export interface Limits {
  /**
   * The API: by account, a person's sessions and tokens together; everybody else, and whoever shows a token that opens nothing, by
   * address.
   */
  api(c: Context, session: Pick<ApiSession, 'user'> | null): void;
  /** A page, a fragment or a form of somebody signed in, by their session. */
  page(c: Context, session: Session): void;
  /** The pages for somebody who is not: forms, sign-in above all, are counted closely, reading is not. By address. */
  entrance(c: Context): void;
  /** To a provider and back: each makes requests of ours, and is counted as the forms of the entrance are. */
  signOn(c: Context): void;
}

/**
 * The API's anonymous requests and the forms of the entrance have a count each: a night's clients that sign in at once keep
 * no person behind the same proxy out. Guesses at one account are bounded besides, through both doors (`auth/guesses.ts`).
 */
export function createLimits(services: Services): Limits {
  const { rateLimitMax, rateLimitUserMax, rateLimitPageMax } = services.config;
  const anonymous = createCount(services, rateLimitMax);
  const accounts = createCount(services, rateLimitUserMax);
  const sessions = createCount(services, rateLimitPageMax);
  const forms = createCount(services, rateLimitMax);
  const visits = createCount(services, rateLimitPageMax);
  const client = (c: Context) => clientOf(addressOf(c, services) ?? 'unknown');
  return {
    api(c, session) {
      if (session === null) anonymous(c, client(c));
      else accounts(c, session.user.id);
    },
    page: (c, session) => sessions(c, session.id),
    entrance(c) {
      const isReading = c.req.method === 'GET' || c.req.method === 'HEAD';
      (isReading ? visits : forms)(c, client(c));
    },
    signOn: (c) => forms(c, client(c)),
  };
}

/** Requests of one client in the window that runs. */
interface Count {
  requests: number;
  endsAt: number;
}

/** Counts live in this process; those of past windows are dropped as new ones begin. */
function createCount({ now, config }: Services, max: number): (c: Context, key: string) => void {
  const { rateLimitWindowMs } = config;
  const counts = new Map<string, Count>();
  let sweepAt = 0;
  return (c, key) => {
    const at = now().getTime();
    if (at >= sweepAt) {
      for (const [name, count] of counts) if (count.endsAt <= at) counts.delete(name);
      sweepAt = at + rateLimitWindowMs;
    }
    const known = counts.get(key);
    const count =
      known !== undefined && known.endsAt > at ? known : { requests: 0, endsAt: at + rateLimitWindowMs };
    count.requests += 1;
    counts.set(key, count);

    const resetSeconds = Math.ceil((count.endsAt - at) / 1000);
    c.header('x-ratelimit-limit', String(max));
    c.header('x-ratelimit-remaining', String(Math.max(0, max - count.requests)));
    c.header('x-ratelimit-reset', String(resetSeconds));
    if (count.requests <= max) return;
    throw new AppError('rate_limited', `Rate limit exceeded. Try again in ${resetSeconds} seconds.`, {
      details: { retryAfterSeconds: resetSeconds },
    });
  };
}
