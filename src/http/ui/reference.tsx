import { type Context, Hono } from 'hono';
import { createMiddleware } from 'hono/factory';
import { type FormState, freshForm } from '../../../views/parts/form-state.ts';
import { ConventionsPage } from '../../../views/reference/conventions-page.tsx';
import { ReferenceIndexPage } from '../../../views/reference/index-page.tsx';
import { ReferenceRoutePage } from '../../../views/reference/route-page.tsx';
import { findSession } from '../../auth/sessions.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import type { Limits } from '../rate-limit.ts';
import { ownAddress } from '../request-address.ts';
import { readForm } from './kit/form-body.ts';
import { frameOf } from './kit/frame.ts';
import { refuseShownAgain } from './kit/lost-form.ts';
import { sendPage } from './kit/send.tsx';
import { readSessionCookie } from './kit/session-cookie.ts';
import type { UiEnv } from './kit/ui-env.ts';
import { curlLine, fetchLine, fileNameOf } from './reference/curl-line.ts';
import { ERROR_CODES } from './reference/error-codes.ts';
import {
  createReference,
  type DeclaredGroups,
  type Reference,
  type ReferenceEntry,
} from './reference/reference.ts';
import { searchReference } from './reference/search.ts';
import { readTrial, type Trial, typedAgain } from './reference/try-form.ts';
import { type Answering, tryRequest } from './reference/try-request.ts';

/** The API that is described, and how it is asked. */
export interface DescribedApi {
  readonly groups: DeclaredGroups;
  readonly answering: Answering;
}

/**
 * The reference of the API under /docs, open as /openapi.json is: to be mounted before whoever is not signed in is sent away. What is
 * tried goes through the whole app as the token that was typed, from the same address; a cookie never goes with it.
 */
export function referenceRoutes(
  services: Services,
  limits: Pick<Limits, 'page' | 'entrance'>,
  { groups, answering }: DescribedApi,
): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();
  const reference = createReference(groups);
  ui.use('/docs/*', whoever(services, limits));

  ui.get('/docs', async (c) => {
    const question = (c.req.query('q') ?? '').trim();
    return sendPage(
      c,
      <ReferenceIndexPage
        frame={await frameOrNone(c, services)}
        groups={reference.groups}
        question={question}
        found={question === '' ? null : searchReference(reference, question)}
      />,
    );
  });

  ui.get('/docs/conventions', async (c) => {
    const { rateLimitUserMax, rateLimitMax, rateLimitWindowMs } = services.config;
    return sendPage(
      c,
      <ConventionsPage
        frame={await frameOrNone(c, services)}
        codes={ERROR_CODES}
        limits={{
          perAccount: rateLimitUserMax,
          perAddress: rateLimitMax,
          windowSeconds: rateLimitWindowMs / 1000,
        }}
      />,
    );
  });

  ui.get('/docs/:routeId', async (c) => {
    const view = entryNamed(reference, c.req.param('routeId')).view();
    const form = freshForm(view.example === null ? {} : { body: view.example });
    const frame = await frameOrNone(c, services);
    return sendPage(c, <ReferenceRoutePage frame={frame} route={view} form={form} tried={null} />);
  });

  ui.post('/docs/:routeId', async (c) => {
    refuseShownAgain(c);
    const entry = entryNamed(reference, c.req.param('routeId'));
    const view = entry.view();
    const { secretFields } = entry.route;
    const typed = await readForm(c);
    const values = typedAgain(typed, secretFields);
    const trial = readTrial(view, typed);
    if ('errors' in trial) {
      const form: FormState = { values, errors: trial.errors, message: null };
      const frame = await frameOrNone(c, services);
      return sendPage(c, <ReferenceRoutePage frame={frame} route={view} form={form} tried={null} />, 422);
    }
    const request = requestOf(c, view.method, trial);
    const answer = await tryRequest(answering, { request, env: c.env, secret: trial.token });
    const asked = { ...trial, needsToken: !view.isPublic, fileName: fileNameOf(answer) };
    const command = curlLine(ownAddress(c, services), view.method, asked, secretFields);
    const frame = await frameOrNone(c, services);
    return sendPage(
      c,
      <ReferenceRoutePage
        frame={frame}
        route={view}
        form={freshForm(values)}
        tried={{ answer, command, fetches: fetchLine(answer) }}
      />,
    );
  });

  return ui;
}

function entryNamed({ entries }: Reference, id: string): ReferenceEntry {
  const entry = entries.get(id);
  if (entry === undefined) throw new AppError('not_found', 'There is no such route in the API.');
  return entry;
}

/** Finds whoever is signed in, and counts the request by their session, else by address; nobody is sent away. */
function whoever(services: Services, limits: Pick<Limits, 'page' | 'entrance'>) {
  return createMiddleware<UiEnv>(async (c, next) => {
    const token = readSessionCookie(c, services);
    const session = token === undefined ? null : await findSession(services, 'ui', token);
    if (session === null) limits.entrance(c);
    else limits.page(c, session);
    // Who still has to set up a second factor sees no frame, which leads to what is not open yet.
    if (session !== null && !session.lacksFactor) c.set('session', session);
    await next();
  });
}

async function frameOrNone(c: Context<UiEnv>, services: Services) {
  return c.get('session') === undefined ? null : await frameOf(c, services);
}

/** Of the browser's headers, those alone that tell its address. */
const KEPT_HEADERS = ['x-forwarded-for', 'x-forwarded-proto', 'user-agent'];

function requestOf(c: Context<UiEnv>, method: string, { target, body, token, key }: Trial): Request {
  const headers = new Headers(token === null ? {} : { authorization: `Bearer ${token}` });
  for (const name of KEPT_HEADERS) {
    const value = c.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  if (key !== null) headers.set('idempotency-key', key);
  const hasBody = body !== null && body !== '';
  if (hasBody) headers.set('content-type', 'application/json');
  const { signal } = c.req.raw;
  return new Request(new URL(target, c.req.url), { method, headers, signal, ...(hasBody ? { body } : {}) });
}
