import * as z from 'zod';
import { getDatabaseRow } from '../../databases/databases.ts';
import type { DrillRow } from '../../db/schema.ts';
import { askDrill } from '../../drills/ask-drill.ts';
import { listDrills } from '../../drills/drills.ts';
import { loginFields } from '../../restores/typed-login.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, pageQuery } from './shapes.ts';

export const drillFailure = z.enum(['damaged', 'extension', 'role', 'version', 'other']);

export const drillShape = z.object({
  /** The run's; of one that was skipped or missed there is none. */
  id,
  databaseId: id,
  backupId: id.nullable(),
  /** The time that it was due at; null: somebody asked for it. */
  dueAt: instant.nullable(),
  /** Null while it waits or runs. */
  outcome: z.enum(['proven', 'failed', 'cancelled', 'interrupted', 'skipped', 'missed']).nullable(),
  /** Only `damaged` says something of the backup. */
  failure: drillFailure.nullable(),
  says: z.string().nullable(),
  restoreMs: z.number().nullable(),
  /** Of the dump. */
  bytes: z.number().nullable(),
  createdAt: instant,
  endedAt: instant.nullable(),
});

/** Backups that are restored, compared, measured and dropped again. */
export function drillRoutes(services: Services) {
  return [
    route({
      method: 'POST',
      path: '/api/backups/:id/drill',
      access: 'operator',
      summary:
        'Restore a backup as a drill, in the background: under a name of its own, compared, measured and dropped again',
      body: z.object(loginFields),
      answer: z.object({ runId: id }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => ({
        runId: await askDrill(services, actor, params.id, body),
      }),
    }),
    route({
      method: 'GET',
      path: '/api/databases/:id/drills',
      access: 'viewer',
      summary: 'The drills of a database, newest first, with those that were due and not begun',
      query: pageQuery(50),
      answer: z.object({ drills: z.array(drillShape) }),
      refusals: [404],
      handle: async ({ params, query }) => {
        await getDatabaseRow(services.db, params.id);
        return { drills: (await listDrills(services.db, params.id, query)).map(wireDrill) };
      },
    }),
  ] as const;
}

export function wireDrill(row: DrillRow): z.infer<typeof drillShape> {
  return {
    id: row.id,
    databaseId: row.database_id,
    backupId: row.backup_id,
    dueAt: row.due_at,
    outcome: row.outcome,
    failure: row.failure,
    says: row.says,
    restoreMs: row.restore_ms === null ? null : Number(row.restore_ms),
    bytes: row.bytes === null ? null : Number(row.bytes),
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}
