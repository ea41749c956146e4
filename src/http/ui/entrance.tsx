import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { SetupPage } from '../../../views/entrance.tsx';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { type FirstAdmin, registerFirstAdmin } from '../../auth/first-admin.ts';
import { login, SecondFactorNeeded, type SignedIn } from '../../auth/login.ts';
import { leastPassword, newPasswordField } from '../../auth/password-rules.ts';
import { findSession } from '../../auth/sessions.ts';
import { signOut } from '../../auth/sign-out.ts';
import { hasUsers } from '../../auth/users.ts';
import { insertFirstEnvironment } from '../../environments/environments.ts';
import { AppError, isAppError } from '../../errors.ts';
import { emailField, line } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import type { Limits } from '../rate-limit.ts';
import { addressOf } from '../request-address.ts';
import { entranceCodeRoutes, sendCodePage } from './entrance-code.tsx';
import { entranceSignOnRoutes } from './entrance-sign-on.tsx';
import { writeBrowserCookie } from './kit/browser-cookie.ts';
import { enter, originOf } from './kit/enter.ts';
import { takeFlash } from './kit/flash.ts';
import { type FormBody, readForm, textOf } from './kit/form-body.ts';
import { failedForm, refusedForm } from './kit/form-failure.ts';
import { writeHalfwayCookie } from './kit/halfway-cookie.ts';
import { plainHttpWarning } from './kit/plain-http.ts';
import { sendPage } from './kit/send.tsx';
import { sendLogin } from './kit/send-login.tsx';
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from './kit/session-cookie.ts';
import { takeSaid } from './kit/sign-on-cookies.ts';
import type { UiEnv } from './kit/ui-env.ts';

const SECRETS = ['password', 'setupCode'];

const loginForm = z.object({ email: z.string().min(1), password: z.string().min(1).max(1024) });

/** The pages for somebody who is not signed in: /login and /setup; and /logout. `pages` are all, which show a lost form again. */
export function entranceRoutes(
  services: Services,
  limits: Pick<Limits, 'entrance' | 'signOn'>,
  pages: Pick<Hono<UiEnv>, 'fetch'>,
): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  ui.on(['GET', 'POST'], ['/login', '/login/code', '/setup', '/logout'], async (c, next) => {
    limits.entrance(c);
    await next();
  });
  const setupForm = z.object({
    email: emailField,
    password: newPasswordField(services.config, 'page'),
    name: line(100).nullable(),
  });

  ui.get('/login', async (c) => {
    if (!(await hasUsers(services.db))) return c.redirect('/setup', 303);
    const next = c.req.query('next');
    const form = freshForm(next === undefined ? {} : { next });
    const message = (await takeSaid(c, services)) ?? plainHttpWarning(c, services);
    return sendLogin(c, services, { ...form, message }, { notice: takeFlash(c, services)?.text ?? null });
  });

  ui.post('/login', async (c) => {
    const body = await readForm(c);
    const warning = plainHttpWarning(c, services);
    if (warning !== null)
      return refuseLogin(c, services, { ...refusedForm(body, [], SECRETS), message: warning });
    const parsed = loginForm.safeParse(body);
    if (!parsed.success) return refuseLogin(c, services, refusedForm(body, parsed.error.issues, SECRETS));
    const from = await originOf(c, services);
    let signedIn: SignedIn;
    try {
      signedIn = await login(services, { ...parsed.data, kind: 'ui', from });
    } catch (error) {
      if (isAppError(error, 'rate_limited')) return pauseLogin(c, services, body, error);
      if (!(error instanceof SecondFactorNeeded)) {
        return refuseLogin(c, services, failedForm(body, inWords(error), SECRETS));
      }
      await writeHalfwayCookie(c, error.halfway, services);
      return sendCodePage(c, refusedForm(body, [], SECRETS));
    }
    return enter(c, services, pages, { signedIn, browser: from.browser, body });
  });

  ui.route('/', entranceCodeRoutes(services, pages));
  ui.route('/', entranceSignOnRoutes(services, limits, pages));

  ui.get('/setup', async (c) => {
    if (await hasUsers(services.db)) return c.redirect('/login', 303);
    return sendSetup(c, services, { ...freshForm(), message: plainHttpWarning(c, services) });
  });

  ui.post('/setup', async (c) => {
    if (await hasUsers(services.db)) return c.redirect('/login', 303);
    const body = await readForm(c);
    const warning = plainHttpWarning(c, services);
    if (warning !== null) {
      return sendSetup(c, services, { ...refusedForm(body, [], SECRETS), message: warning }, 422);
    }
    const parsed = setupForm.safeParse({ ...body, name: textOf(body, 'name') });
    if (!parsed.success) return sendSetup(c, services, refusedForm(body, parsed.error.issues, SECRETS), 422);
    return setUp(c, services, body, parsed.data);
  });

  ui.post('/logout', async (c) => {
    const token = readSessionCookie(c, services);
    const session = token === undefined ? null : await findSession(services, 'ui', token);
    if (session !== null) {
      const from = { address: addressOf(c, services), requestId: c.get('requestId') };
      await signOut(services, from, session);
    }
    clearSessionCookie(c, services);
    return c.redirect('/login', 303);
  });

  return ui;
}

async function setUp(c: Context<UiEnv>, services: Services, body: FormBody, admin: FirstAdmin) {
  try {
    const from = await originOf(c, services);
    const signedIn = await registerFirstAdmin(services, {
      ...admin,
      setupCode: textOf(body, 'setupCode') ?? undefined,
      kind: 'ui',
      from,
      also: insertFirstEnvironment,
    });
    writeSessionCookie(c, signedIn, services);
    await writeBrowserCookie(c, from.browser, services);
  } catch (error) {
    return sendSetup(c, services, failedForm(body, asField(error), SECRETS), 422);
  }
  return c.redirect('/', 303);
}

function refuseLogin(c: Context<UiEnv>, services: Services, form: FormState) {
  return sendLogin(c, services, form, { status: 422 });
}

/** Too many wrong passwords: the form says when to come again. */
function pauseLogin(c: Context<UiEnv>, services: Services, body: FormBody, error: AppError) {
  const form = { ...refusedForm(body, [], SECRETS), message: error.message };
  c.header('Retry-After', String(error.details.retryAfterSeconds));
  return sendLogin(c, services, form, { status: 429 });
}

function sendSetup(c: Context<UiEnv>, services: Services, form: FormState, status: 200 | 422 = 200) {
  const least = leastPassword(services.config, 'page');
  return sendPage(c, <SetupPage form={form} leastPassword={least} />, status);
}

/** A missing or wrong setup code is the form's to mend. */
function asField(error: unknown): unknown {
  if (!isAppError(error, 'forbidden') || error.details.setupCodeRequired !== true) return error;
  return new AppError('invalid', error.message, { details: { field: 'setupCode' }, cause: error });
}

/** The API's clients know these two words; people need a sentence. */
function inWords(error: unknown): unknown {
  if (!isAppError(error, 'unauthorized')) return error;
  return new AppError('unauthorized', 'E-mail or password is wrong.', { cause: error });
}
