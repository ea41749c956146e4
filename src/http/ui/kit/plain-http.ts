import type { Context } from 'hono';
import type { Services } from '../../../services-port.ts';
import { isHttpsByProxy } from '../../request-address.ts';

/**
 * What to tell somebody whose browser talks http although PUBLIC_URL is https: it would drop the Secure cookie, and the
 * sign-in end where it began, without a word. Null for everybody else. A browser sends Sec-Fetch-Site over https, and to
 * this machine itself, whose Secure cookies it keeps; behind a proxy, our own scheme and Host may not be the browser's.
 */
export function plainHttpWarning(c: Context, services: Pick<Services, 'config'>): string | null {
  const { publicUrl } = services.config;
  if (publicUrl === null || !publicUrl.startsWith('https:')) return null;
  if (c.req.header('sec-fetch-site') !== undefined || isHttpsByProxy(c, services)) return null;
  const origin = c.req.header('origin');
  const isPublic =
    origin === undefined ? c.req.header('host') === new URL(publicUrl).host : origin.startsWith('https:');
  return isPublic
    ? null
    : `Open ${publicUrl} to sign in: this page came over plain http, where browsers keep no cookie of a sign-in.`;
}
