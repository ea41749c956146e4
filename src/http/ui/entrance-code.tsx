import { type Context, Hono } from 'hono';
import * as z from 'zod';
import { CodePage } from '../../../views/entrance.tsx';
import type { FormState } from '../../../views/parts/form-state.ts';
import { loginByCode } from '../../auth/login.ts';
import { WrongCode } from '../../auth/sign-in-code.ts';
import { AppError, isAppError } from '../../errors.ts';
import { codeField } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import { enter, originOf } from './kit/enter.ts';
import { clearHalfwayCookie, readHalfwayCookie } from './kit/halfway-cookie.ts';
import { sendPage } from './kit/send.tsx';
import { sendLogin } from './kit/send-login.tsx';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const SECRETS = ['code'];
const codeForm = z.object({ code: codeField });

/** The second page of a sign-in, for somebody whose password was right. */
export function entranceCodeRoutes(services: Services, pages: Pick<Hono<UiEnv>, 'fetch'>): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  // What was typed at the first page came with a form, and is not asked for again by an address.
  ui.get('/login/code', (c) => c.redirect('/login', 303));

  ui.post('/login/code', async (c) => {
    const halfway = await readHalfwayCookie(c, services);
    return submit(c, services, {
      parse: (body) => codeForm.safeParse(body),
      secrets: SECRETS,
      explain: asField,
      refuse: (form) => (halfway === null ? beginAnew(c, services, form) : sendCodePage(c, form, 422)),
      async act(input, body, sent) {
        if (halfway === null) return beginAnew(c, services, sent);
        const from = await originOf(c, services);
        try {
          const signedIn = await loginByCode(services, { ...input, halfway, kind: 'ui', from });
          clearHalfwayCookie(c, services);
          return await enter(c, services, pages, { signedIn, browser: from.browser, body });
        } catch (error) {
          if (isAppError(error, 'rate_limited')) return pauseCode(c, sent, error);
          if (error instanceof WrongCode || !isAppError(error, 'unauthorized')) throw error;
          clearHalfwayCookie(c, services);
          return beginAnew(c, services, sent);
        }
      },
    });
  });

  return ui;
}

/** The question for the code; the form carries along what the first page's did. */
export function sendCodePage(c: Context<UiEnv>, form: FormState, status: 200 | 422 | 429 = 200) {
  return sendPage(c, <CodePage form={form} />, status);
}

function pauseCode(c: Context<UiEnv>, form: FormState, error: AppError) {
  c.header('Retry-After', String(error.details.retryAfterSeconds));
  return sendCodePage(c, { ...form, message: error.message }, 429);
}

const TOO_LATE = 'The password was typed too long ago, or has changed since. Sign in from the beginning.';

function beginAnew(c: Context<UiEnv>, services: Services, form: FormState) {
  return sendLogin(c, services, { ...form, message: TOO_LATE }, { status: 422 });
}

/** The API's field has another name. */
function asField(error: unknown): unknown {
  if (!(error instanceof WrongCode)) return error;
  return new AppError('unauthorized', error.message, { details: { field: 'code' }, cause: error });
}
