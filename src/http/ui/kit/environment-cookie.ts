import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Services } from '../../../services-port.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

const ENVIRONMENT = 'bridgeport_environment';

/** The id of the environment that the user filters by; only a preference. */
export function readEnvironmentCookie(c: Context, services: Services): string | undefined {
  return getCookie(c, ENVIRONMENT, prefixOf(services));
}

export function writeEnvironmentCookie(c: Context, environmentId: string, services: Services): void {
  setCookie(c, ENVIRONMENT, environmentId, { ...attributesOf(c, services), maxAge: 365 * 86_400 });
}

export function forgetEnvironment(c: Context, services: Services): void {
  deleteCookie(c, ENVIRONMENT, attributesOf(c, services));
}
