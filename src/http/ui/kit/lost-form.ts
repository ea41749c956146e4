import type { Context } from 'hono';
import { AppError } from '../../../errors.ts';
import { type FormBody, readForm } from './form-body.ts';
import { ownPath } from './own-path.ts';

/** A form that was sent after its session had ended, without what may be secret in it. */
export interface LostForm {
  /** Where it was sent to, with the query that chooses a form, such as that of an engine. */
  readonly path: string;
  /** As it was sent, but for what may be secret. */
  readonly fields: string;
}

/** Rather too many than one too few: what is left out has to be typed again, and nothing else. */
const MAY_BE_SECRET = /pass|secret|key|token|code|credential|ping|phrase/i;

/** Of a button: where it leads, and what stood beside it. Nobody has typed them. */
const OF_A_BUTTON: readonly string[] = ['next', 'shownFingerprint'];

/** Of what is larger, the form that signs in would be larger than forms may be. */
const MOST = 64 * 1024;

/** The form of this request, for the page that asks to sign in to keep; null where nothing was typed into it, or very much. */
export async function lostFormOf(c: Context): Promise<LostForm | null> {
  if (c.req.method !== 'POST') return null;
  let fields: URLSearchParams;
  try {
    await readForm(c);
    fields = new URLSearchParams(await c.req.text());
  } catch {
    // No form of ours.
    return null;
  }
  const kept = [...fields].filter(([name]) => !MAY_BE_SECRET.test(name));
  if (kept.every(([name]) => OF_A_BUTTON.includes(name))) return null;
  const text = new URLSearchParams([...kept]).toString();
  return text.length > MOST
    ? null
    : { path: c.req.path + queryKept(new URL(c.req.url).searchParams), fields: text };
}

/** What a button of the form asked for besides (`do`) is asked for again by whoever sees the form. */
function queryKept(query: URLSearchParams): string {
  const kept = [...query].filter(([name]) => name !== 'do' && !MAY_BE_SECRET.test(name));
  return kept.length === 0 ? '' : `?${new URLSearchParams(kept)}`;
}

const PATH = 'lostPath';
const FIELDS = 'lostFields';

/** What the form that signs in says of it. */
export function lostValues({ path, fields }: LostForm): FormBody {
  return { [PATH]: path, [FIELDS]: fields };
}

/** No path of ours has anything to decode, and dots are none of a path: `/x/../logout` and `/%6cogout` would be others. */
const OF_A_PAGE = /^(\/[\w-]+)+$/;
/** What the entrance itself does needs no session, and is never lost. */
const ENTRANCE = /^\/(login(\/.*)?|setup|logout)$/;

/** What it said. */
export function lostFormIn(body: FormBody): LostForm | null {
  const [path = '', query = ''] = ownPath(body[PATH]).split('?');
  const fields = body[FIELDS] ?? '';
  if (fields === '' || !OF_A_PAGE.test(path) || ENTRANCE.test(path)) return null;
  return { path: path + queryKept(new URLSearchParams(query)), fields };
}

/** Requests that stand for a lost form. They are made here alone: no header and no field says it. */
const shownAgain = new WeakSet<Request>();

/** A request that asks for its form, filled as it was sent, as the session of that cookie; it changes nothing. */
export function requestAgain(c: Context, { path, fields }: LostForm, cookie: string): Request {
  const headers = new Headers(c.req.raw.headers);
  headers.set('content-type', 'application/x-www-form-urlencoded');
  headers.set('cookie', cookie);
  for (const name of ['content-length', 'referer', 'hx-request']) headers.delete(name);
  const request = new Request(new URL(path, c.req.url), { method: 'POST', headers, body: fields });
  shownAgain.add(request);
  return request;
}

/** What is said above such a form; null for any other request. */
export function saidAgain(c: Context): string | null {
  if (!shownAgain.has(c.req.raw)) return null;
  return 'You were signed out before this was sent. Look it over, and type again what is secret.';
}

/**
 * Throws `unauthorized`, which comes back as the filled form, for a request that stands for a lost one: whoever signs in may
 * be somebody else, and a form is sent by the person who sees it.
 */
export function refuseShownAgain(c: Context): void {
  if (!shownAgain.has(c.req.raw)) return;
  throw new AppError('unauthorized', 'Nothing has been changed yet: send it once more.');
}
