import * as z from 'zod';
import { ROLES } from '../../auth/roles.ts';
import type { Services } from '../../services-port.ts';
import {
  createServiceAccount,
  deleteServiceAccount,
  getServiceAccount,
  listServiceAccounts,
  newServiceAccount,
  type ServiceAccount,
  serviceAccountChange,
  updateServiceAccount,
} from '../../tokens/service-accounts.ts';
import { route } from '../route.ts';
import { id, instant, SUCCESS, success } from './shapes.ts';

const account = z.object({
  id,
  name: z.string(),
  description: z.string().nullable(),
  role: z.enum(ROLES),
  disabled: z.boolean(),
  createdAt: instant,
  updatedAt: instant,
  createdByUserId: id.nullable(),
  createdBy: z.object({ id, email: z.string(), name: z.string().nullable() }).nullable(),
  _count: z.object({ apiTokens: z.number().int() }),
});
const one = z.object({ serviceAccount: account });

export function serviceAccountRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/admin/service-accounts',
      access: 'admin',
      summary: 'Service accounts, by name',
      answer: z.object({ serviceAccounts: z.array(account) }),
      handle: async () => ({ serviceAccounts: (await listServiceAccounts(services.db)).map(wire) }),
    }),
    route({
      method: 'GET',
      path: '/api/admin/service-accounts/:id',
      access: 'admin',
      summary: 'One service account',
      answer: one,
      refusals: [404],
      handle: async ({ params }) => ({
        serviceAccount: wire(await getServiceAccount(services.db, params.id)),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/admin/service-accounts',
      access: 'admin',
      summary: 'Create a service account',
      body: newServiceAccount,
      answer: one,
      refusals: [409],
      handle: async ({ actor, body }) => ({
        serviceAccount: wire(await createServiceAccount(services, actor, body)),
      }),
    }),
    route({
      method: 'PATCH',
      path: '/api/admin/service-accounts/:id',
      access: 'admin',
      summary: 'Change a service account; disabled, its tokens open nothing',
      body: serviceAccountChange,
      answer: one,
      refusals: [404],
      handle: async ({ params, actor, body }) => ({
        serviceAccount: wire(await updateServiceAccount(services, actor, params.id, body)),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/api/admin/service-accounts/:id',
      access: 'admin',
      summary: 'Delete a service account and its tokens',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await deleteServiceAccount(services, actor, params.id);
        return SUCCESS;
      },
    }),
  ] as const;
}

function wire({ apiTokens, ...rest }: ServiceAccount) {
  return { ...rest, _count: { apiTokens } };
}
