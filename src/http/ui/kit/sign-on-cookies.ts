import type { Context } from 'hono';
import { deleteCookie, getCookie, getSignedCookie, setSignedCookie } from 'hono/cookie';
import * as z from 'zod';
import { sessionSecret } from '../../../auth/session-secret.ts';
import { TRANSACTION_MS, type Transaction } from '../../../oidc/transaction.ts';
import { fromBase64Url, toBase64Url } from '../../../secrets/base64url.ts';
import type { Services } from '../../../services-port.ts';
import { short } from '../../../short-text.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

/** One for each sign-in that was begun, so that two tabs are not in each other's way; this many, so that headers stay small. */
const BEGUN = 'bridgeport_oidc_';
const MOST = 4;
const SAID = 'bridgeport_said';
const SAID_S = 60;
const LONGEST = 700;

const transaction = z.object({
  ...{ state: z.string(), nonce: z.string(), verifier: z.string() },
  ...{ target: z.string(), next: z.string(), redirectUri: z.string() },
  link: z.object({ userId: z.string(), sessionId: z.string() }).nullable(),
});

/** Keeps in this browser, signed, what the answer of the provider must fit to. */
export async function writeTransaction(c: Context, begun: Transaction, services: Services): Promise<void> {
  const older = begunIn(c, services).sort((a, b) => b.endsAt - a.endsAt);
  for (const { name } of older.slice(MOST - 1)) deleteCookie(c, name, attributesOf(c, services));
  await writeSigned(c, nameOf(begun.state), 'oidc', JSON.stringify(begun), TRANSACTION_MS / 1000, services);
}

/** What was begun in this browser with that state, once and for ten minutes; else null. */
export async function takeTransaction(
  c: Context,
  state: string | null,
  services: Services,
): Promise<Transaction | null> {
  if (state === null || !/^[\w-]{43}$/.test(state)) return null;
  const text = await takeSigned(c, nameOf(state), 'oidc', TRANSACTION_MS / 1000, services);
  const parsed = text === null ? null : transaction.safeParse(JSON.parse(text));
  return parsed?.success && parsed.data.state === state ? parsed.data : null;
}

/** Says why nobody was signed in, on the next page that is made in this browser: an address would keep it. */
export async function sayNext(c: Context, text: string, services: Services): Promise<void> {
  await writeSigned(c, SAID, 'said', short(text, LONGEST), SAID_S, services);
}

export async function takeSaid(c: Context, services: Services): Promise<string | null> {
  return takeSigned(c, SAID, 'said', SAID_S, services);
}

const nameOf = (state: string) => `${BEGUN}${state.slice(0, 16)}`;

/** Those that the browser has, by their names without a prefix. */
function begunIn(c: Context, services: Services): { readonly name: string; readonly endsAt: number }[] {
  const prefix = prefixOf(services) === 'host' ? '__Host-' : '';
  return Object.entries(getCookie(c)).flatMap(([name, value]) =>
    name.startsWith(`${prefix}${BEGUN}`)
      ? [{ name: name.slice(prefix.length), endsAt: Number(value.split('.')[2]) || 0 }]
      : [],
  );
}

/** The kind is part of what is signed: no cookie of ours stands for another. */
async function writeSigned(
  c: Context,
  name: string,
  kind: 'oidc' | 'said',
  text: string,
  keptS: number,
  services: Services,
): Promise<void> {
  const endsAt = services.now().getTime() + keptS * 1000;
  const value = [kind, toBase64Url(new TextEncoder().encode(text)), endsAt].join('.');
  const attributes = { ...attributesOf(c, services), maxAge: keptS };
  await setSignedCookie(c, name, value, await sessionSecret(services), attributes);
}

/** What a cookie of ours holds, which is forgotten with that; null for none, or one that is over. */
async function takeSigned(
  c: Context,
  name: string,
  kind: 'oidc' | 'said',
  keptS: number,
  services: Services,
): Promise<string | null> {
  const value = await getSignedCookie(c, await sessionSecret(services), name, prefixOf(services));
  if (value === undefined) return null;
  deleteCookie(c, name, attributesOf(c, services));
  if (value === false) return null;
  const [found, text = '', endsAt] = value.split('.');
  const leftMs = Number(endsAt) - services.now().getTime();
  // More than it was given: the clock was set back since.
  if (found !== kind || !(leftMs > 0 && leftMs <= keptS * 1000)) return null;
  const bytes = fromBase64Url(text);
  return bytes === null ? null : new TextDecoder().decode(bytes);
}
