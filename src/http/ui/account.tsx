import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { AccountPage } from '../../../views/account.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { changePassword } from '../../auth/change-password.ts';
import { leastPassword, newPasswordField } from '../../auth/password-rules.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './kit/actor.ts';
import { goTo } from './kit/flash.ts';
import { readForm } from './kit/form-body.ts';
import { failedForm, refusedForm } from './kit/form-failure.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { sendPage } from './kit/send.tsx';
import { clearSessionCookie } from './kit/session-cookie.ts';
import type { UiEnv } from './kit/ui-env.ts';

const SECRETS = ['currentPassword', 'newPassword'];

/** One's own account. */
export function accountRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const passwordForm = z.object({
    currentPassword: z.string().min(1).max(1024),
    newPassword: newPasswordField(services.config, 'page'),
  });
  const page = async (c: Context<UiEnv>, form: FormState) => (
    <AccountPage
      frame={await frameOf(c, services)}
      form={form}
      leastPassword={leastPassword(services.config, 'page')}
    />
  );

  ui.get('/account', only('viewer'), async (c) => sendPage(c, await page(c, freshForm())));

  ui.post('/account/password', only('viewer'), async (c) => {
    const body = await readForm(c);
    const refuse = async (form: FormState) => sendPage(c, await page(c, form), 422);
    const parsed = passwordForm.safeParse(body);
    if (!parsed.success) return refuse(refusedForm(body, parsed.error.issues, SECRETS));
    const { user } = c.get('session');
    try {
      await changePassword(services, actorOf(c, services), user.id, parsed.data);
    } catch (error) {
      return refuse(failedForm(body, error, SECRETS));
    }
    clearSessionCookie(c, services);
    return goTo(c, services, '/login', 'password-changed');
  });

  return ui;
}
