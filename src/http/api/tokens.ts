import * as z from 'zod';
import { ROLES } from '../../auth/roles.ts';
import { AppError } from '../../errors.ts';
import type { Services } from '../../services-port.ts';
import { TOKEN_ACCESSES } from '../../tokens/acting-token.ts';
import { createToken, listTokens, newToken, revokeToken, type TokenOwner } from '../../tokens/tokens.ts';
import { route } from '../route.ts';
import { id, instant, SUCCESS, success } from './shapes.ts';

const record = z.object({
  id,
  name: z.string(),
  tokenPrefix: z.string(),
  role: z.enum(ROLES),
  access: z.enum(TOKEN_ACCESSES),
  allEnvironments: z.boolean(),
  expiresAt: instant,
  createdAt: instant,
  userId: id.nullable(),
  serviceAccountId: id.nullable(),
});
const listed = record.extend({
  lastUsedAt: instant.nullable(),
  user: z.object({ id, email: z.string(), name: z.string().nullable() }).nullable(),
  serviceAccount: z.object({ id, name: z.string(), disabled: z.boolean() }).nullable(),
  environments: z.array(z.object({ environment: z.object({ id, name: z.string() }) })),
});

const ownerId = z.string().min(1).max(64).nullish();
const withOwner = newToken
  .safeExtend({ ownerUserId: ownerId, ownerServiceAccountId: ownerId })
  .refine((input) => ownerOf(input) !== null, {
    path: ['ownerUserId'],
    error: 'Name exactly one of ownerUserId and ownerServiceAccountId',
  });

export function tokenRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/admin/tokens',
      access: 'admin',
      summary: 'API tokens, newest first; never their text',
      query: z.object({ ownerUserId: id.optional(), ownerServiceAccountId: id.optional() }),
      answer: z.object({ tokens: z.array(listed) }),
      handle: async ({ query }) => ({ tokens: await listTokens(services.db, query) }),
    }),
    route({
      method: 'POST',
      path: '/api/admin/tokens',
      access: 'admin',
      summary: 'Make a token of a user or a service account; its text is answered this once',
      body: withOwner,
      example: {
        name: 'nightly cron on db2',
        ownerUserId: 'USER_ID',
        role: 'operator',
        access: 'backups',
        allEnvironments: false,
        environmentIds: ['ENVIRONMENT_ID'],
        expiresInDays: 90,
      },
      answer: z.object({ token: z.string(), tokenRecord: record }),
      refusals: [409],
      handle: async ({ actor, body }) => {
        const owner = ownerOf(body);
        if (owner === null) throw new AppError('invalid', 'Owner not found or disabled');
        const { token, record: tokenRecord } = await createToken(services, actor, owner, body);
        return { token, tokenRecord };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/admin/tokens/:tokenId',
      access: 'admin',
      summary: 'Revoke a token; it opens nothing from then on',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await revokeToken(services, actor, params.tokenId);
        return SUCCESS;
      },
    }),
  ] as const;
}

function ownerOf(input: {
  readonly ownerUserId?: string | null | undefined;
  readonly ownerServiceAccountId?: string | null | undefined;
}): TokenOwner | null {
  const userId = input.ownerUserId ?? null;
  const serviceAccountId = input.ownerServiceAccountId ?? null;
  if (userId !== null && serviceAccountId === null) return { userId };
  return userId === null && serviceAccountId !== null ? { serviceAccountId } : null;
}
