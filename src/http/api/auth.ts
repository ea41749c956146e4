import type { Context } from 'hono';
import * as z from 'zod';
import { registerFirstAdmin } from '../../auth/first-admin.ts';
import { login, type SignedIn } from '../../auth/login.ts';
import { newPasswordField } from '../../auth/password-rules.ts';
import { hasRole, ROLES } from '../../auth/roles.ts';
import { signOut } from '../../auth/sign-out.ts';
import { listEnvironmentNames } from '../../environments/environments.ts';
import { AppError } from '../../errors.ts';
import { codeField, emailField, line, passwordField } from '../../fields.ts';
import type { Services } from '../../services-port.ts';
import { type ActingToken, mayReach, TOKEN_ACCESSES } from '../../tokens/acting-token.ts';
import { type ApiEnv, type ApiSession, publicRoute, route } from '../route.ts';
import { id, SUCCESS, success } from './shapes.ts';

const person = z.object({
  id,
  email: z.string(),
  name: z.string().nullable(),
  role: z.enum(ROLES),
});
const signedIn = z.object({ token: z.string(), user: person });
/** Of a token: what it is for. */
const scope = z.object({
  access: z.enum(TOKEN_ACCESSES),
  allEnvironments: z.boolean(),
  environmentIds: z.array(id),
});

export function authRoutes(services: Services) {
  return [
    publicRoute({
      method: 'POST',
      path: '/api/auth/login',
      summary:
        'Sign in; an account with a second factor shows the code of its app, or a recovery code, as `totp`',
      body: z.object({ email: emailField, password: passwordField, totp: codeField.optional() }),
      answer: signedIn,
      handle: async ({ c, body: { totp: code, ...body }, address }) =>
        wireSignedIn(await login(services, { ...body, code, kind: 'api', from: originOf(c, address) })),
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
      handle: async ({ c, body, address }) =>
        wireSignedIn(
          await registerFirstAdmin(services, { ...body, kind: 'api', from: originOf(c, address) }),
        ),
    }),
    route({
      method: 'POST',
      path: '/api/auth/logout',
      access: 'viewer',
      isForSettingUp: true,
      summary: 'End this session',
      answer: success,
      handle: async ({ session, actor }) => {
        if (session.token !== null) {
          throw new AppError('invalid', 'An API token has no session to end. Revoke it instead.');
        }
        await signOut(services, actor, session);
        return SUCCESS;
      },
    }),
    route({
      method: 'GET',
      path: '/api/auth/me',
      access: 'viewer',
      isForSettingUp: true,
      summary: 'Who is signed in, and what they may do',
      answer: z.object({
        user: person.extend({
          apiTokenId: id.optional(),
          serviceAccountId: id.optional(),
          scope: scope.optional(),
        }),
        role: person.shape.role,
        environments: z.array(id),
        scopes: z.array(z.string()),
      }),
      handle: async ({ session }) => ({
        user: { ...wirePerson(session), ...wireToken(session.token) },
        role: session.user.role,
        environments: (await listEnvironmentNames(services.db))
          .map((environment) => environment.id)
          .filter((environmentId) => mayReach(session.token, environmentId)),
        scopes: scopesOf(session),
      }),
    }),
  ] as const;
}

function originOf(c: Context<ApiEnv>, address: string | null) {
  return { address, browser: null, agent: c.req.header('user-agent') ?? null, requestId: c.get('requestId') };
}

function wireSignedIn(signedIn: SignedIn) {
  return { token: signedIn.token, user: wirePerson(signedIn) };
}

function wirePerson({ user }: Pick<SignedIn, 'user'>) {
  return { id: user.id, email: user.email, name: user.name, role: user.role };
}

function wireToken(token: ActingToken | null) {
  if (token === null) return {};
  return {
    apiTokenId: token.id,
    ...(token.serviceAccountId === null ? {} : { serviceAccountId: token.serviceAccountId }),
    scope: {
      access: token.access,
      allEnvironments: token.environmentIds === null,
      environmentIds: token.environmentIds ?? [],
    },
  };
}

function scopesOf({ user: { role }, token }: ApiSession): readonly string[] {
  if (token?.access === 'metrics') return ['metrics:read'];
  if (token?.access === 'backups') {
    return ['backups:read', ...(hasRole(role, 'operator') ? ['backups:write'] : [])];
  }
  const nouns = ['services', 'secrets', 'servers', 'environments'];
  return [
    ...nouns.map((noun) => `${noun}:read`),
    ...(hasRole(role, 'operator') ? nouns.map((noun) => `${noun}:write`) : []),
    ...(hasRole(role, 'admin') ? ['secrets:reveal', 'tokens:manage', 'admin:*'] : []),
  ];
}
