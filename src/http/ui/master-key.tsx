import { Hono } from 'hono';
import { MasterKeyPage } from '../../../views/system/master-key-page.tsx';
import { confirmMasterKeyCopy, masterKeyCopy } from '../../installation/master-key-copy.ts';
import type { Services } from '../../services-port.ts';
import { keyCommand } from './key-command.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** Where the master key lies, and that it was copied. */
export function masterKeyRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/admin/master-key', only('admin'), async (c) =>
    sendPage(
      c,
      <MasterKeyPage
        frame={await frameOf(c, services)}
        {...(await masterKeyCopy(services))}
        copy={keyCommand(services)}
      />,
    ),
  );

  ui.post('/admin/master-key/confirm', only('admin'), async (c) => {
    await confirmMasterKeyCopy(services, actorOf(c, services));
    return goTo(c, services, '/', 'master-key-confirmed');
  });

  return ui;
}
