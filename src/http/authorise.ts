import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { hasRole } from '../auth/roles.ts';
import { findSession, type Session } from '../auth/sessions.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import type { Limits } from './rate-limit.ts';
import type { Access, ApiEnv, ApiRoute } from './route.ts';

/**
 * Decides from the bearer token and the declared access alone, before anything is validated or looked up. Cookies do
 * not count here. The request is counted first, as soon as it is known whose it is; a token that opens nothing costs no
 * more than its signature and counts as none. Throws `rate_limited`, `unauthorized` or `forbidden` with the contract's texts.
 */
export function authorise(
  services: Services,
  route: Pick<ApiRoute, 'method' | 'access'>,
  limits: Pick<Limits, 'api'>,
) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    const session = route.access === 'public' ? null : await bearerSession(services, c);
    limits.api(c, session);
    if (route.access !== 'public') {
      if (session === null) throw new AppError('unauthorized', 'Unauthorized');
      const refusal = refuse(route.access, route.method, session, c.req.param('id'));
      if (refusal !== null) throw new AppError('forbidden', refusal);
      c.set('session', session);
    }
    await next();
  });
}

async function bearerSession(services: Services, c: Context): Promise<Session | null> {
  const match = /^Bearer ([\w.-]+)$/.exec(c.req.header('authorization') ?? '');
  return match?.[1] === undefined ? null : findSession(services, 'api', match[1]);
}

function refuse(
  access: Exclude<Access, 'public'>,
  method: string,
  { user }: Session,
  id: string | undefined,
): string | null {
  if (access === 'self-or-admin') {
    if (user.id === id || hasRole(user.role, 'admin')) return null;
    return user.role === 'viewer' && method !== 'GET' ? VIEWER : 'Access denied';
  }
  if (hasRole(user.role, access)) return null;
  if (user.role === 'viewer' && method !== 'GET') return VIEWER;
  return access === 'admin' ? 'Admin access required' : 'Operator or admin access required';
}

const VIEWER = 'This action requires operator or admin role';
