import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { sessionSecret } from '../auth/session-secret.ts';
import { AppError } from '../errors.ts';
import {
  claimKey,
  freeKey,
  type KeyClaim,
  type KeyedRequest,
  keepAnswer,
  LEASE_MS,
  renewKey,
} from '../idempotency/keys.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import { hmac } from '../secrets/hmac.ts';
import type { Services } from '../services-port.ts';
import type { ApiEnv } from './route.ts';

const HEADER = 'idempotency-key';
const LONGEST = 200;
/** Of an answer that is kept, in bytes. */
const LARGEST_KEPT = 65_536;

/**
 * Answers a request that is sent again with the same Idempotency-Key as the first time, without doing it again. A key is
 * whoever's sent it: behind the role check, so that what may not be done any more is not answered either. Successes are kept;
 * after anything else, and after one of more than 64 KiB, the key is free. Throws `invalid`, `key_reused`, `conflict`, `rate_limited`.
 */
export function idempotent(services: Services, { renewEveryMs = LEASE_MS / 3 } = {}) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const key = c.req.header(HEADER);
    if (key === undefined) return next();
    if (key === '' || key.length > LONGEST) {
      throw new AppError('invalid', `Idempotency-Key must have 1 to ${LONGEST} characters.`);
    }
    const claimed = await claimKey(services, await requestOf(services, c, key));
    if ('answer' in claimed) {
      const { status, contentType, body } = claimed.answer;
      return c.body(body, status, { 'content-type': contentType, 'idempotent-replayed': 'true' });
    }
    await answerOnce(services, c, { claim: claimed.claim, renewEveryMs }, next);
    return undefined;
  });
}

async function answerOnce(
  services: Services,
  c: Context<ApiEnv>,
  { claim, renewEveryMs }: { readonly claim: KeyClaim; readonly renewEveryMs: number },
  next: () => Promise<void>,
): Promise<void> {
  const requestId = c.get('requestId');
  let isOver = false;
  const end = () => {
    isOver = true;
    clearInterval(renewal);
  };
  const renewal = setInterval(async () => {
    try {
      if ((await renewKey(services, claim)) || isOver) return;
      end();
      services.log.warn('an idempotency key is another request’s by now, while its first one goes on', {
        requestId,
      });
    } catch (error) {
      services.log.warn('the claim of an idempotency key could not be renewed', { requestId, error });
    }
  }, renewEveryMs);
  try {
    await next();
  } finally {
    // The key stays its request's while its answer is tried to be kept.
    await settle(services, c, claim, end);
    end();
  }
}

/** What was done was done: where that can't be noted, the answer goes out all the same. */
async function settle(
  services: Services,
  c: Context<ApiEnv>,
  claim: KeyClaim,
  end: () => void,
): Promise<void> {
  try {
    const contentType = c.res.headers.get('content-type') ?? '';
    const { status } = c.res;
    // What failed was answered by then: Hono leaves its error in the context.
    const isDone = c.error === undefined && contentType.startsWith('application/json');
    const free = () => {
      end();
      return freeKey(services, claim);
    };
    if (!isDone || (status !== 200 && status !== 201)) return await free();
    const body = await c.res.clone().text();
    if (new TextEncoder().encode(body).length > LARGEST_KEPT) return await free();
    if (await keepAnswer(services, claim, { status, contentType, body })) return;
    services.log.warn('an answer was not kept: its idempotency key is another request’s by now', {
      requestId: c.get('requestId'),
    });
  } catch (error) {
    services.log.warn('an idempotency key could not be settled', { requestId: c.get('requestId'), error });
  }
}

/** Of a session and of a token alike, the id is nobody else's. The path names the environment, or what lies in it. */
async function requestOf(services: Services, c: Context<ApiEnv>, key: string): Promise<KeyedRequest> {
  const { id, token } = c.get('session');
  const credential = `${token === null ? 'session' : 'token'}:${id}`;
  const text = JSON.stringify([credential, c.req.method, c.req.path, key]);
  const named = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  const sent = new Uint8Array(await c.req.arrayBuffer());
  const requestHash = await hashOfSent(services, new URL(c.req.url).search, sent);
  return { id: toBase64Url(new Uint8Array(named)), credential, requestHash };
}

/** Keyed: bodies hold passwords, and whoever reads the database would try them one by one. */
async function hashOfSent(services: Services, query: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const before = new TextEncoder().encode(`idempotent:${query}\n`);
  const sent = new Uint8Array(before.length + body.length);
  sent.set(before);
  sent.set(body, before.length);
  return toBase64Url(await hmac(new TextEncoder().encode(await sessionSecret(services)), sent));
}
