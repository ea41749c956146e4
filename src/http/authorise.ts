import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { hasRole } from '../auth/roles.ts';
import { findSession, type Session } from '../auth/sessions.ts';
import { AppError } from '../errors.ts';
import type { Services } from '../services-port.ts';
import type { Access, ApiEnv, ApiRoute } from './routes.ts';

/**
 * Decides from the bearer token and the declared access alone, before anything is validated or looked up. Cookies do
 * not count here. Throws `unauthorized` or `forbidden` with the contract's texts.
 */
export function authorise(services: Services, route: Pick<ApiRoute, 'method' | 'access'>) {
  return createMiddleware<ApiEnv>(async (c, next) => {
    if (route.access !== 'public') {
      const session = await bearerSession(services, c);
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
