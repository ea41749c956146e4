import { Hono, type MiddlewareHandler } from 'hono';
import { ROLES } from '../auth/roles.ts';
import type { UserActor } from '../auth/users.ts';
import type { Services } from '../services-port.ts';
import { createTokenNotes } from '../tokens/note-use.ts';
import { authorise } from './authorise.ts';
import { idempotent } from './idempotent.ts';
import type { Limits } from './rate-limit.ts';
import { addressOf } from './request-address.ts';
import { type Access, type ApiEnv, type ApiRoute, type ApiSession, isKeyed } from './route.ts';
import { readableBody, refuseBrokenUnicode, refuseReadonly, validate } from './validate.ts';

const ACCESSES: readonly Access[] = ['public', ...ROLES, 'self-or-admin'];
const REQUEST_TIMEOUT_MS = 60_000;

/** The routes as an app. Throws at once for a route that does not say who may call it, or that is declared twice. */
export function mountRoutes(
  services: Services,
  routes: readonly ApiRoute[],
  limits: Pick<Limits, 'api'>,
): Hono<ApiEnv> {
  const app = new Hono<ApiEnv>();
  const notes = createTokenNotes(services);
  const seen = new Set<string>();
  for (const route of routes) {
    const name = `${route.method} ${route.path}`;
    if (!ACCESSES.includes(route.access)) throw new Error(`Route ${name} does not say who may call it.`);
    if (seen.has(name)) throw new Error(`Route ${name} is declared twice.`);
    seen.add(name);
    app.on(
      route.method,
      route.path,
      authorise(services, route, limits, notes),
      ...once(services, route),
      ...checks(route),
      async (c) => {
        // Undefined for a public route, whose handler is handed no type that tells of one.
        const session = c.get('session');
        const address = addressOf(c, services);
        const answer = await route.handle({
          c,
          session,
          params: c.req.param(),
          // What the validators let through has the declared shape.
          query: route.query === null ? {} : c.req.valid('query' as never),
          body: route.body === null ? {} : c.req.valid('json' as never),
          actor: actorOf(session, address, c.get('requestId')),
          address,
          signal: AbortSignal.any([c.req.raw.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        });
        return answer instanceof Response ? answer : c.json(answer, route.success);
      },
    );
  }
  return app;
}

function once(services: Services, route: ApiRoute): readonly MiddlewareHandler[] {
  return isKeyed(route) ? [idempotent(services)] : [];
}

/** Of a service account there is no user, whose id could be stored. */
function actorOf(session: ApiSession | undefined, address: string | null, requestId: string): UserActor {
  if (session === undefined) return { userId: null, role: 'viewer', address, requestId };
  const { user, token } = session;
  const userId = token === null || token.serviceAccountId === null ? user.id : null;
  return { userId, role: user.role, address, token, requestId };
}

function checks(route: ApiRoute): readonly MiddlewareHandler[] {
  return [
    ...(route.body === null ? [] : [readableBody]),
    ...(route.readonlyFields.length === 0 ? [] : [refuseReadonly(route.readonlyFields)]),
    ...(route.query === null ? [] : [validate('query', route.query)]),
    ...(route.body === null ? [] : [refuseBrokenUnicode, validate('json', route.body)]),
  ];
}
