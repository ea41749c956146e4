import * as z from 'zod';
import { HELD_BACK } from '../../backups/held-back.ts';
import { getDatabaseRow } from '../../databases/databases.ts';
import { getEnvironmentRow } from '../../environments/environments.ts';
import { newRule, ruleChange, scheduleInput } from '../../schedules/fields.ts';
import { listSchedules } from '../../schedules/list-schedules.ts';
import { changeRule, createRule, deleteRule, listRules } from '../../schedules/rules.ts';
import { deleteSchedule, getSchedule, putSchedule } from '../../schedules/schedules.ts';
import { blackoutsInput, listBlackouts, saveBlackouts } from '../../schedules/server-blackouts.ts';
import { slotHistory } from '../../schedules/slots.ts';
import { upcomingSlots } from '../../schedules/upcoming.ts';
import type { Services } from '../../services-port.ts';
import { route } from '../route.ts';
import { id, instant, pageQuery, SUCCESS, success, total } from './shapes.ts';

const text = z.string().nullable();
const count = z.number().int();
const options = {
  cronExpression: z.string(),
  words: z.string(),
  enabled: z.boolean(),
  timeZone: text,
  jitterMinutes: count,
  catchUpHours: count.nullable(),
  retries: count,
  retryMinutes: count,
  pausedReason: text,
  pausedAt: instant.nullable(),
  /** When the newest good backup is restored in a drill; null: never by itself. */
  drillCron: text,
  drillServerId: text,
  drillFolder: text,
  /** How often the newest good backup is read in full; null: as set for the installation. */
  verifyEveryDays: count.nullable(),
};
export const scheduleShape = z.object({
  id,
  databaseId: id,
  retentionDays: count,
  lastRunAt: instant.nullable(),
  nextRunAt: instant.nullable(),
  ...options,
});
const ruleName = z.object({ id, name: z.string() }).nullable();
export const effectiveShape = scheduleShape.extend({
  rule: ruleName,
  zone: z.string(),
  nextSlots: z.array(instant),
  /** Why nothing can be stored, whenever it begins; `nextRunAt` is null then. */
  heldBack: z.enum(HELD_BACK).nullable(),
});
const rule = z.object({
  ...{ id, name: z.string(), environmentId: text, tag: text, engine: text, databases: count },
  ...options,
});
const slot = z.object({
  id,
  dueAt: instant,
  lastDueAt: instant,
  slots: count,
  outcome: z.enum(['ran', 'caught_up', 'skipped', 'missed']),
  reason: z.enum(['running', 'paused', 'blackout', 'storage_off', 'app_down', 'limits']).nullable(),
  detail: text,
  backupId: text,
  tries: count,
  retryAt: instant.nullable(),
  decidedAt: instant,
});
const server = { serverId: text, serverName: text };
const upcoming = z.object({
  ...{ databaseId: id, databaseName: z.string(), environmentId: id, ...server },
  ...{
    dueAt: instant,
    runAt: instant,
    rule: ruleName,
    obstacle: z.enum(['paused', 'blackout', ...HELD_BACK]).nullable(),
  },
});
const collision = z.object({
  ...{ ...server, from: instant, until: instant, runs: count, limit: count },
  databases: z.array(z.object({ id, name: z.string() })),
});
const blackout = z.object({ weekdays: z.array(count), from: z.string(), until: z.string(), reason: text });

const upcomingQuery = z.object({
  hours: z
    .string()
    .regex(/^\d{1,4}$/, { error: 'Must be a whole number of hours, 1 to 744' })
    .transform(Number)
    .refine((hours) => hours >= 1 && hours <= 744, { error: 'Must be a whole number of hours, 1 to 744' })
    .default(24),
  environmentId: z.string().optional(),
  limit: pageQuery(200).shape.limit,
});

export function scheduleRoutes(services: Services) {
  const { db } = services;
  const environmentOf = async (environmentId: string | undefined) =>
    environmentId === undefined ? null : (await getEnvironmentRow(db, environmentId)).id;
  return [
    route({
      method: 'GET',
      path: '/api/databases/:id/schedule',
      access: 'viewer',
      summary: 'The database’s own schedule, and the one that counts for it',
      answer: z.object({ schedule: scheduleShape.nullable(), effectiveSchedule: effectiveShape.nullable() }),
      refusals: [404],
      handle: async ({ params }) => {
        const { own, effective } = await getSchedule(services, params.id);
        return { schedule: own, effectiveSchedule: effective };
      },
    }),
    route({
      method: 'PUT',
      path: '/api/databases/:id/schedule',
      access: 'operator',
      summary: 'Give the database a schedule of its own, or change it',
      body: scheduleInput,
      answer: z.object({ schedule: scheduleShape.nullable(), effectiveSchedule: effectiveShape.nullable() }),
      refusals: [404],
      handle: async ({ params, actor, body }) => {
        const { own, effective } = await putSchedule(services, actor, params.id, body);
        return { schedule: own, effectiveSchedule: effective };
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/databases/:id/schedule',
      access: 'operator',
      summary: 'Take the database’s own schedule away',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await deleteSchedule(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'GET',
      path: '/api/databases/:id/schedule/history',
      access: 'viewer',
      summary: 'What became of each slot, newest first',
      query: pageQuery(50),
      answer: z.object({ slots: z.array(slot), total }),
      refusals: [404],
      handle: async ({ params, query }) => {
        await getDatabaseRow(db, params.id);
        const { slots, total } = await slotHistory(db, params.id, query);
        return { slots: slots.map(wireSlot), total };
      },
    }),
    route({
      method: 'GET',
      path: '/api/schedules',
      access: 'viewer',
      summary: 'The databases that have a schedule, each with the one that counts, by name',
      query: pageQuery(25).extend({ environmentId: z.string().optional() }),
      answer: z.object({
        schedules: z.array(effectiveShape.extend({ databaseName: z.string(), environmentId: id })),
        total,
      }),
      refusals: [404],
      handle: async ({ query }) => listSchedules(services, await environmentOf(query.environmentId), query),
    }),
    route({
      method: 'GET',
      path: '/api/schedules/upcoming',
      access: 'viewer',
      summary: 'What begins within the next hours, and where more begins at once than may run',
      query: upcomingQuery,
      answer: z.object({
        upcoming: z.array(upcoming),
        total,
        collisions: z.array(collision),
        lookedAtUntil: instant.nullable(),
        schedulerEnabled: z.boolean(),
      }),
      refusals: [404],
      handle: async ({ query }) => ({
        ...(await upcomingSlots(services, {
          ...query,
          environmentId: await environmentOf(query.environmentId),
        })),
        schedulerEnabled: services.config.schedulerEnabled,
      }),
    }),
    route({
      method: 'GET',
      path: '/api/schedules/rules',
      access: 'viewer',
      summary: 'Schedules for many databases, by name',
      answer: z.object({ rules: z.array(rule) }),
      handle: async () => ({ rules: await listRules(db) }),
    }),
    route({
      method: 'POST',
      path: '/api/schedules/rules',
      access: 'operator',
      summary: 'Make a schedule for every database that fits',
      body: newRule,
      answer: z.object({ rule }),
      refusals: [404, 409],
      handle: async ({ actor, body }) => ({ rule: await createRule(services, actor, body) }),
    }),
    route({
      method: 'PATCH',
      path: '/api/schedules/rules/:id',
      access: 'operator',
      summary: 'Change a schedule for many databases',
      body: ruleChange,
      answer: z.object({ rule }),
      refusals: [404, 409],
      handle: async ({ params, actor, body }) => ({
        rule: await changeRule(services, actor, params.id, body),
      }),
    }),
    route({
      method: 'DELETE',
      path: '/api/schedules/rules/:id',
      access: 'operator',
      summary: 'Delete a schedule for many databases',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await deleteRule(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'GET',
      path: '/api/servers/:id/blackouts',
      access: 'viewer',
      summary: 'When nothing is begun on a server by schedule',
      answer: z.object({ blackouts: z.array(blackout) }),
      refusals: [404],
      handle: async ({ params }) => ({ blackouts: await listBlackouts(db, params.id) }),
    }),
    route({
      method: 'PUT',
      path: '/api/servers/:id/blackouts',
      access: 'operator',
      summary: 'Say when nothing is begun on a server by schedule',
      body: blackoutsInput,
      answer: z.object({ blackouts: z.array(blackout) }),
      refusals: [404],
      handle: async ({ params, actor, body }) => ({
        blackouts: await saveBlackouts(services, actor, params.id, body.blackouts),
      }),
    }),
  ] as const;
}

function wireSlot(row: Awaited<ReturnType<typeof slotHistory>>['slots'][number]) {
  return {
    id: row.id,
    dueAt: row.due_at,
    lastDueAt: row.last_due_at,
    slots: row.slots,
    outcome: row.outcome,
    reason: row.reason,
    detail: row.detail,
    backupId: row.backup_id,
    tries: row.tries,
    retryAt: row.retry_at,
    decidedAt: row.decided_at,
  };
}
