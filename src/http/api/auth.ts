import * as z from 'zod';
import { registerFirstAdmin } from '../../auth/first-admin.ts';
import { login, type SignedIn } from '../../auth/login.ts';
import { newPasswordField } from '../../auth/password-rules.ts';
import { hasRole, ROLES, type Role } from '../../auth/roles.ts';
import { endSession } from '../../auth/sessions.ts';
import { listEnvironments } from '../../environments/environments.ts';
import { emailField, line, passwordField } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import { type ApiRoute, publicRoute, route } from '../route.ts';
import { id, SUCCESS, success } from './shapes.ts';

const person = z.object({
  id,
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(ROLES),
});
const signedIn = z.object({ token: z.string(), user: person });

export function authRoutes(services: Services): readonly ApiRoute[] {
  return [
    publicRoute({
      method: 'POST',
      path: '/api/auth/login',
      summary: 'Sign in',
      body: z.object({ email: emailField, password: passwordField }),
      answer: signedIn,
      handle: async ({ body, address }) =>
        wireSignedIn(await login(services, { ...body, kind: 'api', from: { address, browser: null } })),
    }),
    publicRoute({
      method: 'POST',
      path: '/api/auth/register',
      summary: 'Register the first admin, with the setup code of the log',
      body: z.object({
        email: emailField,
        password: newPasswordField(services.config, 'api'),
        name: line(100).nullish(),
        setupCode: z.string().max(100).optional(),
      }),
      answer: signedIn,
      handle: async ({ body, address }) =>
        wireSignedIn(
          await registerFirstAdmin(services, { ...body, kind: 'api', from: { address, browser: null } }),
        ),
    }),
    route({
      method: 'POST',
      path: '/api/auth/logout',
      access: 'viewer',
      summary: 'End this session',
      answer: success,
      handle: async ({ session }) => {
        await endSession(services.db, session.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'GET',
      path: '/api/auth/me',
      access: 'viewer',
      summary: 'Who is signed in, and what they may do',
      answer: z.object({
        user: person,
        role: person.shape.role,
        environments: z.array(id),
        scopes: z.array(z.string()),
      }),
      handle: async ({ session }) => ({
        user: wirePerson(session),
        role: session.user.role,
        environments: (await listEnvironments(services.db)).map((environment) => environment.id),
        scopes: scopesOf(session.user.role),
      }),
    }),
  ];
}

function wireSignedIn(signedIn: SignedIn) {
  return { token: signedIn.token, user: wirePerson(signedIn) };
}

function wirePerson({ user }: Pick<SignedIn, 'user'>) {
  return { id: user.id, email: user.email, name: user.name, role: user.role };
}

function scopesOf(role: Role): readonly string[] {
  const nouns = ['services', 'secrets', 'servers', 'environments'];
  return [
    ...nouns.map((noun) => `${noun}:read`),
    ...(hasRole(role, 'operator') ? nouns.map((noun) => `${noun}:write`) : []),
    ...(hasRole(role, 'admin') ? ['secrets:reveal', 'tokens:manage', 'admin:*'] : []),
  ];
}
