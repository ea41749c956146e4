import * as z from 'zod';
import { hasRole } from '../../auth/roles.ts';
import { stopBackup } from '../../backups/backup-actions.ts';
import { findRun, type ListedRun, listRuns } from '../../backups/list-runs.ts';
import { findDrill } from '../../drills/drills.ts';
import { AppError } from '../../errors.ts';
import { cancelRestore } from '../../restores/cancel-restore.ts';
import { findRestore } from '../../restores/restores.ts';
import { cancelPrune } from '../../retention/cancel-prune.ts';
import { ASKER, parseAsker } from '../../runs/askers.ts';
import type { RunProgress } from '../../runs/runs.ts';
import { runLogOf } from '../../runs/stored-log.ts';
import type { Services } from '../../services-port.ts';
import { cancelDeepTest } from '../../storage/deep-test.ts';
import { cancelVerification } from '../../verifications/ask-verification.ts';
import { route } from '../route.ts';
import { drillShape, wireDrill } from './drills.ts';
import { restoreShape, wireRestore } from './restores.ts';
import { id, instant, pageQuery, SUCCESS, success } from './shapes.ts';

const kind = z.enum(['backup', 'deep_test', 'verification', 'prune', 'restore', 'drill']);
const state = z.enum([
  ...(['pending', 'running', 'uncertain', 'completed', 'failed', 'cancelled', 'interrupted'] as const),
]);

const by = z
  .string()
  .regex(ASKER, { error: 'Must be schedule, person or token, or one of the last two with an id: person:ID' })
  .transform((text) => parseAsker(text) ?? undefined)
  .describe('who asked for it: schedule, person or token, or that very one: person:ID, token:ID');

const run = z.object({
  id,
  kind,
  state,
  step: z.string().nullable(),
  progress: z.number(),
  createdAt: instant,
  startedAt: instant.nullable(),
  endedAt: instant.nullable(),
  cancelRequested: z.boolean(),
  attempts: z.number().int(),
  error: z
    .object({ message: z.string(), code: z.string().nullable(), step: z.string().nullable() })
    .nullable(),
  backup: z
    .object({ id, filename: z.string(), databaseId: id, databaseName: z.string(), environmentId: id })
    .nullable(),
});

/** What is being done, and what was: backups, deep tests, verifications, pruning, restores and drills. */
export function runRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/runs',
      access: 'viewer',
      summary: 'What waits, runs and ran, newest first',
      query: pageQuery(50).extend({ kind: kind.optional(), state: state.optional(), by: by.optional() }),
      answer: z.object({ runs: z.array(run), more: z.boolean() }),
      handle: async ({ query }) => {
        const { runs, more } = await listRuns(services.db, query, query);
        return { runs: runs.map((row) => toWireRun(row, services.runs.progress(row.id))), more };
      },
    }),
    route({
      method: 'GET',
      path: '/api/runs/:id',
      access: 'viewer',
      summary: 'One run, and how far it is',
      answer: z.object({
        run: run.extend({ restore: restoreShape.nullable(), drill: drillShape.nullable() }),
      }),
      refusals: [404],
      handle: async ({ params }) => {
        const row = await existing(services, params.id);
        const isRestore = row.kind === 'restore' || row.kind === 'drill';
        const restore = isRestore ? await findRestore(services.db, row.id) : undefined;
        const drill = row.kind === 'drill' ? await findDrill(services.db, row.id) : undefined;
        return {
          run: {
            ...toWireRun(row, services.runs.progress(row.id)),
            restore: restore === undefined ? null : wireRestore(restore),
            drill: drill === undefined ? null : wireDrill(drill),
          },
        };
      },
    }),
    route({
      method: 'GET',
      path: '/api/runs/:id/log',
      access: 'viewer',
      summary:
        'What a run has said: its steps, what was sent again, how it ended; of one that goes on, some seconds ago',
      answer: z.object({
        lines: z.array(
          z.object({
            at: instant,
            level: z.enum(['debug', 'info', 'warn', 'error']),
            message: z.string(),
            details: z.string(),
          }),
        ),
      }),
      refusals: [404],
      handle: async ({ params }) => {
        const { id } = await existing(services, params.id);
        return { lines: await runLogOf(services.db, id) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/runs/:id/cancel',
      access: 'operator',
      summary: 'Cancel a run that waits or goes on; a deep test of the storage is for admins',
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor, session }) => {
        const row = await existing(services, params.id);
        if (row.kind === 'backup') {
          await stopBackup(services, actor, row.subject_id ?? row.id);
          return SUCCESS;
        }
        if (row.kind === 'verification') {
          await cancelVerification(services, actor, row.id);
          return SUCCESS;
        }
        if (row.kind === 'restore' || row.kind === 'drill') {
          await cancelRestore(services, actor, row.id);
          return SUCCESS;
        }
        if (row.kind === 'prune') {
          await cancelPrune(services, actor, row.id);
          return SUCCESS;
        }
        if (!hasRole(session.user.role, 'admin')) throw new AppError('forbidden', 'Admin access required');
        await cancelDeepTest(services, actor, row.id);
        return SUCCESS;
      },
    }),
  ] as const;
}

async function existing({ db }: Services, runId: string): Promise<ListedRun> {
  const row = await findRun(db, runId);
  if (row === undefined) throw new AppError('not_found', 'Run not found');
  return row;
}

const storedError = z.object({
  message: z.string(),
  code: z.string().nullable().default(null),
  step: z.string().nullable().default(null),
});

function toWireRun(row: ListedRun, progress: RunProgress | null): z.infer<typeof run> {
  const live = row.state === 'running' ? progress : null;
  const {
    filename,
    database_id: databaseId,
    database_name: databaseName,
    environment_id: environmentId,
  } = row;
  const backup =
    row.subject_id === null ||
    filename === null ||
    databaseId === null ||
    databaseName === null ||
    environmentId === null
      ? null
      : { id: row.subject_id, filename, databaseId, databaseName, environmentId };
  return {
    id: row.id,
    kind: row.kind,
    state: row.state,
    step: live?.step ?? row.step,
    progress: live?.progress ?? row.progress,
    createdAt: row.created_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    cancelRequested: row.cancel_requested_at !== null,
    attempts: row.attempts,
    error: row.error === null ? null : storedError.parse(JSON.parse(row.error)),
    backup,
  };
}
