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
import { textOf } from './kit/form-body.ts';
import { writeHalfwayCookie } from './kit/halfway-cookie.ts';
import { plainHttpWarning } from './kit/plain-http.ts';
import { sendPage } from './kit/send.tsx';
import { sendLogin } from './kit/send-login.tsx';
import { clearSessionCookie, readSessionCookie, writeSessionCookie } from './kit/session-cookie.ts';
import { takeSaid } from './kit/sign-on-cookies.ts';
import { type Parsed, submit } from './kit/submit.ts';
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

  ui.post('/login', async (c) =>
    submit(c, services, {
      parse: (body) => unlessOverheard(c, services, loginForm.safeParse(body)),
      secrets: SECRETS,
      explain: inWords,
      refuse: (form) => sendLogin(c, services, form, { status: 422 }),
      async act(input, body, sent) {
        const from = await originOf(c, services);
        let signedIn: SignedIn;
        try {
          signedIn = await login(services, { ...input, kind: 'ui', from });
        } catch (error) {
          if (isAppError(error, 'rate_limited')) return pauseLogin(c, services, sent, error);
          if (!(error instanceof SecondFactorNeeded)) throw error;
          await writeHalfwayCookie(c, error.halfway, services);
          return sendCodePage(c, sent);
        }
        return enter(c, services, pages, { signedIn, browser: from.browser, body });
      },
    }),
  );

  ui.route('/', entranceCodeRoutes(services, pages));
  ui.route('/', entranceSignOnRoutes(services, limits, pages));

  ui.get('/setup', async (c) => {
    if (await hasUsers(services.db)) return c.redirect('/login', 303);
    return sendSetup(c, services, { ...freshForm(), message: plainHttpWarning(c, services) });
  });

  ui.post('/setup', async (c) => {
    if (await hasUsers(services.db)) return c.redirect('/login', 303);
    return submit(c, services, {
      parse: (body) =>
        unlessOverheard(c, services, setupForm.safeParse({ ...body, name: textOf(body, 'name') })),
      secrets: SECRETS,
      explain: asField,
      refuse: (form) => sendSetup(c, services, form, 422),
      async act(admin, body) {
        await setUp(c, services, textOf(body, 'setupCode') ?? undefined, admin);
        return { to: '/' };
      },
    });
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

/** Nothing is taken where a password is read by whoever listens. */
function unlessOverheard<Input>(c: Context<UiEnv>, services: Services, parsed: Parsed<Input>): Parsed<Input> {
  const message = plainHttpWarning(c, services);
  return message === null ? parsed : { success: false, error: { issues: [{ path: [], message }] } };
}

async function setUp(
  c: Context<UiEnv>,
  services: Services,
  setupCode: string | undefined,
  admin: FirstAdmin,
) {
  const from = await originOf(c, services);
  const signedIn = await registerFirstAdmin(services, {
    ...admin,
    ...{ setupCode, kind: 'ui', from },
    also: insertFirstEnvironment,
  });
  writeSessionCookie(c, signedIn, services);
  await writeBrowserCookie(c, from.browser, services);
}

/** Too many wrong passwords: the form says when to come again. */
function pauseLogin(c: Context<UiEnv>, services: Services, form: FormState, { message, details }: AppError) {
  c.header('Retry-After', String(details.retryAfterSeconds));
  return sendLogin(c, services, { ...form, message }, { status: 429 });
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
