import { Hono } from 'hono';
import { ThemeChoice } from '../../../views/frame/theme-choice.tsx';
import type { Services } from '../../services-port.ts';
import { readForm } from './kit/form-body.ts';
import { ownPath } from './kit/own-path.ts';
import { parseTheme, writeThemeCookie } from './kit/reader.ts';
import { only } from './kit/roles.ts';
import { sendFragment } from './kit/send.tsx';
import type { UiEnv } from './kit/ui-env.ts';

/** How pages look, chosen in the sidebar. */
export function themeRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.post('/theme', only('viewer'), async (c) => {
    const body = await readForm(c);
    const theme = parseTheme(body['theme']);
    const here = ownPath(body['back']);
    writeThemeCookie(c, theme, services);
    if (c.req.header('hx-request') !== 'true') return c.redirect(here, 303);
    c.set('reader', { ...c.get('reader'), theme });
    return sendFragment(c, <ThemeChoice here={here} />);
  });

  return ui;
}
