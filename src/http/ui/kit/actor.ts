import type { Context } from 'hono';
import type { UserActor } from '../../../auth/users.ts';
import type { Services } from '../../../services-port.ts';
import { addressOf } from '../../request-address.ts';
import { refuseShownAgain } from './lost-form.ts';
import type { UiEnv } from './ui-env.ts';

/** Who does this, for the use cases and the audit. Throws `unauthorized` where a lost form is only to be shown again. */
export function actorOf(c: Context<UiEnv>, services: Services): UserActor {
  refuseShownAgain(c);
  const { user } = c.get('session');
  const requestId = c.get('requestId');
  return { userId: user.id, role: user.role, address: addressOf(c, services), requestId };
}
