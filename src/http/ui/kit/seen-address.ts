import type { Context } from 'hono';
import { AppError } from '../../../errors.ts';
import type { Services } from '../../../services-port.ts';
import { ownAddress } from '../../request-address.ts';
import { webOrigin } from './same-origin.ts';

/**
 * Throws `invalid` where the browser opened the form at another address than the app sees, so that a provider would send people where
 * nobody is: a proxy in between asks by another host or scheme. With PUBLIC_URL it does not matter where a page was opened.
 */
export function refuseElsewhere(c: Context, services: Pick<Services, 'config'>): void {
  const origin = webOrigin(c.req.header('origin'));
  const own = ownAddress(c, services);
  if (services.config.publicUrl !== null || origin === null || origin === new URL(own).origin) return;
  throw new AppError(
    'invalid',
    `Nothing was saved: your browser is at ${origin}, and the app sees ${own}, where the provider would send people back to. ` +
      `Set PUBLIC_URL to ${origin} and start the app again. Or name the proxy in between in TRUST_PROXY, and have it keep the Host header ` +
      '(nginx: proxy_set_header Host $http_host) and tell the scheme (proxy_set_header X-Forwarded-Proto $scheme).',
  );
}
