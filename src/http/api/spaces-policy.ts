import * as z from 'zod';
import type { Services } from '../../services-port.ts';
import { storagePolicy } from '../../storage/policy.ts';
import { route } from '../route.ts';

const permissions = z.array(z.object({ permission: z.string(), features: z.array(z.string()) }));

export function spacesPolicyRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/settings/spaces/policy',
      access: 'admin',
      summary: 'The least that a key of the storage needs, as a policy or as steps',
      query: z.object({
        bucket: z.string().max(10_000).optional(),
        prefix: z.string().max(1024).optional(),
        provider: z.string().max(64).optional(),
      }),
      answer: z.object({
        provider: z.object({ id: z.string(), name: z.string() }),
        buckets: z.array(z.string()),
        prefix: z.string(),
        document: z.string().nullable(),
        steps: z.array(z.string()),
        permissions,
        optional: permissions,
      }),
      handle: ({ query }) => storagePolicy(services.db, query),
    }),
  ] as const;
}
