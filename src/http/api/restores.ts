import * as z from 'zod';
import type { RestoreRow } from '../../db/schema.ts';
import { AppError } from '../../errors.ts';
import { hostOrSocket, port } from '../../fields.ts';
import { askInPlace } from '../../restores/ask-in-place.ts';
import { askRename } from '../../restores/ask-rename.ts';
import { askRestore } from '../../restores/ask-restore.ts';
import { cleanUpRestore } from '../../restores/clean-up.ts';
import { dropKept } from '../../restores/drop-kept.ts';
import { dropRestored } from '../../restores/drop-restored.ts';
import { isLive, jobCount, loadOptionsOf, onlyTablesOf, tableNames } from '../../restores/load-options.ts';
import { checksOf, countsOf, findRestore, listRestores, whatExists } from '../../restores/restores.ts';
import { swapByHandOf } from '../../restores/swap-by-hand.ts';
import { loginFields } from '../../restores/typed-login.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, pageQuery, SUCCESS, success } from './shapes.ts';

const state = z.enum(['none', 'making', 'loading', 'finishing', 'done', 'removed', 'left']);
const text = z.string().nullable();

/** A restore, as it stands beside its run. */
export const restoreShape = z.object({
  /** The run's. */
  id,
  backupId: id,
  databaseId: id,
  /** Where it restores to. */
  environmentId: id,
  serverId: id.nullable(),
  host: text,
  port: z.number().nullable(),
  newName: z.string(),
  /** The tables that it is of; null: all of them. */
  onlyTables: tableNames.nullable(),
  /** How many connections load it at once; null: one, in one transaction. */
  jobs: jobCount.nullable(),
  state,
  /** What is there now of what it makes, in a sentence. */
  exists: z.string(),
  /** What was looked at before; of one that is `ok` and `isUnknown`, nobody could tell. */
  checks: z
    .array(z.object({ name: z.string(), ok: z.boolean(), isUnknown: z.boolean(), says: z.string() }))
    .nullable(),
  /** Tables with the rows that were found, and those that the dump holds, where they were counted. */
  tables: z
    .array(
      z.object({
        schema: text,
        name: z.string(),
        expected: z.number().nullable(),
        rows: z.number().nullable(),
      }),
    )
    .nullable(),
  /** How long the loading took. */
  loadedMs: z.number().nullable(),
  /** Whether it takes the place of the database that was backed up. */
  inPlace: z.boolean(),
  /** Whether it goes into that database itself, in one transaction, and not beside it. */
  intoLive: z.boolean(),
  /** Of what it replaces, made before; null: declined, or nothing is replaced. */
  safetyBackupId: id.nullable(),
  /** What was replaced, under the name that it has since; null: nothing was. */
  kept: z
    .object({
      name: z.string(),
      state: z.enum(['kept', 'dropped', 'taken-back']),
      droppedAt: instant.nullable(),
    })
    .nullable(),
  createdAt: instant,
  endedAt: instant.nullable(),
});

const drop = {
  ...loginFields,
  confirm: z.string().max(1024),
  isUnused: z.boolean().optional(),
  isOnlyCopy: z.boolean().optional(),
  mayBeGone: z.boolean().optional(),
};

export function restoreRoutes(services: Services) {
  return [
    route({
      method: 'POST',
      path: '/api/backups/:id/restore',
      access: 'operator',
      summary:
        'Restore a backup into something new, in the background; into another environment for admins; in place of its database with `inPlace` and its name in `confirm`, or into that database itself with `intoLive` besides',
      body: z.object({
        newName: z.string().min(1).max(1024).optional(),
        serverId: z.string().max(64).nullish(),
        host: hostOrSocket.or(z.literal('')).nullish(),
        port: port.nullish(),
        ...loginFields,
        confirm: z.string().max(255).optional(),
        tables: tableNames.optional(),
        jobs: jobCount.optional(),
        inPlace: z.boolean().optional(),
        safetyBackup: z.boolean().optional(),
        endSessions: z.boolean().optional(),
        intoLive: z.boolean().optional(),
      }),
      answer: z.object({ runId: id, newName: z.string() }),
      refusals: [404, 409],
      handle: ({ params, actor, body }) => {
        refuseMixed(body);
        return body.inPlace === true
          ? askInPlace(services, actor, params.id, body)
          : askRestore(services, actor, params.id, body);
      },
    }),
    route({
      method: 'GET',
      path: '/api/restores',
      access: 'viewer',
      summary:
        'The restores, newest first; `state=left` gives those that could not clean up, `kept=true` those whose replaced database is kept',
      query: pageQuery(50).extend({ state: state.optional(), kept: z.literal('true').optional() }),
      answer: z.object({ restores: z.array(restoreShape) }),
      handle: async ({ query }) => {
        const page = { ...query, isKept: query.kept === 'true' };
        return { restores: (await listRestores(services.db, page)).map(wireRestore) };
      },
    }),
    route({
      method: 'GET',
      path: '/api/restores/:id',
      access: 'viewer',
      summary:
        'One restore, by the id of its run: what was looked at, what was made, and how many rows are in it',
      answer: z.object({ restore: restoreShape }),
      refusals: [404],
      handle: async ({ params }) => {
        const row = await findRestore(services.db, params.id);
        if (row === undefined) throw new AppError('not_found', 'Restore not found');
        return { restore: wireRestore(row) };
      },
    }),
    route({
      method: 'POST',
      path: '/api/restores/:id/clean-up',
      access: 'operator',
      summary:
        'Remove what a failed restore has made and could not remove by itself; the name that it was made for in `confirm`, and `mayBeGone` where nobody can tell whether it is gone, and somebody says that it is; `isThatOne` where nobody can tell whether what has its name is what was restored, and somebody has looked, and says so; `state` is `done` where it turns out to be there, whole, by its name; for admins where it is in another environment than its database, or that is gone',
      body: z.object({
        ...loginFields,
        // Optional, so that whoever leaves it out is told the name.
        confirm: drop.confirm.optional(),
        mayBeGone: z.boolean().optional(),
        isThatOne: z.boolean().optional(),
      }),
      // `done`: it has its name, or its place, and nothing was removed.
      answer: success.extend({ state: z.enum(['removed', 'done']) }),
      refusals: [404, 409],
      handle: async ({ params, actor, body, signal }) => {
        const { state } = await cleanUpRestore(services, actor, params.id, body, signal);
        return { ...SUCCESS, state };
      },
    }),
    route({
      method: 'GET',
      path: '/api/restores/:id/swap',
      access: 'viewer',
      summary:
        'How a person swaps what was restored with the database that it is of, where the app does not (MySQL, MariaDB, SQLite)',
      answer: z.object({
        swap: z.object({ check: z.string(), statements: z.string(), notes: z.array(z.string()) }).nullable(),
      }),
      refusals: [404],
      handle: async ({ params }) => {
        const row = await findRestore(services.db, params.id);
        if (row === undefined) throw new AppError('not_found', 'Restore not found');
        const swap = await swapByHandOf(services.db, row, services.now());
        return { swap: swap === null ? null : { ...swap, notes: [...swap.notes] } };
      },
    }),
    route({
      method: 'POST',
      path: '/api/restores/:id/drop-kept',
      access: 'operator',
      summary:
        'Drop what a restore in place has replaced, the very one; the name under which it is kept in `confirm`, and `isUnused` where somebody may go on with it unseen, `isOnlyCopy` where it is there, and its safety backup was declined, is gone or damaged, `mayBeGone` where somebody has dropped it already; `outcome` is `taken-back` where it has its place again and nothing was dropped; for admins where its database is gone',
      body: z.object(drop),
      // `taken-back`: it has its place again, and nothing was dropped.
      answer: success.extend({ outcome: z.enum(['dropped', 'taken-back']) }),
      refusals: [404, 409],
      handle: async ({ params, actor, body, signal }) => {
        const outcome = await dropKept(services, actor, params.id, body, signal);
        return { ...SUCCESS, outcome };
      },
    }),
    route({
      method: 'POST',
      path: '/api/restores/:id/rename',
      access: 'operator',
      summary:
        'Let what a restore has made beside its database take the place of that (PostgreSQL), as a restore in place of its own that loads nothing; the name of the database in `confirm`',
      body: z.object({
        ...loginFields,
        confirm: z.string().max(255),
        safetyBackup: z.boolean().optional(),
        endSessions: z.boolean().optional(),
      }),
      answer: z.object({ runId: id, newName: z.string() }),
      refusals: [404, 409],
      handle: ({ params, actor, body }) => askRename(services, actor, params.id, body),
    }),
    route({
      method: 'POST',
      path: '/api/restores/:id/drop',
      access: 'operator',
      summary:
        'Drop what a restore has made beside its database, the very one (PostgreSQL, SQLite); its name in `confirm`, and `isUnused` where somebody may go on with it unseen, `isOnlyCopy` where it is there, and its backup is gone or damaged, `mayBeGone` where somebody has dropped it already; for admins where it is in another environment, or its database is gone',
      body: z.object(drop),
      answer: success,
      refusals: [404, 409],
      handle: async ({ params, actor, body, signal }) => {
        await dropRestored(services, actor, params.id, body, signal);
        return SUCCESS;
      },
    }),
  ] as const;
}

/** In place is where the database is, and nowhere else. */
function refuseMixed(body: Readonly<Record<string, unknown>>): void {
  const foreign =
    body['inPlace'] === true
      ? ['newName', 'serverId', 'host', 'port', 'tables', 'jobs'].find((name) => body[name] !== undefined)
      : ['safetyBackup', 'endSessions', 'intoLive'].find((name) => body[name] !== undefined);
  if (foreign === undefined) return;
  const message =
    body['inPlace'] === true
      ? `A restore in place goes where the database is: leave out ${foreign}.`
      : `${foreign} is of restores in place: leave it out, or set inPlace.`;
  throw new AppError('invalid', message, { details: { field: foreign } });
}

export function wireRestore(row: RestoreRow): z.infer<typeof restoreShape> {
  const tables = countsOf(row);
  const checks = checksOf(row);
  return {
    id: row.id,
    backupId: row.backup_id,
    databaseId: row.database_id,
    environmentId: row.environment_id,
    serverId: row.server_id,
    host: row.host,
    port: row.port,
    newName: row.new_name,
    onlyTables: onlyTablesOf(row),
    jobs: loadOptionsOf(row).jobs ?? null,
    state: row.state,
    exists: whatExists(row),
    checks: checks?.map(({ name, ok, isUnknown = false, says }) => ({ name, ok, isUnknown, says })) ?? null,
    tables: tables === null ? null : [...tables],
    loadedMs: row.loaded_ms === null ? null : Number(row.loaded_ms),
    inPlace: row.in_place === 1,
    intoLive: isLive(row),
    safetyBackupId: row.safety_backup_id,
    kept:
      row.kept_name === null || row.kept_state === null
        ? null
        : { name: row.kept_name, state: row.kept_state, droppedAt: row.kept_dropped_at },
    createdAt: row.created_at,
    endedAt: row.ended_at,
  };
}
