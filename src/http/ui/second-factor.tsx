import { type Context, Hono } from 'hono';
import type { Child } from 'hono/jsx';
import * as z from 'zod';
import {
  BeginFactorPage,
  ConfirmFactorPage,
  FactorPage,
  type FactorPlace,
  RecoveryCodesPage,
} from '../../../views/account/second-factor-page.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import {
  beginSecondFactor,
  confirmSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
} from '../../auth/change-second-factor.ts';
import { readSecondFactor } from '../../auth/second-factor.ts';
import { codeField } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { qrPath } from './qr-path.ts';

const SECRETS = ['currentPassword', 'ownPassword', 'code'];
const passwordForm = z.object({ currentPassword: z.string().min(1).max(1024) });
const removeForm = z.object({ ownPassword: passwordForm.shape.currentPassword });
const codeForm = z.object({ code: codeField });

/** One's own second factor. What is shown once is the answer to a form: no address leads to it again. */
export function secondFactorRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/account/second-factor', only('viewer'), async (c) => sendFactor(c, services));

  ui.post('/account/second-factor', only('viewer'), async (c) =>
    submit(c, services, {
      secrets: SECRETS,
      parse: (body) => passwordForm.safeParse(body),
      refuse: (begin) => sendFactor(c, services, { begin }),
      async act(input) {
        const own = { userId: c.get('session').user.id, ...input };
        const { secret, uri } = await beginSecondFactor(services, actorOf(c, services), own);
        const shown = { secret, qr: qrPath(uri) };
        return sendFrom(c, services, (place) => (
          <ConfirmFactorPage place={place} form={freshForm()} shown={shown} />
        ));
      },
    }),
  );

  ui.post('/account/second-factor/confirm', only('viewer'), async (c) =>
    submit(c, services, {
      secrets: SECRETS,
      parse: (body) => codeForm.safeParse(body),
      refuse: async (form) =>
        sendFrom(c, services, (place) => <ConfirmFactorPage place={place} form={form} shown={null} />, 422),
      async act({ code }) {
        const { id: sessionId, user } = c.get('session');
        const own = { userId: user.id, code, sessionId };
        const codes = await confirmSecondFactor(services, actorOf(c, services), own);
        c.set('session', { ...c.get('session'), lacksFactor: false });
        return sendFrom(c, services, (place) => <RecoveryCodesPage place={place} codes={codes} />);
      },
    }),
  );

  ui.post('/account/second-factor/recovery-codes', only('viewer'), async (c) =>
    submit(c, services, {
      secrets: SECRETS,
      parse: (body) => passwordForm.safeParse(body),
      refuse: (renew) => sendFactor(c, services, { renew }),
      async act(input) {
        const own = { userId: c.get('session').user.id, ...input };
        const codes = await renewRecoveryCodes(services, actorOf(c, services), own);
        return sendFrom(c, services, (place) => <RecoveryCodesPage place={place} codes={codes} />);
      },
    }),
  );

  ui.post('/account/second-factor/remove', only('viewer'), async (c) =>
    submit(c, services, {
      secrets: SECRETS,
      parse: (body) => removeForm.safeParse(body),
      refuse: (remove) => sendFactor(c, services, { remove }),
      async act({ ownPassword: currentPassword }) {
        const own = { userId: c.get('session').user.id, currentPassword };
        await removeSecondFactor(services, actorOf(c, services), own);
        return { to: '/account', say: 'second-factor-removed' };
      },
    }),
  );

  ui.post('/admin/users/:userId/second-factor/remove', only('admin'), async (c) => {
    const userId = c.req.param('userId');
    await removeSecondFactor(services, actorOf(c, services), { userId });
    return goTo(c, services, `/admin/users/${userId}`, 'second-factor-removed');
  });

  return ui;
}

/** What there is, and what may be done; with a refused form it says so and answers 422. */
async function sendFactor(
  c: Context<UiEnv>,
  services: Services,
  refused: { readonly begin?: FormState; readonly renew?: FormState; readonly remove?: FormState } = {},
): Promise<Response> {
  const { isActive, confirmedAt, recoveryCodesLeft } = await readSecondFactor(
    services.db,
    c.get('session').user.id,
  );
  const { secondFactorRequired: isRequired } = await readSettings(services.db);
  const { renew = freshForm(), remove = freshForm() } = refused;
  // Of what changed in another tab meanwhile, the failure is told above what there is now.
  const begin = refused.begin ?? refused.renew ?? refused.remove ?? freshForm();
  const status = Object.keys(refused).length === 0 ? 200 : 422;
  return sendFrom(
    c,
    services,
    (place) =>
      isActive ? (
        <FactorPage
          {...{ place, recoveryCodesLeft, isRequired }}
          since={confirmedAt}
          renew={refused.begin ?? renew}
          remove={remove}
        />
      ) : (
        <BeginFactorPage place={place} form={begin} />
      ),
    status,
  );
}

async function sendFrom(
  c: Context<UiEnv>,
  services: Services,
  page: (place: FactorPlace) => Child,
  status: 200 | 422 = 200,
): Promise<Response> {
  const { user, lacksFactor } = c.get('session');
  const frame = lacksFactor ? null : await frameOf(c, services);
  return sendPage(c, page({ frame, email: user.email }), status);
}
