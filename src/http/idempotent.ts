import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
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
import type { Services } from '../services-port.ts';
import type { ApiEnv } from './route.ts';

const HEADER = 'idempotency-key';
const LONGEST = 200;

/**
 * Answers a request that is sent again with the same Idempotency-Key as the first time, without doing it again. A key is
 * whoever's sent it: behind the role check, so that what may not be done any more is not answered either. Successes are kept;
 * after anything else the key is free. Throws `invalid`, `key_reused`, `conflict`.
 */
export function idempotent(services: Services) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const key = c.req.header(HEADER);
    if (key === undefined) return next();
    if (key === '' || key.length > LONGEST) {
      throw new AppError('invalid', `Idempotency-Key must have 1 to ${LONGEST} characters.`);
    }
    const claimed = await claimKey(services, await requestOf(c, key));
    if ('answer' in claimed) {
      const { status, contentType, body } = claimed.answer;
      return c.body(body, status, { 'content-type': contentType, 'idempotent-replayed': 'true' });
    }
    await answerOnce(services, c, claimed.claim, next);
    return undefined;
  });
}

async function answerOnce(
  services: Services,
  c: Context<ApiEnv>,
  claim: KeyClaim,
  next: () => Promise<void>,
): Promise<void> {
  const renewal = setInterval(() => {
    renewKey(services, claim).catch((error: unknown) =>
      services.log.warn('the claim of an idempotency key could not be renewed', { error }),
    );
  }, LEASE_MS / 3);
  try {
    await next();
  } finally {
    clearInterval(renewal);
    await settle(services, c, claim);
  }
}

/** What was done was done: where that can't be noted, the answer goes out all the same. */
async function settle(services: Services, c: Context<ApiEnv>, claim: KeyClaim): Promise<void> {
  try {
    const contentType = c.res.headers.get('content-type') ?? '';
    const { status } = c.res;
    // What failed was answered by then: Hono leaves its error in the context.
    const isDone = c.error === undefined && contentType.startsWith('application/json');
    if (!isDone || (status !== 200 && status !== 201)) return await freeKey(services, claim);
    await keepAnswer(services, claim, { status, contentType, body: await c.res.clone().text() });
  } catch (error) {
    services.log.warn('an idempotency key could not be settled', { requestId: c.get('requestId'), error });
  }
}

/** Of a session and of a token alike, the id is nobody else's. The path names the environment, or what lies in it. */
async function requestOf(c: Context<ApiEnv>, key: string): Promise<KeyedRequest> {
  const { id, token } = c.get('session');
  const who = `${token === null ? 'session' : 'token'}:${id}`;
  const text = JSON.stringify([who, c.req.method, c.req.path, key]);
  const query = new TextEncoder().encode(`${new URL(c.req.url).search}\n`);
  const body = new Uint8Array(await c.req.arrayBuffer());
  const sent = new Uint8Array(query.length + body.length);
  sent.set(query);
  sent.set(body, query.length);
  return { id: await hashOf(new TextEncoder().encode(text)), requestHash: await hashOf(sent) };
}

async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}
