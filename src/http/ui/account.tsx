import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { AccountPage } from '../../../views/account.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { questionOfToken } from '../../../views/tokens/token-table.tsx';
import { changePassword } from '../../auth/change-password.ts';
import { leastPassword, newPasswordField } from '../../auth/password-rules.ts';
import type { Services } from '../../services-port.ts';
import { listTokens } from '../../tokens/tokens.ts';
import { actorOf } from './kit/actor.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { clearSessionCookie } from './kit/session-cookie.ts';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const SECRETS = ['currentPassword', 'newPassword'];

/** One's own account. */
export function accountRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const passwordForm = z.object({
    currentPassword: z.string().min(1).max(1024),
    newPassword: newPasswordField(services.config, 'page'),
  });
  const page = async (c: Context<UiEnv>, form: FormState) => {
    const tokens = await listTokens(services.db, { ownerUserId: c.get('session').user.id });
    const asked = tokens.find(({ id }) => id === c.req.query('revoke'));
    return (
      <AccountPage
        frame={await frameOf(c, services)}
        form={form}
        leastPassword={leastPassword(services.config, 'page')}
        tokens={tokens}
        question={
          asked === undefined
            ? null
            : questionOfToken(asked, `/account/tokens/${asked.id}/revoke`, '/account')
        }
      />
    );
  };

  ui.get('/account', only('viewer'), async (c) => sendPage(c, await page(c, freshForm())));

  ui.post('/account/password', only('viewer'), async (c) =>
    submit(c, services, {
      parse: (body) => passwordForm.safeParse(body),
      secrets: SECRETS,
      refuse: async (form) => sendPage(c, await page(c, form), 422),
      async act(input) {
        await changePassword(services, actorOf(c, services), c.get('session').user.id, input);
        clearSessionCookie(c, services);
        return { to: '/login', say: 'password-changed' };
      },
    }),
  );

  return ui;
}
