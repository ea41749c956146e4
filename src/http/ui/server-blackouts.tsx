import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { BlackoutsPage, questionOfBlackout } from '../../../views/schedules/blackouts-page.tsx';
import {
  addBlackout,
  blackoutInput,
  namedBlackouts,
  removeBlackout,
} from '../../schedules/server-blackouts.ts';
import { getServer } from '../../servers/servers.ts';
import type { Services } from '../../services-port.ts';
import { readTimeZone } from '../../settings/settings.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { isTicked, readForm, textOf } from './kit/form-body.ts';
import { environmentFrame } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6];
const NEW = { day1: 'true', day2: 'true', day3: 'true', day4: 'true', day5: 'true' };

/** When nothing is begun on a server by schedule. */
export function serverBlackoutRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/servers/:serverId/blackouts', only('viewer'), async (c) => send(c, services));

  ui.post('/servers/:serverId/blackouts', only('operator'), async (c) => {
    const id = c.req.param('serverId');
    return submit(c, services, {
      parse: (body) =>
        blackoutInput.safeParse({
          weekdays: WEEKDAYS.filter((day) => isTicked(body, `day${day}`)),
          from: textOf(body, 'from') ?? '',
          until: textOf(body, 'until') ?? '',
          reason: textOf(body, 'reason'),
        }),
      refuse: (form) => send(c, services, form),
      act: async (input) => {
        await addBlackout(services, actorOf(c, services), id, input);
        return { to: `/servers/${id}/blackouts`, say: 'blackout-added' };
      },
    });
  });

  ui.post('/servers/:serverId/blackouts/delete', only('operator'), async (c) => {
    const serverId = c.req.param('serverId');
    const { id = '' } = await readForm(c);
    await removeBlackout(services, actorOf(c, services), serverId, id);
    return goTo(c, services, `/servers/${serverId}/blackouts`, 'blackout-removed');
  });

  return ui;
}

async function send(
  c: Context<UiEnv, '/servers/:serverId/blackouts'>,
  services: Services,
  refused?: FormState,
): Promise<Response> {
  const server = await getServer(services.db, c.req.param('serverId'));
  const { frame, environment } = await environmentFrame(c, services, server.environmentId);
  const blackouts = await namedBlackouts(services.db, server.id);
  const asked = blackouts.find(({ id }) => id === c.req.query('remove'));
  return sendPage(
    c,
    <BlackoutsPage
      frame={frame}
      server={server}
      environmentName={environment.name}
      blackouts={blackouts}
      zone={await readTimeZone(services.db)}
      form={refused ?? freshForm(NEW)}
      question={asked !== undefined && frame.user.mayChange ? questionOfBlackout(server, asked) : null}
    />,
    refused === undefined ? 200 : 422,
  );
}
