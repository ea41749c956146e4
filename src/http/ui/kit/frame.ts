import type { Context } from 'hono';
import type { EnvironmentChoice, Frame } from '../../../../views/frame/frame.ts';
import { listEnvironmentNames } from '../../../environments/environments.ts';
import { AppError } from '../../../errors.ts';
import { needsMasterKeyCopy } from '../../../installation/master-key-copy.ts';
import type { Services } from '../../../services-port.ts';
import { noticeOf } from './notices.ts';
import { readEnvironmentCookie, writeEnvironmentCookie } from './session-cookie.ts';
import type { UiEnv } from './ui-env.ts';

/** The frame of a page that is about no environment: the selector stands on the user's last choice. */
export async function frameOf(c: Context<UiEnv>, services: Services): Promise<Frame> {
  return build(c, services, await listEnvironmentNames(services.db), readEnvironmentCookie(c, services));
}

export interface EnvironmentFrame {
  readonly frame: Frame;
  readonly environment: EnvironmentChoice;
}

/** The frame of a page about this environment, which becomes the user's choice. Throws `not_found`. */
export async function environmentFrame(
  c: Context<UiEnv>,
  services: Services,
  environmentId: string,
): Promise<EnvironmentFrame> {
  const environments = await listEnvironmentNames(services.db);
  const environment = environments.find(({ id }) => id === environmentId);
  if (environment === undefined) throw new AppError('not_found', 'Environment not found');
  if (readEnvironmentCookie(c, services) !== environmentId) {
    writeEnvironmentCookie(c, environmentId, services);
  }
  return { frame: await build(c, services, environments, environmentId), environment };
}

async function build(
  c: Context<UiEnv>,
  services: Services,
  environments: readonly EnvironmentChoice[],
  chosen: string | undefined,
): Promise<Frame> {
  const { user } = c.get('session');
  return {
    user: { email: user.email, name: user.name, role: user.role },
    environments,
    environment: environments.find(({ id }) => id === chosen) ?? environments[0] ?? null,
    masterKeyUnconfirmed: user.role === 'admin' && (await needsMasterKeyCopy(services)),
    notice: noticeOf(c.req.query('notice')),
  };
}
