import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { LoginPage, SetupPage } from '../../../views/entrance.tsx';
import { type FormState, freshForm } from '../../../views/form-state.ts';
import { registerFirstAdmin } from '../../auth/first-admin.ts';
import { login } from '../../auth/login.ts';
import { endSession, findSession } from '../../auth/sessions.ts';
import { hasUsers } from '../../auth/users.ts';
import { emailField, line, passwordField } from '../../catalog/fields.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { addressOf } from '../request-address.ts';
import { type FormBody, readForm, textOf } from './form-body.ts';
import { failedForm, refusedForm } from './form-failure.ts';
import { textOfNotice } from './notices.ts';
import { sendPage } from './send.ts';
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from './session-cookie.ts';
import type { UiEnv } from './ui-env.ts';

const SECRETS = ['password', 'setupCode'];

const loginForm = z.object({ email: z.string().min(1), password: z.string().min(1).max(1024) });
const setupForm = z.object({ email: emailField, password: passwordField, name: line(100).nullable() });

/** The pages for somebody who is not signed in: /login and /setup; and /logout. */
export function entranceRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get('/login', async (c) => {
    if (!(await hasUsers(services.db))) return c.redirect('/setup', 303);
    const next = c.req.query('next');
    const form = freshForm(next === undefined ? {} : { next });
    return sendPage(c, <LoginPage form={form} notice={textOfNotice(c.req.query('notice'))} />);
  });

  ui.post('/login', async (c) => {
    const body = await readForm(c);
    const parsed = loginForm.safeParse(body);
    if (!parsed.success) return refuseLogin(c, refusedForm(body, parsed.error.issues, SECRETS));
    try {
      const signedIn = await login(services, { ...parsed.data, kind: 'ui' });
      writeSessionCookie(c, signedIn, services);
    } catch (error) {
      return refuseLogin(c, failedForm(body, error, SECRETS));
    }
    return c.redirect(ownPath(body['next']), 303);
  });

  ui.get('/setup', async (c) => {
    if (await hasUsers(services.db)) return c.redirect('/login', 303);
    return sendPage(c, <SetupPage form={freshForm()} />);
  });

  ui.post('/setup', async (c) => {
    if (await hasUsers(services.db)) return c.redirect('/login', 303);
    const body = await readForm(c);
    const parsed = setupForm.safeParse({ ...body, name: textOf(body, 'name') });
    if (!parsed.success) return refuseSetup(c, refusedForm(body, parsed.error.issues, SECRETS));
    return setUp(c, services, body, parsed.data);
  });

  ui.post('/logout', async (c) => {
    const token = readSessionCookie(c);
    const session = token === undefined ? null : await findSession(services, 'ui', token);
    if (session !== null) await endSession(services.db, session.id);
    clearSessionCookie(c);
    return c.redirect('/login', 303);
  });

  return ui;
}

async function setUp(
  c: Context<UiEnv>,
  services: Services,
  body: FormBody,
  admin: z.infer<typeof setupForm>,
) {
  try {
    const signedIn = await registerFirstAdmin(services, {
      ...admin,
      setupCode: textOf(body, 'setupCode') ?? undefined,
      kind: 'ui',
      address: addressOf(c, services),
    });
    writeSessionCookie(c, signedIn, services);
  } catch (error) {
    return refuseSetup(c, failedForm(body, asField(error), SECRETS));
  }
  return c.redirect('/', 303);
}

function refuseLogin(c: Context<UiEnv>, form: FormState) {
  return sendPage(c, <LoginPage form={form} notice={null} />, 422);
}

function refuseSetup(c: Context<UiEnv>, form: FormState) {
  return sendPage(c, <SetupPage form={form} />, 422);
}

/** A missing or wrong setup code is the form's to mend. */
function asField(error: unknown): unknown {
  if (!isAppError(error, 'forbidden') || error.details['setupCodeRequired'] !== true) return error;
  return new AppError('invalid', error.message, { details: { field: 'setupCode' }, cause: error });
}

/** Where to go after signing in: only ever a path of our own. */
function ownPath(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\x21-\x7e]*$/.test(next) ? next : '/';
}
