import * as z from 'zod';
import { discoverDatabases, discoveryInput } from '../../databases/discover.ts';
import { hostKeyInput, removeHostKey, setHostKey } from '../../servers/host-keys.ts';
import {
  createServer,
  deleteServer,
  getServer,
  listServers,
  newServer,
  type Server,
  serverChange,
  updateServer,
} from '../../servers/servers.ts';
import { tryServer } from '../../servers/try-server.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, pageQuery, SUCCESS, success, total } from './shapes.ts';

const server = z.object({
  id,
  name: z.string(),
  hostname: z.string(),
  publicIp: z.string().nullable(),
  tags: z.string(),
  status: z.enum(['unknown', 'healthy', 'unhealthy']),
  lastCheckedAt: instant.nullable(),
  createdAt: instant,
  updatedAt: instant,
  environmentId: id,
  sshPort: z.number().int(),
  sshUser: z.string().nullable(),
  hostKeyFingerprint: z.string().nullable(),
  serverType: z.string(),
  dockerMode: z.string(),
  metricsMode: z.string(),
  agentStatus: z.string(),
});

const discovered = z.object({
  type: z.string(),
  serverVersion: z.string().nullable(),
  found: z.array(
    z.object({
      /** One of both. */
      databaseName: z.string().nullable(),
      filePath: z.string().nullable(),
      sizeBytes: z.number().int().nullable(),
      registered: z.object({ id, name: z.string() }).nullable(),
      /** Why it can't be registered as it is. */
      obstacle: z.string().nullable(),
    }),
  ),
  notes: z.array(z.string()),
  pinnedFingerprint: z.string().nullable(),
});

const READONLY = [
  ...['id', 'createdAt', 'updatedAt', 'environmentId', 'status', 'serverType', 'agentToken', 'agentStatus'],
  ...['agentVersion', 'agentStatusChangedAt', 'lastAgentPushAt', 'lastCheckedAt', 'lastHealthCheckAt'],
  ...['lastHealthCheckStatus', 'lastHealthCheckType', 'lastHealthCheckDurationMs', 'lastHealthCheckError'],
  ...['metricsMode', 'hostKeyFingerprint'],
];

export function serverRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/environments/:envId/servers',
      access: 'viewer',
      summary: 'The servers of an environment, by name',
      query: pageQuery(25),
      answer: z.object({ servers: z.array(server), total }),
      refusals: [404],
      handle: async ({ params, query }) => {
        const { servers, total } = await listServers(services.db, params.envId, query);
        return { servers: servers.map(wireServer), total };
      },
    }),
    route({
      method: 'POST',
      path: '/api/environments/:envId/servers',
      access: 'operator',
      summary: 'Register a server',
      body: newServer,
      answer: z.object({ server }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => ({
        server: wireServer(await createServer(services, actor, params.envId, body)),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/servers/:id',
      access: 'viewer',
      summary: 'One server',
      answer: z.object({ server }),
      refusals: [404],
      handle: async ({ params }) => ({ server: wireServer(await getServer(services.db, params.id)) }),
    }),
    route({
      method: 'PATCH',
      path: '/api/servers/:id',
      access: 'operator',
      summary: 'Change a server',
      readonlyFields: READONLY,
      body: serverChange,
      answer: z.object({ server }),
      refusals: [404, 409, 422],
      handle: async ({ params, actor, body }) => ({
        server: wireServer(await updateServer(services, actor, params.id, body)),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/api/servers/:id',
      access: 'admin',
      summary: 'Delete a server that has no databases',
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor }) => {
        await deleteServer(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/servers/:id/test-ssh',
      access: 'operator',
      summary: 'Sign in to the server; an unknown host key is pinned and named in the answer',
      answer: z.object({
        success: z.boolean(),
        durationMs: z.number(),
        error: z.string().optional(),
        pinnedFingerprint: z.string().optional(),
      }),
      refusals: [404],
      handle: ({ params, actor, signal }) => tryServer(services, actor, params.id, signal),
    }),
    route({
      method: 'POST',
      path: '/api/servers/:id/health',
      access: 'operator',
      summary: 'Whether commands run on the server',
      answer: z.object({ status: z.enum(['healthy', 'unhealthy']), error: z.string().optional() }),
      refusals: [404],
      handle: async ({ params, actor, signal }) => {
        const { success: isHealthy, error } = await tryServer(services, actor, params.id, signal);
        const status = isHealthy ? 'healthy' : 'unhealthy';
        return { status, ...(error === undefined ? {} : { error }) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/servers/:id/discover',
      access: 'operator',
      summary: 'Look for databases on the server; what is sent is not stored',
      body: discoveryInput,
      answer: discovered,
      refusals: [404],
      handle: ({ params, actor, body, signal }) =>
        discoverDatabases(services, actor, params.id, body, { signal }),
    }),
    route({
      method: 'PUT',
      path: '/api/servers/:id/host-key',
      access: 'admin',
      summary: 'Pin a host key',
      body: hostKeyInput,
      answer: z.object({ server }),
      refusals: [404],
      handle: async ({ params, actor, body }) => ({
        server: wireServer(await setHostKey(services, actor, params.id, body.hostKey)),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/api/servers/:id/host-key',
      access: 'admin',
      summary: 'Forget the pinned host key; the next connection of a person pins anew',
      answer: success.extend({ server }),
      refusals: [404],
      handle: async ({ params, actor }) => ({
        ...SUCCESS,
        server: wireServer(await removeHostKey(services, actor, params.id)),
      }),
    }),
  ] as const;
}

/** The contract's `S`: tags are JSON text there, and what only its agents have says that there are none. */
function wireServer(found: Server): z.input<typeof server> {
  return {
    ...found,
    tags: JSON.stringify(found.tags),
    serverType: 'remote',
    dockerMode: 'ssh',
    metricsMode: 'disabled',
    agentStatus: 'unknown',
  };
}
