import * as z from 'zod';
import {
  createEnvironment,
  deleteEnvironment,
  type Environment,
  type EnvironmentCounts,
  getEnvironment,
  listEnvironments,
  newEnvironment,
} from '../../environments/environments.ts';
import { getPublicSshKey, makeSshKey, newSshKey } from '../../environments/made-ssh-key.ts';
import { getSsh, removeSsh, revealSshKey, setSsh, sshSettings } from '../../environments/ssh-access.ts';
import type { Services } from '../../services-port.ts';
import { mayReach } from '../../tokens/acting-token.ts';
import { route } from '../route.ts';
import { id, instant, SUCCESS, success } from './shapes.ts';

const environment = z.object({ id, name: z.string(), createdAt: instant, updatedAt: instant });
/** The half of an SSH key that is no secret. */
const publicSshKey = z.object({
  publicKey: z.string(),
  authorizedKeysLine: z.string(),
  fingerprint: z.string(),
  username: z.string(),
});
const counted = environment.extend({ _count: z.record(z.string(), z.number()) });

export function environmentRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/environments',
      access: 'viewer',
      summary: 'Every environment, by name; of a token, those that it is for',
      answer: z.object({ environments: z.array(counted) }),
      handle: async ({ session }) => {
        const environments = await listEnvironments(services.db);
        return {
          environments: environments.filter(({ id }) => mayReach(session.token, id)).map(wireCounted),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:id',
      access: 'viewer',
      summary: 'One environment',
      answer: z.object({ environment: counted }),
      refusals: [404],
      handle: async ({ params }) => ({
        environment: wireCounted(await getEnvironment(services.db, params.id)),
      }),
    }),
    route({
      method: 'POST',
      path: '/api/environments',
      access: 'admin',
      summary: 'Create an environment',
      body: newEnvironment,
      answer: z.object({ environment }),
      refusals: [409],
      handle: async ({ actor, body }) => ({ environment: await createEnvironment(services, actor, body) }),
    }),
    route({
      method: 'DELETE',
      path: '/api/environments/:id',
      access: 'admin',
      summary: 'Delete an environment; its backups stay in their buckets',
      answer: success.extend({
        keptObjects: z.array(z.object({ endpoint: z.string(), bucket: z.string(), count: z.number() })),
      }),
      refusals: [404, 409],
      handle: async ({ params, actor }) => ({
        ...SUCCESS,
        ...(await deleteEnvironment(services, actor, params.id)),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/environments/:id/ssh',
      access: 'viewer',
      summary: 'Whether an SSH key is set, and its user',
      answer: z.object({ configured: z.boolean(), sshUser: z.string() }),
      refusals: [404],
      handle: ({ params }) => getSsh(services.db, params.id),
    }),
    route({
      method: 'PUT',
      path: '/api/environments/:id/ssh',
      access: 'admin',
      summary: 'Set the SSH key',
      body: sshSettings,
      answer: success.extend({ message: z.string() }),
      refusals: [404],
      handle: async ({ params, actor, body }) => {
        await setSsh(services, actor, params.id, body);
        return { ...SUCCESS, message: 'SSH settings updated' };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/environments/:id/ssh',
      access: 'admin',
      summary: 'Remove the SSH key',
      answer: success.extend({ message: z.string() }),
      refusals: [404],
      handle: async ({ params, actor }) => {
        await removeSsh(services, actor, params.id);
        return { ...SUCCESS, message: 'SSH key removed' };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:id/ssh-key',
      access: 'admin',
      summary: 'The SSH key itself; the audit remembers it',
      answer: z.object({ privateKey: z.string(), username: z.string() }),
      refusals: [404],
      handle: ({ params, actor }) => revealSshKey(services, actor, params.id),
    }),
    route({
      method: 'POST',
      path: '/api/environments/:id/ssh-key',
      access: 'admin',
      summary: 'Make an SSH key; its private half is stored and not answered',
      body: newSshKey,
      example: {},
      answer: publicSshKey,
      refusals: [404, 409],
      handle: ({ params, actor, body }) => makeSshKey(services, actor, params.id, body),
    }),
    route({
      method: 'GET',
      path: '/api/environments/:id/ssh-key/public',
      access: 'operator',
      summary: 'The public half of the SSH key, as a line for authorized_keys',
      answer: publicSshKey,
      refusals: [404],
      handle: ({ params }) => getPublicSshKey(services, params.id),
    }),
  ] as const;
}

function wireCounted({ counts, ...environment }: Environment & { readonly counts: EnvironmentCounts }) {
  return { ...environment, _count: { ...counts, services: 0, secrets: 0 } };
}
