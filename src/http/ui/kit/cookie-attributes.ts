import type { Context } from 'hono';
import type { Services } from '../../../services-port.ts';
import { isHttps } from '../../request-address.ts';

/**
 * `__Host-` where PUBLIC_URL is https: a browser takes such a cookie from this very host over https alone, so that no
 * neighbour under the same domain can put one of its own in its place.
 */
export function prefixOf({ config }: Pick<Services, 'config'>): 'host' | undefined {
  return config.publicUrl?.startsWith('https:') ? 'host' : undefined;
}

/** Of every cookie: not for scripts, not for other sites, only over https where that is the address. */
export function attributesOf(c: Context, services: Pick<Services, 'config'>) {
  const prefix = prefixOf(services);
  const attributes = {
    path: '/',
    httpOnly: true,
    sameSite: 'Lax',
    secure: isHttps(c, services),
  } as const;
  return prefix === undefined ? attributes : { ...attributes, prefix, secure: true as const };
}
