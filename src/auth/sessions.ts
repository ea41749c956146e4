import { sign, verify } from 'hono/jwt';
import type { ExpressionBuilder } from 'kysely';
import type { Config } from '../config.ts';
import { builtOnce } from '../db/built-once.ts';
import type { Context } from '../db/context.ts';
import type { Db, Schema, SessionRow, Trx } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { AppError, isAppError } from '../errors.ts';
import { newId } from '../ids.ts';
import { toBase64Url } from '../secrets/base64url.ts';
import type { SessionContext } from './context.ts';
import type { Origin } from './known-places.ts';
import { sessionSecret } from './session-secret.ts';
import { toUser, type User } from './users.ts';

export type SessionKind = SessionRow['kind'];

export interface Session {
  readonly id: string;
  readonly kind: SessionKind;
  readonly user: User;
  /** The installation requires a second factor, and the account has none: its owner may set one up, and nothing else. */
  readonly lacksFactor: boolean;
  /** In which the user wishes to read times; null: none was chosen. */
  readonly timeZone: string | null;
}

export interface StartedSession {
  /** `api`: a JWT for the Authorization header; `ui`: random text for the cookie. Shown once, stored nowhere. */
  readonly token: string;
  readonly expiresAt: Date;
}

/** Begun further ahead than replicas' clocks may differ, a session tells that the clock was set back since. */
const AHEAD_MS = 5 * 60_000;

/** How stale the instants of the last use may get before a request writes them anew. */
const TOUCH_AFTER_MS = 60_000;

/**
 * Starts a session of SESSION_TTL; sessions that are over are cleared away on the occasion. With the hash of the password
 * that was checked for it, throws `unauthorized` where the user has another one by now, or is gone. `also` belongs to the
 * same transaction, and may refuse.
 */
export async function startSession(
  context: SessionContext,
  user: User,
  kind: SessionKind,
  {
    checkedHash,
    from,
    also,
  }: {
    readonly checkedHash?: string;
    readonly from?: Origin;
    readonly also?: (trx: Trx, now: Date) => Promise<void>;
  } = {},
): Promise<StartedSession> {
  const now = context.now();
  const expiresAt = new Date(now.getTime() + context.config.sessionTtlSeconds * 1000);
  const { id, token } = kind === 'api' ? await apiToken(context, user, now, expiresAt) : await uiToken();
  await write(context.db, async (trx) => {
    if (checkedHash !== undefined) await refuseChangedPassword(trx, user.id, checkedHash);
    await also?.(trx, now);
    await trx
      .insertInto('sessions')
      .values({
        id,
        user_id: user.id,
        kind,
        created_at: now.toISOString(),
        expires_at: expiresAt.toISOString(),
        ...begunAt(from),
      })
      .execute();
  });
  return { token, expiresAt };
}

/** Whose session it becomes, and as whom of the provider. */
export interface SignedOn {
  readonly user: User;
  readonly oidcIdentityId: string;
}

/**
 * Starts a session in a browser of whoever `find` gives, who may be made in the same transaction. Where it gives null, what it wrote
 * stays, and nobody is signed in.
 */
export async function startSignedOn(
  context: SessionContext,
  from: Origin,
  find: (trx: Trx, now: Date) => Promise<SignedOn | null>,
): Promise<(StartedSession & Pick<SignedOn, 'user'>) | null> {
  const now = context.now();
  const expiresAt = new Date(now.getTime() + context.config.sessionTtlSeconds * 1000);
  const { id, token } = await uiToken();
  const user = await write(context.db, async (trx) => {
    const found = await find(trx, now);
    if (found === null) return null;
    await trx
      .insertInto('sessions')
      .values({
        ...{ id, user_id: found.user.id, kind: 'ui', oidc_identity_id: found.oidcIdentityId },
        ...{ created_at: now.toISOString(), expires_at: expiresAt.toISOString() },
        ...begunAt(from),
      })
      .execute();
    return found.user;
  });
  return user === null ? null : { token, expiresAt, user };
}

/** Characters of what a client calls itself that are kept: anybody may call themselves anything. */
const AGENT_LENGTH = 200;

function begunAt(from: Origin | undefined): Pick<SessionRow, 'address' | 'agent'> {
  const agent = from?.agent?.slice(0, AGENT_LENGTH).trim() ?? '';
  return { address: from?.address ?? null, agent: agent === '' ? null : agent };
}

/**
 * Forgets the sessions that are over. Those begun while the clock was ahead would outlast SESSION_TTL by as much as it was: they count
 * as begun now. They are not refused: a clock that is wrong for a moment must not sign everybody out.
 */
export async function endExpiredSessions({
  db,
  now,
  config,
}: Context & { readonly config: Pick<Config, 'sessionTtlSeconds'> }): Promise<void> {
  const at = now();
  const after = (ms: number) => new Date(at.getTime() + ms).toISOString();
  await write(db, async (trx) => {
    await trx.deleteFrom('sessions').where('expires_at', '<=', after(0)).execute();
    await trx
      .updateTable('sessions')
      .set({ created_at: after(0), expires_at: after(config.sessionTtlSeconds * 1000) })
      // They end later still; of that there is an index.
      .where('expires_at', '>', after(AHEAD_MS))
      .where('created_at', '>', after(AHEAD_MS))
      .execute();
  });
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

/**
 * The session behind a token of that kind, its user as the database knows them now; null for anything else. `isPoll`: a
 * page that asks by itself how far something is, which is no sign that somebody is there.
 */
export async function findSession(
  context: SessionContext,
  kind: SessionKind,
  token: string,
  { isPoll = false }: { readonly isPoll?: boolean } = {},
): Promise<Session | null> {
  const claims = kind === 'api' ? await claimsOf(context, token) : { sid: await hashOf(token), id: null };
  if (claims === null) return null;
  const now = context.now();
  const row = await withUser(context.db)
    .where('sessions.id', '=', claims.sid)
    .where('sessions.kind', '=', kind)
    .where('sessions.expires_at', '>', now.toISOString())
    .executeTakeFirst();
  if (row === undefined || (claims.id !== null && claims.id !== row.id)) return null;
  const unusedMs = now.getTime() - Date.parse(row.last_used_at ?? row.started_at);
  const { sessionIdleMs } = context.config;
  if (sessionIdleMs !== null && unusedMs >= sessionIdleMs) {
    await endSession(context.db, claims.sid);
    return null;
  }
  // Noted while the clock was ahead: from now on it counts by the clock as it is.
  if (!isPoll || unusedMs < -TOUCH_AFTER_MS) await touch(context, claims.sid, row);
  // Of whoever comes by a provider, that is the provider's to ask for.
  const isAsked = row.required === 'true' && row.oidc_identity_id === null;
  const lacksFactor = isAsked && row.confirmed_at === null;
  return { id: claims.sid, kind, user: toUser(row), lacksFactor, timeZone: row.time_zone };
}

/** Sessions with their users: every request asks. */
const withUser = builtOnce((db) =>
  db
    .selectFrom('sessions')
    .innerJoin('users', 'users.id', 'sessions.user_id')
    .leftJoin('second_factors', 'second_factors.id', 'users.id')
    .selectAll('users')
    .select(['sessions.created_at as started_at', 'sessions.last_used_at', 'second_factors.confirmed_at'])
    .select('sessions.oidc_identity_id')
    .select((eb) => requiredSetting(eb).as('required')),
);

/** The setting as it is stored: each request asks, so that it counts at once, in the query that it makes anyway. */
function requiredSetting(eb: ExpressionBuilder<Schema, 'users'>) {
  return eb.selectFrom('system_settings').select('value').where('key', '=', 'secondFactorRequired');
}

export async function endSession(db: Db, sessionId: string): Promise<void> {
  await write(db, (trx) => trx.deleteFrom('sessions').where('id', '=', sessionId).execute());
}

export async function endSessionsOf(
  trx: Trx,
  userId: string,
  { but = null }: { readonly but?: string | null } = {},
): Promise<void> {
  const of = trx.deleteFrom('sessions').where('user_id', '=', userId);
  await (but === null ? of : of.where('id', '<>', but)).execute();
}

async function apiToken(context: SessionContext, user: User, now: Date, expiresAt: Date) {
  const id = newId();
  const claims = {
    sid: id,
    id: user.id,
    email: user.email,
    iat: Math.floor(now.getTime() / 1000),
    exp: Math.floor(expiresAt.getTime() / 1000),
  };
  return { id, token: await sign(claims, await sessionSecret(context), 'HS256') };
}

/** The row holds the hash: whoever reads the database can't sign in with it. */
async function uiToken() {
  const token = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
  return { id: await hashOf(token), token };
}

interface Claims {
  readonly sid: string;
  /** The user's id; null where the token names none. */
  readonly id: string | null;
}

async function claimsOf(context: SessionContext, token: string): Promise<Claims | null> {
  const secret = await sessionSecret(context);
  try {
    // By the clock that is passed in, not by hono's.
    const { sid, id, exp } = await verify(token, secret, { alg: 'HS256', exp: false, iat: false });
    if (typeof sid !== 'string' || typeof id !== 'string' || typeof exp !== 'number') return null;
    return exp * 1000 > context.now().getTime() ? { sid, id } : null;
  } catch {
    // Whatever it trips over (hono reads the claims before the signature: `null` is a TypeError), it is no token of ours.
    return null;
  }
}

async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token));
  return toBase64Url(new Uint8Array(digest));
}

/** A row a minute at most, or ten in the time after which an unused session ends. */
async function touch(
  { db, now, config, log }: SessionContext,
  sessionId: string,
  row: { readonly id: string; readonly last_active_at: string | null; readonly last_used_at: string | null },
): Promise<void> {
  const at = now();
  const staleMs = Math.min(TOUCH_AFTER_MS, (config.sessionIdleMs ?? Number.POSITIVE_INFINITY) / 10);
  const isStale = (instant: string | null) =>
    instant === null ||
    at.getTime() - Date.parse(instant) >= staleMs ||
    Date.parse(instant) - at.getTime() > TOUCH_AFTER_MS;
  if (!isStale(row.last_active_at) && !isStale(row.last_used_at)) return;
  const instant = at.toISOString();
  try {
    await write(
      db,
      async (trx) => {
        await trx.updateTable('users').set({ last_active_at: instant }).where('id', '=', row.id).execute();
        await trx
          .updateTable('sessions')
          .set({ last_used_at: instant })
          .where('id', '=', sessionId)
          .execute();
      },
      { patienceMs: 0 },
    );
  } catch (error) {
    // A full disk or a lock must not keep people from reading.
    if (!isAppError(error, 'unavailable')) throw error;
    log.debug('the time of a request could not be saved', { userId: row.id, error });
  }
}
