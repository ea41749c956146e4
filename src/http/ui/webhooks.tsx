import { type Context, Hono } from 'hono';
import { questionOfWebhook, WebhooksPage } from '../../../views/notifications/webhooks-page.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { samePage } from '../../../views/parts/pager.tsx';
import { listDeliveries } from '../../notifications/delivery-log.ts';
import { trySubscription } from '../../notifications/send-webhook.ts';
import {
  createSubscription,
  deleteSubscription,
  listAllSubscriptions,
  subscriptionInput,
} from '../../notifications/webhook-subscriptions.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, isTicked, readForm, textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { sayNext, takeSaid } from './kit/sign-on-cookies.ts';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { refusedUrl } from './refused-url.ts';

const PAGE = '/notifications/webhooks';
const PER_PAGE = 50;
const TEST_MS = 30_000;

/** The webhooks of all environments, for operators. */
export function webhookRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get(PAGE, only('operator'), async (c) => sendWebhooks(c, services, {}));

  /** A secret that is made is in the answer to the form and nowhere else: no address leads to it again. */
  ui.post(PAGE, only('operator'), async (c) => {
    return submit(c, services, {
      parse: (body) => subscriptionInput.safeParse(inputOf(body)),
      refuse: (form) => sendWebhooks(c, services, { form }),
      async act(input, body) {
        const environmentId = textOf(body, 'environmentId') ?? '';
        const { secret } = await createSubscription(services, actorOf(c, services), environmentId, input);
        return secret === null ? { to: PAGE, say: 'webhook-added' } : sendWebhooks(c, services, { secret });
      },
    });
  });

  ui.post(`${PAGE}/:webhookId/test`, only('operator'), async (c) => {
    actorOf(c, services);
    const environmentId = textOf(await readForm(c), 'environmentId') ?? '';
    const signal = AbortSignal.timeout(TEST_MS);
    const outcome = await trySubscription(services, environmentId, c.req.param('webhookId'), signal);
    if (outcome.isOk) return goTo(c, services, PAGE, 'webhook-sent');
    await sayNext(c, `The webhook did not take the test: ${outcome.reason}`, services);
    return goTo(c, services, PAGE);
  });

  ui.post(`${PAGE}/:webhookId/delete`, only('operator'), async (c) => {
    const actor = actorOf(c, services);
    const environmentId = textOf(await readForm(c), 'environmentId') ?? '';
    await deleteSubscription(services, actor, environmentId, c.req.param('webhookId'));
    return goTo(c, services, PAGE, 'webhook-removed');
  });

  return ui;
}

async function sendWebhooks(
  c: Context<UiEnv>,
  services: Services,
  { form, secret = null }: { readonly form?: FormState; readonly secret?: string | null },
): Promise<Response> {
  const frame = await frameOf(c, services);
  const names = new Map(frame.environments.map(({ id, name }) => [id, name]));
  const page = pageOf(c, PER_PAGE);
  const { subscriptions, total } = await listAllSubscriptions(services, page);
  const webhooks = await Promise.all(
    subscriptions.map(async (subscription) => ({
      ...subscription,
      environmentName: names.get(subscription.environmentId) ?? '–',
      last: await lastSentTo(services, subscription.id),
    })),
  );
  const asked = webhooks.find(({ id }) => id === c.req.query('remove'));
  const chosen = frame.environment?.id ?? frame.environments[0]?.id ?? '';
  const fresh = { environmentId: chosen, completed: 'true', failed: 'true', generateSecret: 'true' };
  const shown = form ?? freshForm(fresh);
  return sendPage(
    c,
    <WebhooksPage
      frame={frame}
      webhooks={webhooks}
      page={{ ...page, total }}
      form={shown}
      isPrivate={refusedUrl(shown).isPrivate}
      secret={secret}
      trouble={await takeSaid(c, services)}
      question={asked === undefined ? null : questionOfWebhook(asked, samePage(PAGE, page))}
    />,
    form === undefined ? 200 : 422,
  );
}

async function lastSentTo({ db }: Services, targetId: string) {
  const [last] = await listDeliveries(db, { way: 'webhook', targetId }, { limit: 1, offset: 0 });
  return last ?? null;
}

function inputOf(body: FormBody) {
  const events = [
    ...(isTicked(body, 'completed') ? ['backup.completed'] : []),
    ...(isTicked(body, 'failed') ? ['backup.failed'] : []),
  ];
  return { url: textOf(body, 'url') ?? '', events, generateSecret: isTicked(body, 'generateSecret') };
}
