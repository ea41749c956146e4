import type { ActingToken } from '../tokens/acting-token.ts';
import type { ApiRoute } from './route.ts';

/** What a token of some environments may call besides what lies under those: who it is, and which they are. */
const WHO_AM_I = 'GET /api/auth/me';
const OF_EVERY_TOKEN = [WHO_AM_I, 'GET /api/environments'];
const UNDER_ENVIRONMENT = /^\/api\/environments\/:(\w+)(?:\/|$)/;

/**
 * Why a token may not call that route, by its scope alone, whatever its role; null where it may. The texts are the contract's.
 * `environmentId` is what stands for the environment in the path that was asked for.
 */
export function outOfScope(
  route: Pick<ApiRoute, 'method' | 'path' | 'isForBackups'>,
  token: Pick<ActingToken, 'access' | 'environmentIds'>,
  environmentId: string | undefined,
): string | null {
  const name = `${route.method} ${route.path}`;
  if (token.access === 'metrics') return name === WHO_AM_I ? null : 'Token may only read /metrics';
  if (OF_EVERY_TOKEN.includes(name)) return null;
  if (token.access === 'backups' && !route.isForBackups) {
    return 'Token may only start, read and pin backups, under /api/environments/:id';
  }
  if (token.environmentIds === null) return null;
  if (environmentParam(route.path) === null || environmentId === undefined) {
    return 'Token is scoped to specific environments and cannot access global resources';
  }
  return token.environmentIds.includes(environmentId) ? null : 'Token is not scoped to this environment';
}

/** The name of the parameter that is an environment, of a route that lies under one. */
export function environmentParam(path: string): string | null {
  return UNDER_ENVIRONMENT.exec(path)?.[1] ?? null;
}
