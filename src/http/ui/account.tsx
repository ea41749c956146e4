import { Hono } from 'hono';
import * as z from 'zod';
import { AccountPage } from '../../../views/account.tsx';
import { type FormState, freshForm } from '../../../views/form-state.ts';
import { changePassword } from '../../auth/change-password.ts';
import { passwordField } from '../../catalog/fields.ts';
import type { Services } from '../../services-port.ts';
import { actorOf } from './actor.ts';
import { readForm } from './form-body.ts';
import { failedForm, refusedForm } from './form-failure.ts';
import { frameOf } from './frame.ts';
import { withNotice } from './notices.ts';
import { only } from './roles.ts';
import { sendPage } from './send.ts';
import { clearSessionCookie } from './session-cookie.ts';
import type { UiEnv } from './ui-env.ts';

const SECRETS = ['currentPassword', 'newPassword'];
const passwordForm = z.object({ currentPassword: z.string().min(1).max(1024), newPassword: passwordField });

/** One's own account. */
export function accountRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/account', only('viewer'), async (c) =>
    sendPage(c, <AccountPage frame={await frameOf(c, services)} form={freshForm()} />),
  );

  ui.post('/account/password', only('viewer'), async (c) => {
    const body = await readForm(c);
    const refuse = async (form: FormState) =>
      sendPage(c, <AccountPage frame={await frameOf(c, services)} form={form} />, 422);
    const parsed = passwordForm.safeParse(body);
    if (!parsed.success) return refuse(refusedForm(body, parsed.error.issues, SECRETS));
    const { user } = c.get('session');
    try {
      // As a viewer, so that admins too must know their own present password here.
      await changePassword(services, { ...actorOf(c, services), role: 'viewer' }, user.id, parsed.data);
    } catch (error) {
      return refuse(failedForm(body, error, SECRETS));
    }
    clearSessionCookie(c);
    return c.redirect(withNotice('/login', 'password-changed'), 303);
  });

  return ui;
}
