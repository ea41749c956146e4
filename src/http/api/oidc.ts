import * as z from 'zod';
import { OidcFailure } from '../../oidc/failure.ts';
import { removeOidc, saveOidc, tryOidc } from '../../oidc/save-settings.ts';
import { oidcInput, readOidc, redirectUriOf } from '../../oidc/settings.ts';
import type { Services } from '../../services-port.ts';
import { ownAddress } from '../request-address.ts';
import { route } from '../route.ts';
import { SUCCESS, success } from './shapes.ts';

/** Never the secret. */
const oidc = z.object({
  issuer: z.string(),
  clientId: z.string(),
  hasSecret: z.boolean(),
  scopes: z.string(),
  name: z.string(),
  roleClaim: z.string(),
  adminValues: z.array(z.string()),
  operatorValues: z.array(z.string()),
  viewerValues: z.array(z.string()),
  others: z.enum(['refused', 'viewer']),
  createsPeople: z.boolean(),
});

const path = '/api/system/oidc';

/** Single sign-on: by which provider of OpenID Connect people sign in. */
export function oidcRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path,
      access: 'admin',
      summary: 'By which OpenID Connect provider people sign in, and whom it makes what; never the secret',
      answer: z.object({
        oidc: oidc.nullable(),
        /** To be entered at the provider: under PUBLIC_URL, else under the address that was asked. */
        redirectUri: z.string(),
      }),
      handle: async ({ c }) => ({
        oidc: await readOidc(services.db),
        redirectUri: redirectUriOf(ownAddress(c, services)),
      }),
    }),
    route({
      method: 'PUT',
      path,
      access: 'admin',
      summary: 'Enter the provider; it is kept once it answers as one and knows this client',
      body: oidcInput,
      answer: z.object({ oidc }),
      refusals: [409],
      handle: async ({ c, actor, body }) => ({
        oidc: await saveOidc(services, actor, body, redirectUriOf(ownAddress(c, services))),
      }),
    }),
    route({
      method: 'DELETE',
      path,
      access: 'admin',
      summary: 'Let nobody sign in by the provider any more; sessions that began so end',
      answer: success,
      refusals: [409],
      handle: async ({ actor }) => {
        await removeOidc(services, actor);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: `${path}/test`,
      access: 'admin',
      summary: 'Read the provider anew, and say whether it knows this client',
      answer: z.object({ success: z.boolean(), error: z.string().optional() }),
      refusals: [404],
      handle: async ({ c }) => {
        try {
          await tryOidc(services, redirectUriOf(ownAddress(c, services)));
          return SUCCESS;
        } catch (error) {
          if (!(error instanceof OidcFailure)) throw error;
          return { success: false, error: error.message };
        }
      },
    }),
  ] as const;
}
