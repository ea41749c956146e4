import type { Context } from 'hono';
import type { UserActor } from '../../../auth/users.ts';
import type { Services } from '../../../services-port.ts';
import { addressOf } from '../../request-address.ts';
import type { UiEnv } from './ui-env.ts';

/** Who does this, for the use cases and the audit. */
export function actorOf(c: Context<UiEnv>, services: Services): UserActor {
  const { user } = c.get('session');
  return { userId: user.id, role: user.role, address: addressOf(c, services) };
}
