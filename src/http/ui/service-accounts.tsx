import { type Context, Hono } from 'hono';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import {
  NewServiceAccountPage,
  questionOfAccount,
  ServiceAccountPage,
  ServiceAccountsPage,
} from '../../../views/tokens/service-accounts.tsx';
import type { Services } from '../../services-port.ts';
import {
  countServiceAccounts,
  createServiceAccount,
  deleteServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  newServiceAccount,
  type ServiceAccount,
  serviceAccountChange,
  updateServiceAccount,
} from '../../tokens/service-accounts.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { isTicked, textOf } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { pageOf } from './kit/paging.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const PER_PAGE = 50;
const LIST = '/admin/service-accounts';

/** Admin > Users & tokens > Service accounts. */
export function serviceAccountRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const newPage = async (c: Context<UiEnv>, form: FormState) => (
    <NewServiceAccountPage frame={await frameOf(c, services)} form={form} />
  );
  const page = async (c: Context<UiEnv>, account: ServiceAccount, form: FormState) => (
    <ServiceAccountPage
      frame={await frameOf(c, services)}
      account={account}
      form={form}
      question={c.req.query('delete') === undefined ? null : questionOfAccount(account)}
    />
  );

  ui.get(LIST, only('admin'), async (c) => {
    const page = pageOf(c, PER_PAGE);
    return sendPage(
      c,
      <ServiceAccountsPage
        frame={await frameOf(c, services)}
        accounts={await listServiceAccounts(services.db, page)}
        page={{ ...page, total: await countServiceAccounts(services.db) }}
      />,
    );
  });

  ui.get(`${LIST}/new`, only('admin'), async (c) =>
    sendPage(c, await newPage(c, freshForm({ role: 'operator' }))),
  );

  ui.post(`${LIST}/new`, only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => newServiceAccount.safeParse({ ...body, description: textOf(body, 'description') }),
      refuse: async (form) => sendPage(c, await newPage(c, form), 422),
      async act(input) {
        const { id } = await createServiceAccount(services, actorOf(c, services), input);
        return { to: `${LIST}/${id}`, say: 'account-created' };
      },
    }),
  );

  ui.get(`${LIST}/:accountId`, only('admin'), async (c) => {
    const account = await getServiceAccount(services.db, c.req.param('accountId'));
    return sendPage(c, await page(c, account, editForm(valuesOf(account))));
  });

  ui.post(`${LIST}/:accountId`, only('admin'), async (c) => {
    const account = await getServiceAccount(services.db, c.req.param('accountId'));
    return submit(c, services, {
      parse: (body) =>
        serviceAccountChange.required({ role: true }).safeParse({
          role: body['role'],
          description: textOf(body, 'description'),
          disabled: isTicked(body, 'disabled'),
        }),
      stored: async () => valuesOf(account),
      refuse: async (form) => sendPage(c, await page(c, account, form), 422),
      async act(input) {
        await updateServiceAccount(services, actorOf(c, services), account.id, input);
        return { to: LIST, say: 'account-saved' };
      },
    });
  });

  ui.post(`${LIST}/:accountId/delete`, only('admin'), async (c) => {
    await deleteServiceAccount(services, actorOf(c, services), c.req.param('accountId'));
    return goTo(c, services, LIST, 'account-deleted');
  });

  return ui;
}

function valuesOf({ role, description, disabled }: ServiceAccount) {
  return { role, description: description ?? '', ...(disabled ? { disabled: 'true' } : {}) };
}
