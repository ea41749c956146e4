import type { Context } from 'hono';
import { LoginPage } from '../../../../views/entrance.tsx';
import type { FormState } from '../../../../views/parts/form-state.ts';
import { buttonOf } from '../../../oidc/settings.ts';
import type { Services } from '../../../services-port.ts';
import { ownPath } from './own-path.ts';
import { sendPage } from './send.tsx';
import type { UiEnv } from './ui-env.ts';

/** The page to sign in, with what is to be said on it. */
export async function sendLogin(
  c: Context<UiEnv>,
  services: Services,
  form: FormState,
  {
    notice = null,
    status = 200,
  }: { readonly notice?: string | null; readonly status?: 200 | 401 | 422 | 429 } = {},
): Promise<Response> {
  const name = await buttonOf(services.db);
  const signOn = name === null ? null : { name, href: beginAt(services, form.values['next']) };
  return sendPage(c, <LoginPage form={form} notice={notice} signOn={signOn} />, status);
}

/** Where PUBLIC_URL is set, under it: the provider sends the browser back there, and the cookies must be there. A link, since a form may lead to no other origin. */
function beginAt({ config }: Pick<Services, 'config'>, next: string | undefined): string {
  const path = ownPath(next);
  const query = path === '/' ? '' : `?next=${encodeURIComponent(path)}`;
  return `${config.publicUrl ?? ''}/login/oidc${query}`;
}
