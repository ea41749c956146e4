import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { hasRole, refuseBelow } from '../auth/roles.ts';
import { findSession } from '../auth/sessions.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import { findToken } from '../tokens/acting-token.ts';
import type { TokenNotes } from '../tokens/note-use.ts';
import { isTokenLike } from '../tokens/token-text.ts';
import type { Limits } from './rate-limit.ts';
import { addressOf } from './request-address.ts';
import type { Access, ApiEnv, ApiRoute, ApiSession } from './route.ts';
import { environmentParam, outOfScope } from './token-scope.ts';

/**
 * Decides from the bearer token and the declared access alone, before anything is validated or looked up. Cookies do
 * not count here. The request is counted first, as soon as it is known whose it is; a token that opens nothing costs no
 * more than its signature, or the look at an index, and counts as none. Of a token, what it is for is looked at before its role.
 * Throws `rate_limited`, `unauthorized`, `forbidden_scope` or `forbidden` with the contract's texts; `second_factor_missing`.
 */
export function authorise(
  services: Services,
  route: Pick<ApiRoute, 'method' | 'path' | 'access' | 'isForBackups' | 'isForSettingUp'>,
  limits: Pick<Limits, 'api'>,
  notes: TokenNotes,
) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const session = route.access === 'public' ? null : await bearerSession(services, c, notes);
    limits.api(c, session);
    if (route.access !== 'public') {
      if (session === null) throw new AppError('unauthorized', 'Unauthorized');
      if (session.lacksFactor && !route.isForSettingUp) throw new AppError('second_factor_missing', FACTOR);
      const scope =
        session.token === null ? null : outOfScope(route, session.token, environmentOf(c, route.path));
      if (scope !== null) throw new AppError('forbidden_scope', scope);
      refuse(route.access, route.method, session, c.req.param('id'));
      c.set('session', session);
    }
    await next();
  });
}

async function bearerSession(
  services: Services,
  c: Context<ApiEnv>,
  notes: TokenNotes,
): Promise<ApiSession | null> {
  const text = /^Bearer ([\w.-]+)$/.exec(c.req.header('authorization') ?? '')?.[1];
  if (text === undefined) return null;
  if (isTokenLike(text)) {
    const from = { address: addressOf(c, services), requestId: c.get('requestId') };
    const found = await findToken(services, text, { notes, from });
    return found === null ? null : { id: found.token.id, lacksFactor: false, ...found };
  }
  const session = await findSession(services, 'api', text);
  return session === null ? null : { ...session, token: null };
}

function environmentOf(c: Context, path: string): string | undefined {
  const name = environmentParam(path);
  return name === null ? undefined : c.req.param(name);
}

function refuse(
  access: Exclude<Access, 'public'>,
  method: string,
  { user }: ApiSession,
  id: string | undefined,
): void {
  const isSelf = access === 'self-or-admin' && user.id === id;
  const least = access === 'self-or-admin' ? 'admin' : access;
  if (isSelf || hasRole(user.role, least)) return;
  if (!hasRole(user.role, 'operator') && method !== 'GET') throw new AppError('forbidden', VIEWER);
  if (access === 'self-or-admin') throw new AppError('forbidden', 'Access denied');
  refuseBelow(user.role, access);
}

const FACTOR =
  'This installation requires a second factor, and your account has none. Set it up under Account, or by POST /api/users/:id/second-factor; until then nothing else is open.';

const VIEWER = 'This action requires operator or admin role';
