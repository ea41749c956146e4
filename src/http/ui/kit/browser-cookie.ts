import type { Context } from 'hono';
import { getSignedCookie, setSignedCookie } from 'hono/cookie';
import { sessionSecret } from '../../../auth/session-secret.ts';
import { newId } from '../../../ids.ts';
import type { Services } from '../../../services-port.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';

const BROWSER = 'bridgeport_browser';
const KEPT_S = 90 * 86_400;

/** The id that this browser got when somebody signed in with it, or a new one that no account knows yet. */
export async function browserOf(c: Context, services: Services): Promise<string> {
  const id = await getSignedCookie(c, await sessionSecret(services), BROWSER, prefixOf(services));
  return typeof id === 'string' ? id : newId();
}

/** To be called when somebody has signed in: it opens nothing, but tells this browser from those that guess. */
export async function writeBrowserCookie(c: Context, id: string, services: Services): Promise<void> {
  const attributes = { ...attributesOf(c, services), maxAge: KEPT_S };
  await setSignedCookie(c, BROWSER, id, await sessionSecret(services), attributes);
}
