import type { FormState } from '../../../../views/parts/form-state.ts';
import type { RouteView } from '../../../../views/reference/reference.ts';

/** What a form of the reference asks to be sent. */
export interface Trial {
  /** Path and query. */
  readonly target: string;
  /** Null: none. */
  readonly body: string | null;
  readonly token: string | null;
  readonly key: string | null;
}

/** Of a wait in the form: a page that is loaded is no place to wait for long. */
const LONGEST_WAIT_S = 30;
const TOKEN = /^[\w.-]{1,4096}$/;
const KEY = /^[\x21-\x7e]{1,200}$/;

type Typed = Readonly<Record<string, string>>;

/**
 * Reads the form of a route: its fields `param.NAME` and `query.NAME`, `body`, `token`, `key`, `confirm`. Gives what is wrong by
 * field where it can't be sent as it is; whether the API takes it is the API's to say.
 */
export function readTrial(view: RouteView, typed: Typed): Trial | { readonly errors: FormState['errors'] } {
  const errors: Record<string, string> = {};
  const path = view.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = typed[`param.${name}`] ?? '';
    const wrong = wrongSegment(value);
    if (wrong !== null) errors[`param.${name}`] = wrong;
    return encodeURIComponent(value.toWellFormed());
  });
  const query = new URLSearchParams();
  for (const { name } of view.query) {
    const value = typed[`query.${name}`] ?? '';
    if (value !== '') query.append(name, value.toWellFormed());
  }
  const wait = query.get('wait');
  if (wait !== null && Number(wait) > LONGEST_WAIT_S) {
    errors['query.wait'] = `Here at most ${LONGEST_WAIT_S} seconds; by the command, 600.`;
  }
  const body = view.body === null ? null : (typed['body'] ?? '').trim();
  const fault = body === null || body === '' ? null : faultOf(body);
  if (fault !== null) errors['body'] = fault;
  const token = (typed['token'] ?? '').trim();
  if (token !== '' && !TOKEN.test(token)) {
    errors['token'] =
      'That is no token: one has letters, digits, “.”, “_” and “-” alone. Paste it without “Bearer”.';
  }
  const key = (typed['key'] ?? '').trim();
  if (key !== '' && !KEY.test(key))
    errors['key'] = 'Enter 1 to 200 letters, digits and signs of ASCII, without spaces.';
  if (view.isChanging && typed['confirm'] !== 'true')
    errors['confirm'] = 'Tick this: what is sent is really done.';
  if (Object.keys(errors).length > 0) return { errors };
  const search = query.size === 0 ? '' : `?${query}`;
  return {
    target: path + search,
    body,
    token: token === '' ? null : token,
    key: view.isKeyed && key !== '' ? key : null,
  };
}

/** A segment of dots alone would be taken as a step in the path, however it is encoded. */
function wrongSegment(value: string): string | null {
  if (value === '') return 'Please fill this in.';
  if (value === '.' || value === '..') return 'Dots alone are a step in the path, and no id.';
  return value.length > 1000 ? 'Enter at most 1000 characters.' : null;
}

function faultOf(body: string): string | null {
  try {
    JSON.parse(body);
    return null;
  } catch (error) {
    const where =
      error instanceof SyntaxError ? /position \d+|line \d+ column \d+/.exec(error.message)?.[0] : undefined;
    return where === undefined ? 'This is no JSON.' : `This is no JSON: look at ${where}.`;
  }
}

/** What was typed, to be shown again: never the token, and nothing in the body that is secret, also by the route's own fields. */
export function typedAgain(typed: Typed, secretFields: readonly string[]): Typed {
  const { token: _token, confirm: _confirm, body, ...shown } = typed;
  return body === undefined ? shown : { ...shown, body: withoutSecrets(body, secretFields) };
}

const SECRET_NAME = /password|secret|token|privatekey|passphrase|accesskey|totp|code|identity|credential/i;
/** In text that is no JSON yet: `"password": "x"` becomes `"password": ""`. */
const SECRET_TEXT = new RegExp(
  `("[^"\\\\]*(?:${SECRET_NAME.source})[^"\\\\]*"\\s*:\\s*)"(?:[^"\\\\]|\\\\[\\s\\S])*(?:"|$)`,
  'gi',
);

/** The body with whatever its names call secret left blank, whichever type it is of; as it was typed where there is nothing of it. */
export function withoutSecrets(body: string, secretFields: readonly string[] = []): string {
  const isSecret = (name: string) => SECRET_NAME.test(name) || secretFields.includes(name);
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    // A name may be written by escapes, and a field of the route have any: nothing of such a text is given back.
    if (body.includes('\\u') || secretFields.length > 0) return '';
    return body.replaceAll(SECRET_TEXT, '$1""');
  }
  let isBlanked = false;
  const blank = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(blank);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, of]) => {
        if (!isSecret(name) || !holdsText(of)) return [name, blank(of)];
        isBlanked = true;
        return [name, ''];
      }),
    );
  };
  try {
    const blanked = blank(parsed);
    return isBlanked ? JSON.stringify(blanked, null, 2) : body;
  } catch (error) {
    // It nests deeper than the stack: what can't be looked through is not given back.
    if (error instanceof RangeError) return '';
    throw error;
  }
}

/** Null and a tick say nothing. */
const holdsText = (value: unknown) => value !== null && typeof value !== 'boolean' && value !== '';
