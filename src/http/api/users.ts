import * as z from 'zod';
import { changePassword } from '../../auth/change-password.ts';
import { endOneSession, listSessions } from '../../auth/own-sessions.ts';
import { newPasswordField } from '../../auth/password-rules.ts';
import { ROLES } from '../../auth/roles.ts';
import { createUser, deleteUser, getUser, listActiveUsers, listUsers, updateUser } from '../../auth/users.ts';
import { emailField, line } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import { readSettings } from '../../settings/settings.ts';
import { route } from '../route.ts';
import { id, instant, SUCCESS, success, total } from './shapes.ts';

const role = z.enum(ROLES);
const user = z.object({
  id,
  email: z.string(),
  name: z.string().nullable(),
  role,
  lastActiveAt: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
});

const session = z.object({
  id: z.string(),
  kind: z.enum(['api', 'ui']),
  createdAt: instant,
  lastUsedAt: instant.nullable(),
  expiresAt: instant,
  /** Where it was begun, if that is known. */
  address: z.string().nullable(),
  /** What the browser or client called itself then. */
  agent: z.string().nullable(),
  /** The one of this request. */
  isCurrent: z.boolean(),
});

export function userRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/users',
      access: 'admin',
      summary: 'Every user, newest first',
      answer: z.object({ users: z.array(user) }),
      handle: async () => ({ users: await listUsers(services.db) }),
    }),
    route({
      method: 'GET',
      path: '/api/users/active',
      access: 'admin',
      summary: 'Users who were here lately',
      answer: z.object({ activeUsers: z.array(user) }),
      handle: async () => {
        const { activeUserWindowMin } = await readSettings(services.db);
        const since = new Date(services.now().getTime() - activeUserWindowMin * 60_000);
        return { activeUsers: await listActiveUsers(services.db, since) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/users/:id',
      access: 'self-or-admin',
      summary: 'One user',
      answer: z.object({ user }),
      refusals: [404],
      handle: async ({ params }) => ({ user: await getUser(services.db, params.id) }),
    }),
    route({
      method: 'POST',
      path: '/api/users',
      access: 'admin',
      summary: 'Create a user',
      body: z.object({
        email: emailField,
        password: newPasswordField(services.config, 'api'),
        name: line(100).nullish(),
        role: role.default('viewer'),
      }),
      answer: z.object({ user }),
      refusals: [409],
      handle: async ({ actor, body }) => ({ user: await createUser(services, actor, body) }),
    }),
    route({
      method: 'PATCH',
      path: '/api/users/:id',
      access: 'self-or-admin',
      summary: 'Change a name or, as an admin, a role',
      readonlyFields: ['id', 'createdAt', 'updatedAt', 'email', 'passwordHash', 'lastActiveAt'],
      body: z.object({ name: line(100).nullable().optional(), role: role.optional() }),
      answer: z.object({ user }),
      refusals: [404, 409, 422],
      handle: async ({ params, actor, body }) => ({
        user: await updateUser(services, actor, params.id, body),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/api/users/:id',
      access: 'admin',
      summary: 'Delete a user; their sessions end',
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor }) => {
        await deleteUser(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'GET',
      path: '/api/users/:id/sessions',
      access: 'self-or-admin',
      summary: 'Where a user is signed in, those used last first; a hundred at most, `total` counts all',
      answer: z.object({ sessions: z.array(session), total }),
      refusals: [404],
      handle: async ({ params, session: own }) => {
        await getUser(services.db, params.id);
        const { sessions, total: count } = await listSessions(services, params.id);
        return { sessions: sessions.map((one) => ({ ...one, isCurrent: one.id === own.id })), total: count };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/users/:id/sessions/:sessionId',
      access: 'self-or-admin',
      summary: 'End one session of a user',
      answer: success,
      refusals: [404],
      handle: async ({ params: { id: userId, sessionId }, actor }) => {
        await endOneSession(services, actor, { userId, sessionId });
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/users/:id/change-password',
      access: 'self-or-admin',
      summary: 'Set a new password, one’s own with the current one; every session of the user ends',
      body: z.object({
        newPassword: newPasswordField(services.config, 'api'),
        currentPassword: z.string().max(1024).optional(),
      }),
      answer: success.extend({
        message: z.string(),
        /** Whom of a provider the account stood for until somebody else set its password; absent for nobody. */
        linksTakenOff: z.array(z.object({ issuer: z.string(), email: z.string().nullable() })).optional(),
      }),
      refusals: [404],
      handle: async ({ params, actor, body }) => {
        const gone = await changePassword(services, actor, params.id, body);
        const message = 'Password updated successfully';
        return { ...SUCCESS, message, ...(gone.length === 0 ? {} : { linksTakenOff: [...gone] }) };
      },
    }),
  ] as const;
}
