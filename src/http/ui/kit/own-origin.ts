import type { Context } from 'hono';
import type { Services } from '../../../services-port.ts';
import { isHttps } from '../../request-address.ts';
import type { UiEnv } from './ui-env.ts';

/** Where this installation is asked from outside, such as `https://backups.example.com`. */
export function ownOrigin(c: Context<UiEnv>, services: Services): string {
  if (services.config.publicUrl !== null) return services.config.publicUrl;
  const { host, protocol } = new URL(c.req.url);
  return `${isHttps(c, services) ? 'https:' : protocol}//${host}`;
}
