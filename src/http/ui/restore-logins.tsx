import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { questionOfLogin, RestoreLoginsPage } from '../../../views/restore/restore-logins-page.tsx';
import { engines } from '../../engines/engines.ts';
import {
  listRestoreLogins,
  putRestoreLogin,
  removeRestoreLogin,
  restoreLoginInput,
} from '../../restores/restore-logins.ts';
import { getServer } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { numberOf, readForm, textOf } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const input = restoreLoginInput.extend({ engine: z.string().min(1) });

/** As whom restores and drills are made on a server. */
export function restoreLoginRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/servers/:serverId/restore-logins', only('operator'), async (c) => send(c, services));

  ui.post('/servers/:serverId/restore-logins', only('admin'), async (c) => {
    const serverId = c.req.param('serverId');
    return submit(c, services, {
      secrets: ['password'],
      asksAgain: true,
      parse: (body) =>
        input.safeParse({
          engine: textOf(body, 'engine') ?? '',
          username: textOf(body, 'username') ?? '',
          // A password counts as it was typed, with the blanks around it.
          password: body['password'] ?? '',
          host: textOf(body, 'host'),
          port: numberOf(body, 'port'),
          tlsMode: textOf(body, 'tlsMode') ?? undefined,
          tlsCa: textOf(body, 'tlsCa'),
        }),
      refuse: (form) => send(c, services, form),
      act: async ({ engine, ...login }) => {
        await putRestoreLogin(services, actorOf(c, services), { serverId, engine }, login);
        return { to: `/servers/${serverId}/restore-logins`, say: 'restore-login-saved' };
      },
    });
  });

  ui.post('/servers/:serverId/restore-logins/delete', only('admin'), async (c) => {
    const serverId = c.req.param('serverId');
    const { engine = '' } = await readForm(c);
    await removeRestoreLogin(services, actorOf(c, services), { serverId, engine });
    return goTo(c, services, `/servers/${serverId}/restore-logins`, 'restore-login-forgotten');
  });

  return ui;
}

async function send(
  c: Context<UiEnv, '/servers/:serverId/restore-logins'>,
  services: Services,
  refused?: FormState,
): Promise<Response> {
  const server = await getServer(services.db, c.req.param('serverId'));
  const { frame, environment } = await environmentFrame(c, services, server.environmentId);
  const logins = await listRestoreLogins(services.db, server.id);
  const withUsers = engines.filter(({ isFile }) => !isFile);
  const asked = logins.find(({ engine }) => engine === c.req.query('forget'));
  return sendPage(
    c,
    <RestoreLoginsPage
      frame={frame}
      server={server}
      environmentName={environment.name}
      logins={logins}
      engines={withUsers}
      form={refused ?? freshForm({ tlsMode: 'off' })}
      question={asked !== undefined && frame.user.isAdmin ? questionOfLogin(server, asked, withUsers) : null}
    />,
    refused === undefined ? 200 : 422,
  );
}
