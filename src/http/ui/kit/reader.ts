import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { createMiddleware } from 'hono/factory';
import type { Reader, Theme } from '../../../../views/parts/reader.ts';
import type { Session } from '../../../auth/sessions.ts';
import type { Services } from '../../../services-port.ts';
import { readTimeZone } from '../../../settings/settings.ts';
import { zoneNamed } from '../../../time-zone.ts';
import { attributesOf, prefixOf } from './cookie-attributes.ts';
import type { UiEnv } from './ui-env.ts';

/** Written by `ui.js`: the zone of the browser. */
const ZONE = 'bridgeport_zone';
const THEME = 'bridgeport_theme';
export const THEMES: readonly [Theme, ...Theme[]] = ['auto', 'light', 'dark'];

/** Leaves for `sendPage` and `sendFragment` who reads what they send. */
export function readerOf(services: Services) {
  return createMiddleware<UiEnv>(async (c, next) => {
    const zone = await zoneOf(c, services);
    const reader: Reader = { now: services.now(), zone, theme: themeOf(c, services) };
    c.set('reader', reader);
    c.set('sending', services);
    await next();
  });
}

/** The browser's, else the installation's. While the state can't be read, the page that says so is shown all the same. */
async function zoneOf(c: Context, { db }: Services): Promise<string> {
  const own = parseZone(getCookie(c, ZONE));
  if (own !== null) return own;
  try {
    return await readTimeZone(db);
  } catch {
    return 'UTC';
  }
}

/** The zone that somebody has chosen counts before that of the browser. */
export function readIn(c: Context<UiEnv>, { timeZone }: Pick<Session, 'timeZone'>): void {
  const zone = parseZone(timeZone ?? undefined);
  if (zone !== null) c.set('reader', { ...c.get('reader'), zone });
}

/** What is no zone is as if the browser had said nothing. Each page asks: what was found is kept, of as many as there are. */
export function parseZone(text: string | undefined): string | null {
  if (text === undefined) return null;
  const known = zones.get(text);
  if (known !== undefined) return known;
  const found = zoneNamed(text);
  if (found !== null && zones.size < MOST_ZONES) zones.set(text, found);
  return found;
}

const zones = new Map<string, string>();
const MOST_ZONES = 1000;

/** What is no theme of ours, such as a cookie of another version, is as if nothing was chosen. */
export function parseTheme(text: string | undefined): Theme {
  return THEMES.find((theme) => theme === text) ?? 'auto';
}

export function writeThemeCookie(c: Context, theme: Theme, services: Services): void {
  setCookie(c, THEME, theme, { ...attributesOf(c, services), maxAge: 365 * 86_400 });
}

function themeOf(c: Context, services: Services): Theme {
  return parseTheme(getCookie(c, THEME, prefixOf(services)));
}
