import * as z from 'zod';
import { NEVER, protectionOf, protectionOfOne } from '../../backups/protection-of.ts';
import { removeDatabase } from '../../backups/remove-database.ts';
import { NO_DRILLS, restorableOf, restorableOfOne } from '../../backups/restorable.ts';
import { confirmTarget, targetConfirmation } from '../../databases/confirm-target.ts';
import {
  createDatabase,
  databaseChange,
  deleteDatabase,
  getDatabase,
  newDatabase,
  updateDatabase,
  type WholeDatabase,
} from '../../databases/databases.ts';
import { listDatabases, summariseBackups } from '../../databases/lists.ts';
import { heldSentence } from '../../databases/password-target.ts';
import { prefixWarnings } from '../../databases/prefix-warnings.ts';
import { tryDatabase } from '../../databases/try-database.ts';
import { briefSchedules } from '../../schedules/schedules.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import {
  databaseSummary,
  type Known,
  listedDatabase,
  protectionShape,
  wholeDatabase,
  wireListed,
  wireSummary,
  wireWhole,
} from './database-shapes.ts';
import { pageQuery, SUCCESS, success, total } from './shapes.ts';

/** What was done, but is seldom meant. */
const warnings = z.array(z.string());

const READONLY = [
  ...['id', 'createdAt', 'updatedAt', 'environmentId', 'encryptedCredentials', 'credentialsNonce'],
  ...['monitoringStatus', 'lastCollectedAt', 'lastMonitoringError'],
];

export function databaseRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/environments/:envId/databases',
      access: 'viewer',
      summary: 'The databases of an environment, by name',
      query: pageQuery(25),
      answer: z.object({ databases: z.array(listedDatabase), total }),
      refusals: [404],
      handle: async ({ params, query }) => {
        const { databases, total } = await listDatabases(services.db, params.envId, query);
        const known = await protectionsOf(services, databases);
        const schedules = await briefSchedules(
          services.db,
          databases.map(({ id }) => id),
        );
        return { databases: databases.map((row) => wireListed(row, known, schedules)), total };
      },
    }),
    route({
      method: 'GET',
      path: '/api/environments/:envId/databases/backup-summary',
      access: 'viewer',
      isForBackups: true,
      summary: 'The latest completed backup of each database',
      answer: z.object({ databases: z.array(databaseSummary) }),
      refusals: [404],
      handle: async ({ params }) => {
        const databases = await summariseBackups(services.db, params.envId);
        const known = await protectionsOf(services, databases);
        const schedules = await briefSchedules(
          services.db,
          databases.map(({ id }) => id),
        );
        return { databases: databases.map((row) => wireSummary(row, known, schedules)) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/environments/:envId/databases',
      access: 'operator',
      summary: 'Register a database',
      body: newDatabase,
      example: {
        name: 'shop',
        type: 'postgres',
        serverId: 'SERVER_ID',
        host: '127.0.0.1',
        port: 5432,
        databaseName: 'shop',
        username: 'backup',
        password: '…',
        backupStorageType: 'spaces',
        backupSpacesBucket: 'backups',
        backupFormat: 'custom',
        backupCompression: 'zstd',
      },
      answer: z.object({ database: wholeDatabase, warnings }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => {
        const created = await createDatabase(services, actor, params.envId, body);
        return { database: wireWhole(created), warnings: await prefixWarnings(services.db, created) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/databases/:id',
      access: 'viewer',
      summary: 'One database',
      answer: z.object({ database: wholeDatabase, protection: protectionShape }),
      refusals: [404],
      handle: async ({ params }) => ({
        database: wireWhole(await getDatabase(services.db, params.id)),
        protection: {
          ...(await protectionOfOne(services, params.id)),
          ...(await restorableOfOne(services.db, params.id)),
        },
      }),
    }),
    route({
      method: 'PATCH',
      path: '/api/databases/:id',
      access: 'operator',
      summary: 'Change a database; what was backed up stays where it is',
      readonlyFields: READONLY,
      body: databaseChange,
      example: { name: 'shop' },
      answer: z.object({ database: wholeDatabase, warnings }),
      refusals: [404, 409, 422],
      handle: async ({ params, actor, body }) => {
        const updated = await updateDatabase(services, actor, params.id, body);
        return {
          database: wireWhole(updated),
          warnings: [...heldWarning(updated), ...(await prefixWarnings(services.db, updated))],
        };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/databases/:id',
      access: 'operator',
      summary:
        'Delete a database that has no backups; with `backups=delete` or `backups=keep`, also one that has: their files are removed, or stay where they are',
      query: z.object({ backups: z.enum(['delete', 'keep']).optional() }),
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, query, actor }) => {
        if (query.backups === undefined) await deleteDatabase(services, actor, params.id);
        else await removeDatabase(services, actor, params.id, { files: query.backups });
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/environments/:envId/databases/:id/test-connection',
      access: 'operator',
      summary: 'Look at the database from its server',
      answer: z.object({
        success: z.boolean(),
        latencyMs: z.number().nullable(),
        serverVersion: z.string().optional(),
        clientVersion: z.string().optional(),
        estimatedBytes: z.number().optional(),
        warnings: z.array(z.string()).optional(),
        error: z.string().optional(),
        pinnedFingerprint: z.string().optional(),
      }),
      refusals: [404],
      handle: ({ params, actor, signal }) => tryDatabase(services, actor, params.envId, params.id, signal),
    }),
    route({
      method: 'POST',
      path: '/api/databases/:id/confirm-target',
      access: 'admin',
      summary: 'Let the stored password go to where the settings lead now',
      body: targetConfirmation,
      answer: z.object({ database: wholeDatabase }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => {
        await confirmTarget(services, actor, params.id, body);
        return { database: wireWhole(await getDatabase(services.db, params.id)) };
      },
    }),
  ] as const;
}

function heldWarning({ name, passwordHeld }: WholeDatabase): readonly string[] {
  return passwordHeld === null ? [] : [heldSentence(name, passwordHeld.changes)];
}

async function protectionsOf(
  services: Services,
  databases: readonly { readonly id: string }[],
): Promise<Known> {
  const ids = databases.map(({ id }) => id);
  const [known, drills] = [await protectionOf(services, ids), await restorableOf(services.db, ids)];
  return (id) => ({ ...(known.get(id) ?? NEVER), ...(drills.get(id) ?? NO_DRILLS) });
}
