import { sign, verify } from 'hono/jwt';
import type { Db, SessionRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import { signingKey } from '../secrets/signing-keys.ts';
import type { Services } from '../services-port.ts';
import { toUser, type User } from './users.ts';

export type SessionKind = SessionRow['kind'];

export interface Session {
  readonly id: string;
  readonly kind: SessionKind;
  readonly user: User;
}

export interface StartedSession {
  /** `api`: a JWT for the Authorization header; `ui`: random text for the cookie. Shown once, stored nowhere. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** How stale `last_active_at` may get before a request writes it anew. */
const TOUCH_AFTER_MS = 60_000;

/**
 * Starts a session of SESSION_TTL; sessions that are over are cleared away on the occasion. With the hash of the password
 * that was checked for it, throws `unauthorized` where the user has another one by now, or is gone.
 */
export async function startSession(
  services: Services,
  user: User,
  kind: SessionKind,
  checkedHash?: string,
): Promise<StartedSession> {
  const now = services.now();
  const expiresAt = new Date(now.getTime() + services.config.sessionTtlSeconds * 1000);
  const { id, token } = kind === 'api' ? await apiToken(services, user, now, expiresAt) : await uiToken();
  await write(services.db, (trx) =>
    trx.deleteFrom('sessions').where('expires_at', '<=', now.toISOString()).execute(),
  );
  await write(services.db, async (trx) => {
    if (checkedHash !== undefined) await refuseChangedPassword(trx, user.id, checkedHash);
    await trx
      .insertInto('sessions')
      .values({
        id,
        user_id: user.id,
        kind,
        created_at: now.toISOString(),
        expires_at: expiresAt.toISOString(),
      })
      .execute();
  });
  return { token, expiresAt };
}

/** A change of the password ends the sessions that there are: one of a slower sign-in must not come after it. */
async function refuseChangedPassword(trx: Trx, userId: string, checkedHash: string): Promise<void> {
  const row = await trx
    .selectFrom('users')
    .select('password_hash')
    .where('id', '=', userId)
    .executeTakeFirst();
  if (row?.password_hash !== checkedHash) throw new AppError('unauthorized', 'Invalid credentials');
}

/** The session behind a token of that kind, its user as the database knows them now; null for anything else. */
export async function findSession(
  services: Services,
  kind: SessionKind,
  token: string,
): Promise<Session | null> {
  const id = kind === 'api' ? await sidOf(services, token) : await hashOf(token);
  if (id === null) return null;
  const row = await services.db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .selectAll('users')
    .where('sessions.id', '=', id)
    .where('sessions.kind', '=', kind)
    .where('sessions.expires_at', '>', services.now().toISOString())
    .executeTakeFirst();
  if (row === undefined) return null;
  await touch(services, row.id, row.last_active_at);
  return { id, kind, user: toUser(row) };
}

export async function endSession(db: Db, sessionId: string): Promise<void> {
  await write(db, (trx) => trx.deleteFrom('sessions').where('id', '=', sessionId).execute());
}

export async function endSessionsOf(trx: Trx, userId: string): Promise<void> {
  await trx.deleteFrom('sessions').where('user_id', '=', userId).execute();
}

async function apiToken(services: Services, user: User, now: Date, expiresAt: Date) {
  const id = newId();
  const claims = {
    sid: id,
    id: user.id,
    email: user.email,
    iat: Math.floor(now.getTime() / 1000),
    exp: Math.floor(expiresAt.getTime() / 1000),
  };
  return { id, token: await sign(claims, await tokenSecret(services), 'HS256') };
}

/** The row holds the hash: whoever reads the database can't sign in with it. */
async function uiToken() {
  const token = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { id: await hashOf(token), token };
}

async function sidOf(services: Services, token: string): Promise<string | null> {
  const secret = await tokenSecret(services);
  try {
    // Whether the session is over is the row's to say, by the clock that is passed in.
    const claims = await verify(token, secret, { alg: 'HS256', exp: false, iat: false });
    return typeof claims['sid'] === 'string' ? claims['sid'] : null;
  } catch {
    // Whatever it trips over (hono reads the claims before the signature: `null` is a TypeError), it is no token of ours.
    return null;
  }
}

async function tokenSecret(services: Services): Promise<string> {
  if (services.config.jwtSecret !== null) return services.config.jwtSecret;
  return toBase64Url((await signingKey(services.db, services.vault, 'session', services.now())).secret);
}

async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return toBase64Url(new Uint8Array(digest));
}

async function touch(services: Services, userId: string, lastActiveAt: string | null): Promise<void> {
  const now = services.now();
  if (lastActiveAt !== null && now.getTime() - Date.parse(lastActiveAt) < TOUCH_AFTER_MS) return;
  try {
    await write(
      services.db,
      (trx) =>
        trx
          .updateTable('users')
          .set({ last_active_at: now.toISOString() })
          .where('id', '=', userId)
          .execute(),
      { patienceMs: 0 },
    );
  } catch (error) {
    // A full disk or a lock must not keep people from reading.
    if (!isAppError(error, 'unavailable')) throw error;
    services.log.debug('the time of a request could not be saved', { userId, error });
  }
}
