import { type Context, Hono } from 'hono';
import { ChannelPanel, questionOfChannel } from '../../../views/notifications/channel-panel.tsx';
import { DeliveriesPage } from '../../../views/notifications/deliveries-page.tsx';
import { WaysPage } from '../../../views/notifications/ways-page.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import {
  channelInput,
  createChannelOf,
  listChannels,
  removeChannel,
  tryChannel,
} from '../../notifications/channels.ts';
import { CHANNEL_KINDS, CHAT_KINDS } from '../../notifications/chat.ts';
import { countDeliveries, listDeliveries } from '../../notifications/delivery-log.ts';
import {
  readSmtp,
  removeSmtp,
  type ShownSmtp,
  saveSmtp,
  smtpInput,
  trySmtp,
} from '../../notifications/smtp-settings.ts';
import { isTypeId, typeOf } from '../../notifications/types.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, isTicked, numberOf, textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { refusedUrl } from './refused-url.ts';

const PER_PAGE = 50;
const PAGE = '/notifications/channels';
/** A mail server is given that long. */
const TEST_MS = 60_000;

/** By which ways people are told beside the app, and what was sent. Admins alone. */
export function notificationWayRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get(PAGE, only('admin'), async (c) => sendWays(c, services));

  ui.post(`${PAGE}/mail`, only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => smtpInput.safeParse(inputOf(body)),
      secrets: ['password'],
      asksAgain: true,
      stored: async () => storedOf(await readSmtp(services.db)),
      refuse: (form) => sendWays(c, services, { mail: form }),
      act: async (input) => {
        const { email } = c.get('session').user;
        await saveSmtp(services, actorOf(c, services), input, email, AbortSignal.timeout(TEST_MS));
        return { to: PAGE, say: 'mail-saved' };
      },
    }),
  );

  ui.post(`${PAGE}/mail/test`, only('admin'), async (c) => {
    actorOf(c, services);
    const sent = await trySmtp(services, c.get('session').user.email, AbortSignal.timeout(TEST_MS));
    return goTo(c, services, PAGE, sent.isTaken ? 'mail-sent' : 'mail-not-sent');
  });

  ui.post(`${PAGE}/mail/delete`, only('admin'), async (c) => {
    await removeSmtp(services, actorOf(c, services));
    return goTo(c, services, PAGE, 'mail-removed');
  });

  ui.post(PAGE, only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => channelInput.safeParse(channelOf(body)),
      secrets: ['url', 'secret'],
      asksAgain: true,
      refuse: (form) => sendWays(c, services, { channel: form }),
      act: async (input) => {
        await createChannelOf(services, actorOf(c, services), input, AbortSignal.timeout(TEST_MS));
        return { to: PAGE, say: 'channel-added' };
      },
    }),
  );

  ui.post(`${PAGE}/:channelId/test`, only('admin'), async (c) => {
    actorOf(c, services);
    const outcome = await tryChannel(services, c.req.param('channelId'), AbortSignal.timeout(TEST_MS));
    return goTo(c, services, PAGE, outcome.isOk ? 'channel-sent' : 'channel-not-sent');
  });

  ui.post(`${PAGE}/:channelId/delete`, only('admin'), async (c) => {
    await removeChannel(services, actorOf(c, services), c.req.param('channelId'));
    return goTo(c, services, PAGE, 'channel-removed');
  });

  ui.get('/notifications/deliveries', only('admin'), async (c) => {
    const page = pageOf(c, PER_PAGE);
    const deliveries = await listDeliveries(services.db, null, page);
    return sendPage(
      c,
      <DeliveriesPage
        frame={await frameOf(c, services)}
        deliveries={deliveries.map(({ event, ...delivery }) => ({ ...delivery, what: nameOf(event) }))}
        page={{ ...page, total: await countDeliveries(services.db, null) }}
      />,
    );
  });

  return ui;
}

/** A form that was refused, of the two on the page. */
interface Refused {
  readonly mail?: FormState;
  readonly channel?: FormState;
}

async function sendWays(c: Context<UiEnv>, services: Services, refused: Refused = {}): Promise<Response> {
  const mail = await readSmtp(services.db);
  const frame = await frameOf(c, services);
  const names = new Map(frame.environments.map(({ id, name }) => [id, name]));
  const channels = (await listChannels(services.db)).map((channel) => ({
    ...channel,
    kindLabel: CHAT_KINDS[channel.kind].label,
    environmentName: channel.environmentId === null ? null : (names.get(channel.environmentId) ?? null),
  }));
  const asked = channels.find(({ id }) => id === c.req.query('remove'));
  const channel = refused.channel ?? freshForm({ leastSeverity: 'warning' });
  const isRefused = refused.mail !== undefined || refused.channel !== undefined;
  return sendPage(
    c,
    <WaysPage
      frame={frame}
      mail={mail}
      form={refused.mail ?? editForm(valuesOf(mail, c.get('session').user.email), storedOf(mail))}
      maySaveAnyway={refused.mail?.errors['host'] !== undefined}
      question={asked === undefined ? null : questionOfChannel(asked)}
    >
      <ChannelPanel
        channels={channels}
        kinds={CHANNEL_KINDS.map((kind) => ({ value: kind, ...CHAT_KINDS[kind] }))}
        environments={frame.environments}
        form={channel}
        {...refusedUrl(channel)}
      />
    </WaysPage>,
    isRefused ? 422 : 200,
  );
}

function channelOf(body: FormBody) {
  return {
    ...{ kind: body['kind'], name: textOf(body, 'name') ?? '', url: textOf(body, 'url') ?? '' },
    ...{ secret: textOf(body, 'secret'), leastSeverity: body['leastSeverity'] },
    ...{ environmentId: textOf(body, 'environmentId'), saveAnyway: isTicked(body, 'saveAnyway') },
  };
}

function valuesOf(mail: ShownSmtp | null, email: string): FormBody {
  if (mail === null) return { port: '587', security: 'starttls', sender: email };
  const { host, port, security, username, sender } = mail;
  return { host, port: String(port), security, username: username ?? '', sender };
}

/** Before there is one, each admin is proposed another address. */
const storedOf = (mail: ShownSmtp | null): FormBody => (mail === null ? {} : valuesOf(mail, ''));

function inputOf(body: FormBody) {
  return {
    host: textOf(body, 'host') ?? '',
    port: numberOf(body, 'port'),
    security: body['security'],
    username: textOf(body, 'username'),
    password: body['password'] === '' ? null : body['password'],
    sender: textOf(body, 'sender') ?? '',
    saveAnyway: isTicked(body, 'saveAnyway'),
  };
}

/** Webhooks are told by the contract's names of the same things. */
const OF_WEBHOOKS: Readonly<Record<string, string>> = {
  'backup.completed': typeOf('system.backup_success').name,
  'backup.failed': typeOf('system.backup_failed').name,
};

const nameOf = (event: string) => (isTypeId(event) ? typeOf(event).name : (OF_WEBHOOKS[event] ?? event));
