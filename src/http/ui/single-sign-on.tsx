import { type Context, Hono } from 'hono';
import type { FormState } from '../../../views/parts/form-state.ts';
import { SingleSignOnPage } from '../../../views/system/single-sign-on.tsx';
import { OidcFailure } from '../../oidc/failure.ts';
import { removeOidc, saveOidc, tryOidc } from '../../oidc/save-settings.ts';
import { oidcInput, readOidc, redirectUriOf, type ShownOidc } from '../../oidc/settings.ts';
import type { Services } from '../../services-port.ts';
import { ownAddress } from '../request-address.ts';
import { actorOf } from './kit/actor.ts';
import { editForm } from './kit/edit-form.ts';
import { goTo } from './kit/flash.ts';
import { type FormBody, isTicked, textOf } from './kit/form-body.ts';
import { TYPE_AGAIN } from './kit/form-failure.ts';
import { frameOf } from './kit/frame.ts';
import { only } from './kit/roles.ts';
import { refuseElsewhere } from './kit/seen-address.ts';
import { sendPage } from './kit/send.tsx';
import { sayNext, takeSaid } from './kit/sign-on-cookies.ts';
import { submit } from './kit/submit.ts';
import type { UiEnv } from './kit/ui-env.ts';

const PAGE = '/admin/system/single-sign-on';

/** Admin > System > Single sign-on. */
export function singleSignOnRoutes(services: Services): Hono<UiEnv> {
  const ui = new Hono<UiEnv>();

  ui.get(PAGE, only('admin'), async (c) => sendSettings(c, services));

  ui.post(PAGE, only('admin'), async (c) =>
    submit(c, services, {
      parse: (body) => oidcInput.safeParse(inputOf(body)),
      secrets: ['clientSecret'],
      asksAgain: true,
      stored: async () => valuesOf(await readOidc(services.db)),
      refuse: (form) => sendSettings(c, services, form),
      act: async (input) => {
        refuseElsewhere(c, services);
        await saveOidc(services, actorOf(c, services), input, redirectUriOf(ownAddress(c, services)));
        return { to: PAGE, say: 'sign-on-saved' };
      },
    }),
  );

  ui.post(`${PAGE}/test`, only('admin'), async (c) => {
    actorOf(c, services);
    try {
      await tryOidc(services, redirectUriOf(ownAddress(c, services)));
    } catch (error) {
      if (!(error instanceof OidcFailure)) throw error;
      await sayNext(c, error.message, services);
      return goTo(c, services, PAGE);
    }
    return goTo(c, services, PAGE, 'sign-on-tested');
  });

  ui.post(`${PAGE}/delete`, only('admin'), async (c) => {
    await removeOidc(services, actorOf(c, services));
    return goTo(c, services, PAGE, 'sign-on-removed');
  });

  return ui;
}

async function sendSettings(c: Context<UiEnv>, services: Services, refused?: FormState): Promise<Response> {
  const stored = await readOidc(services.db);
  const isTestable = ['issuer', 'clientId', 'clientSecret', 'scopes'].some(
    (name) => (refused?.errors[name] ?? TYPE_AGAIN) !== TYPE_AGAIN,
  );
  return sendPage(
    c,
    <SingleSignOnPage
      frame={await frameOf(c, services)}
      stored={stored}
      redirectUri={redirectUriOf(ownAddress(c, services))}
      isPublic={services.config.publicUrl !== null}
      form={refused ?? editForm(valuesOf(stored))}
      trouble={await takeSaid(c, services)}
      maySaveAnyway={isTestable}
    />,
    refused === undefined ? 200 : 422,
  );
}

function valuesOf(stored: ShownOidc | null): Readonly<Record<string, string>> {
  if (stored === null) {
    return { scopes: 'openid email profile', name: 'single sign-on', roleClaim: 'groups', others: 'refused' };
  }
  const { hasSecret, adminValues, operatorValues, viewerValues, createsPeople, ...texts } = stored;
  return {
    ...texts,
    ...{ adminValues: adminValues.join('\n'), operatorValues: operatorValues.join('\n') },
    ...{ viewerValues: viewerValues.join('\n'), createsPeople: String(createsPeople) },
    isPublicClient: String(!hasSecret),
  };
}

function inputOf(body: FormBody) {
  const text = (name: string) => textOf(body, name) ?? '';
  const secret = body['clientSecret'] ?? '';
  return {
    ...{ issuer: text('issuer'), clientId: text('clientId') },
    clientSecret: secret === '' ? null : secret,
    isPublicClient: isTicked(body, 'isPublicClient'),
    ...{ scopes: text('scopes'), name: text('name'), roleClaim: text('roleClaim') },
    ...{ adminValues: linesOf(body, 'adminValues'), operatorValues: linesOf(body, 'operatorValues') },
    viewerValues: linesOf(body, 'viewerValues'),
    ...{ others: body['others'], createsPeople: isTicked(body, 'createsPeople') },
    saveAnyway: isTicked(body, 'saveAnyway'),
  };
}

/** One a line: names of groups may hold commas. */
function linesOf(body: FormBody, name: string): readonly string[] {
  const lines = (body[name] ?? '').split(/\r?\n/).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line !== ''))];
}
