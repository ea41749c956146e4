import * as z from 'zod';
import {
  listRestoreLogins,
  putRestoreLogin,
  type RestoreLogin,
  removeRestoreLogin,
  restoreLoginInput,
} from '../../restores/restore-logins.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { instant, SUCCESS, success } from './shapes.ts';

const login = z.object({
  engine: z.string(),
  username: z.string(),
  host: z.string().nullable(),
  port: z.number().nullable(),
  tlsMode: z.enum(['off', 'encrypt', 'verify']),
  /** Why it is not sent, until it is typed again. */
  held: z.array(z.string()),
  updatedAt: instant,
});

/** As whom restores are made on a server where nobody types a user; passwords go in and never come out. */
export function restoreLoginRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/servers/:id/restore-logins',
      access: 'operator',
      summary: 'As whom restores and drills are made on a server, by engine, without passwords',
      answer: z.object({ logins: z.array(login) }),
      refusals: [404],
      handle: async ({ params }) => ({
        logins: (await listRestoreLogins(services.db, params.id)).map(wireLogin),
      }),
    }),
    route({
      method: 'PUT',
      path: '/api/servers/:id/restore-logins/:engine',
      access: 'admin',
      summary:
        'Store a user and a password for restores and drills on a server; sealed, and sent to that target alone',
      body: restoreLoginInput,
      answer: z.object({ login }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => ({
        login: wireLogin(
          await putRestoreLogin(services, actor, { serverId: params.id, engine: params.engine }, body),
        ),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/api/servers/:id/restore-logins/:engine',
      access: 'admin',
      summary: 'Forget it: restores are then made as who backs up, or as who is typed',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await removeRestoreLogin(services, actor, { serverId: params.id, engine: params.engine });
        return SUCCESS;
      },
    }),
  ] as const;
}

function wireLogin({ held, ...rest }: RestoreLogin): z.input<typeof login> {
  return { ...rest, held: [...held] };
}
