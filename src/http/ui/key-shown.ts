import type { Context } from 'hono';
import type { KeyShown } from '../../../views/ssh-key.tsx';
import { hasRole } from '../../auth/roles.ts';
import { getPublicSshKey } from '../../environments/made-ssh-key.ts';
import { isAppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import type { UiEnv } from './kit/ui-env.ts';

/** The public half, for who may paste it somewhere; where it can't be read, why. */
export async function keyShown(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
): Promise<KeyShown> {
  if (!hasRole(c.get('session').user.role, 'operator')) return { key: null, problem: null };
  try {
    return { key: await getPublicSshKey(services, environmentId), problem: null };
  } catch (error) {
    if (!isAppError(error, 'invalid', 'secret_unreadable', 'not_found')) throw error;
    return { key: null, problem: error.code === 'not_found' ? null : error.message };
  }
}
