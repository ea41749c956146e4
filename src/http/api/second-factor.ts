import * as z from 'zod';
import {
  beginSecondFactor,
  confirmSecondFactor,
  removeSecondFactor,
  renewRecoveryCodes,
} from '../../auth/change-second-factor.ts';
import { readSecondFactor } from '../../auth/second-factor.ts';
import { getUser } from '../../auth/users.ts';
import { AppError } from '../../errors.ts';
import { codeField } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { type ApiSession, route } from '../route.ts';
import { instant, SUCCESS, success } from './shapes.ts';

const secondFactor = z.object({
  isActive: z.boolean(),
  confirmedAt: instant.nullable(),
  recoveryCodesLeft: z.number(),
  /** By the setting `secondFactorRequired`. */
  isRequired: z.boolean(),
});
const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) });
const currentPassword = z.string().max(1024).optional();
/** Whoever still has to set one up gets this far. */
const FOR_SETTING_UP = { access: 'self-or-admin', isForSettingUp: true } as const;

export function secondFactorRoutes(services: Services) {
  return [
    route({
      ...FOR_SETTING_UP,
      method: 'GET',
      path: '/api/users/:id/second-factor',
      summary: 'Whether a user has a second factor, and how many recovery codes are left',
      answer: z.object({ secondFactor }),
      refusals: [404],
      handle: async ({ params }) => {
        await getUser(services.db, params.id);
        const { secondFactorRequired: isRequired } = await readSettings(services.db);
        return { secondFactor: { ...(await readSecondFactor(services.db, params.id)), isRequired } };
      },
    }),
    route({
      ...FOR_SETTING_UP,
      method: 'POST',
      path: '/api/users/:id/second-factor',
      summary: 'Begin one’s own second factor: its secret, shown once, counts when it is confirmed by a code',
      body: z.object({ currentPassword }),
      answer: z.object({ secret: z.string(), uri: z.string() }),
      refusals: [404, 409],
      handle: async ({ params, actor, session, body }) => {
        refuseTokens(session);
        return beginSecondFactor(services, actor, { userId: params.id, ...body });
      },
    }),
    route({
      ...FOR_SETTING_UP,
      method: 'POST',
      path: '/api/users/:id/second-factor/confirm',
      summary:
        'Confirm it by a code: ten recovery codes are answered this once, and every other session of the user ends',
      body: z.object({ code: codeField }),
      answer: recoveryCodes,
      refusals: [404, 409],
      handle: async ({ params, actor, session, body }) => {
        refuseTokens(session);
        const of = { userId: params.id, code: body.code, sessionId: session.id };
        return { recoveryCodes: await confirmSecondFactor(services, actor, of) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/second-factor/recovery-codes',
      access: 'self-or-admin',
      summary: 'Ten new recovery codes of one’s own, shown once, in the place of those that are left',
      body: z.object({ currentPassword }),
      answer: recoveryCodes,
      refusals: [404, 409],
      handle: async ({ params, actor, session, body }) => {
        refuseTokens(session);
        const own = { userId: params.id, ...body };
        return { recoveryCodes: await renewRecoveryCodes(services, actor, own) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/second-factor/remove',
      access: 'self-or-admin',
      summary:
        'Take the second factor off: off one’s own account with its password, as an admin off another, whose sessions end',
      body: z.object({ currentPassword }),
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor, session, body }) => {
        refuseTokens(session);
        await removeSecondFactor(services, actor, { userId: params.id, ...body });
        return SUCCESS;
      },
    }),
  ] as const;
}

/** A token is for machines: what people sign in with is theirs alone, and guesses at it end with their session. */
function refuseTokens({ token }: Pick<ApiSession, 'token'>): void {
  if (token === null) return;
  throw new AppError(
    'forbidden_scope',
    'An API token changes no second factor. Sign in with a password, at the page or by POST /api/auth/login, and send that token.',
  );
}
