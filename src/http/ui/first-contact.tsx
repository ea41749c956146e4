import { type Context, Hono } from 'hono';
import { FirstContact, type SeenHostKey } from '../../../views/first-contact.tsx';
import { AppError, isAppError } from '../../errors.ts';
import { lookAtHostKey } from '../../servers/look-at-host-key.ts';
import { isLocalHostname } from '../../servers/open-server.ts';
import { getServer, type Server } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { only } from './kit/roles.ts';
import { sendFragment } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** The key of a host that nobody has signed in to yet, which the checklist loads. */
export function firstContactRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/servers/:serverId/first-contact', only('operator'), async (c) => {
    const server = await getServer(services.db, c.req.param('serverId'));
    return sendFragment(c, <FirstContact server={server} seen={await seenAt(c, services, server)} />);
  });

  return ui;
}

/** What a host presents; of one that is not reached, why. Throws `not_found` for the app's own machine. */
export async function seenAt(
  c: Context<UiEnv>,
  services: Services,
  { id, hostname }: Pick<Server, 'id' | 'hostname'>,
): Promise<SeenHostKey> {
  if (isLocalHostname(hostname)) throw new AppError('not_found', 'There is no such page.');
  try {
    return await lookAtHostKey(services, id, c.req.raw.signal);
  } catch (error) {
    if (!isAppError(error) || error.code === 'internal' || error.code === 'not_found') throw error;
    return { problem: error.message };
  }
}
