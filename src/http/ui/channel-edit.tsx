import { type Context, Hono } from 'hono';
import { ChannelFormPage } from '../../../views/notifications/channel-form-page.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { AppError } from '../../errors.ts';
import { changeChannelOf, channelChange } from '../../notifications/change-channel.ts';
import { listChannels, type ShownChannel } from '../../notifications/channels.ts';
import { CHAT_KINDS } from '../../notifications/chat.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { type FormBody, isTicked, textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { refusedUrl } from './refused-url.ts';

const PAGE = '/notifications/channels';
/** What a channel is given to take the test message. */
const TEST_MS = 60_000;

/** The page on which a channel is changed. Admins alone. */
export function channelEditRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get(`${PAGE}/:channelId`, only('admin'), async (c) => {
    const channel = await channelNamed(services, c.req.param('channelId'));
    return sendForm(c, services, channel, editForm(valuesOf(channel), storedOf(channel)));
  });

  ui.post(`${PAGE}/:channelId`, only('admin'), async (c) => {
    const channel = await channelNamed(services, c.req.param('channelId'));
    return submit(c, services, {
      parse: (body) => channelChange.safeParse(inputOf(body)),
      secrets: ['url', 'secret'],
      asksAgain: true,
      stored: async () => storedOf(await channelNamed(services, channel.id)),
      refuse: (form) => sendForm(c, services, channel, form),
      act: async (change) => {
        const signal = AbortSignal.timeout(TEST_MS);
        await changeChannelOf(services, actorOf(c, services), channel.id, change, signal);
        return { to: PAGE, say: 'channel-saved' };
      },
    });
  });

  return ui;
}

async function channelNamed({ db }: Services, id: string): Promise<ShownChannel> {
  const channel = (await listChannels(db)).find((one) => one.id === id);
  if (channel === undefined) throw new AppError('not_found', 'Channel not found');
  return channel;
}

async function sendForm(
  c: Context<UiEnv>,
  services: Services,
  channel: ShownChannel,
  form: FormState,
): Promise<Response> {
  const frame = await frameOf(c, services);
  return sendPage(
    c,
    <ChannelFormPage
      frame={frame}
      channel={{ ...channel, ...CHAT_KINDS[channel.kind] }}
      environments={frame.environments}
      form={form}
      {...refusedUrl(form)}
    />,
    c.req.method === 'POST' ? 422 : 200,
  );
}

function valuesOf({ name, leastSeverity, environmentId }: ShownChannel): FormBody {
  return { name, leastSeverity, environmentId: environmentId ?? '' };
}

/** Whatever was changed of it, its URL and secret too. */
const storedOf = ({ updatedAt }: ShownChannel): FormBody => ({ updatedAt });

function inputOf(body: FormBody) {
  return {
    ...{ name: textOf(body, 'name') ?? '', url: textOf(body, 'url'), secret: textOf(body, 'secret') },
    ...{ forgetSecret: isTicked(body, 'forgetSecret'), leastSeverity: body['leastSeverity'] },
    ...{ environmentId: textOf(body, 'environmentId'), saveAnyway: isTicked(body, 'saveAnyway') },
  };
}
