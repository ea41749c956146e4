import * as z from 'zod';
import type { BackupPolicyRow } from '../../db/schema.ts';
import type { Candidate } from '../../retention/candidates.ts';
import type { Freeze } from '../../retention/freeze.ts';
import type { Decision } from '../../retention/plan.ts';
import type { Policy } from '../../retention/policy.ts';
import { policyInput, previewInput } from '../../retention/policy-input.ts';
import {
  acceptSize,
  previewRetention,
  type Rotation,
  removePolicy,
  retentionOf,
  rotate,
  savePolicy,
} from '../../retention/retention-actions.ts';
import type { Services } from '../../services-port.ts';
import { RETENTION_PRESETS } from '../../settings/retention-presets.ts';
import { answerBy, route } from '../route.ts';
import { id, instant, SUCCESS, success } from './shapes.ts';

const count = z.number().int();
const tiers = {
  ...{ keepLast: count, daily: count, weekly: count, monthly: count, yearly: count, minFloor: count },
  maxTotalBytes: z.number().nullable(),
  preset: z.enum(RETENTION_PRESETS),
  autoApplied: z.boolean(),
};
/** The contract's `P`, with the share that a backup may be smaller by. */
const policy = z.object({
  ...tiers,
  source: z.enum(['override', 'inherited']),
  maxShrinkPercent: count,
});
/** The contract's `O`. */
const override = z.object({
  ...{ id, databaseId: id, inheritGlobal: z.boolean(), ...tiers },
  ...{ maxShrinkPercent: count.nullable(), createdAt: instant, updatedAt: instant },
});
/** The contract's `V`, with the rule that says so. */
const planned = z.object({
  ...{ id, filename: z.string(), createdAt: instant, size: z.number() },
  rule: z.string(),
  because: z.string(),
  /** The first day on which it may go, where that is known. */
  keptUntil: z.string().nullable(),
});
const frozen = z.object({ since: instant, reason: z.string(), backupId: id.nullable() }).nullable();
const rotation = z.object({
  keep: z.array(id),
  prune: z.array(id),
  bytesFreed: z.number(),
  cappedButUnreachable: z.boolean(),
  frozen,
  errors: z.array(z.object({ backupId: id, error: z.string() })).optional(),
});

/** Nothing was changed yet: sent again with `confirm`, it is. */
const question = z.object({
  confirmationRequired: z.literal(true),
  preview: z.object({ keep: z.array(planned), prune: z.array(planned), bytesFreed: z.number() }),
});

/** How long a change waits for what it prunes; the rest is done in the background. */
const PRUNES_WITHIN_MS = 20_000;

/** Which backups of a database stay and which go. */
export function backupPolicyRoutes(services: Services) {
  return [
    route({
      method: 'GET',
      path: '/api/databases/:id/backup-policy',
      access: 'viewer',
      summary: 'What is kept of the backups of a database: what counts, its own and the default',
      answer: z.object({
        ...{ effective: policy, override: override.nullable(), globalDefault: policy },
        source: z.enum(['override', 'inherited']),
        /** Why pruning stands still; null while it goes on. */
        frozen,
      }),
      refusals: [404],
      handle: async ({ params }) => {
        const state = await retentionOf(services, params.id);
        return {
          effective: wirePolicy(state.effective),
          override: state.override === null ? null : wireOverride(state.override),
          globalDefault: wirePolicy(state.globalDefault),
          source: state.effective.source,
          frozen: state.freeze,
        };
      },
    }),
    route({
      method: 'PUT',
      path: '/api/databases/:id/backup-policy',
      access: 'operator',
      summary:
        'Give a database a policy of its own and prune by it; 409 with what would go where that is much',
      body: policyInput,
      example: { preset: 'balanced', keepLast: 24, daily: 7, weekly: 4, monthly: 6, yearly: 0, minFloor: 2 },
      answer: z.object({ override, rotation }),
      refusals: [404, 409],
      otherAnswers: { 409: question },
      handle: async ({ c, params, actor, body, signal }) => {
        const saved = await savePolicy(services, actor, params.id, body, within(signal));
        if (saved.kind === 'saved') {
          return { override: wireOverride(saved.override), rotation: wireRotation(saved.rotation) };
        }
        const { keep, prune, bytesFreed } = saved;
        const preview = { keep: keep.map(wirePlanned), prune: prune.map(wirePlanned), bytesFreed };
        return answerBy<typeof question>(c, 409, { confirmationRequired: true, preview });
      },
    }),
    route({
      method: 'DELETE',
      path: '/api/databases/:id/backup-policy',
      access: 'operator',
      summary: 'Take the policy of its own from a database: the default counts again',
      answer: z.object({ effective: policy, source: z.literal('inherited') }),
      refusals: [404],
      handle: async ({ params, actor }) => {
        const { effective } = await removePolicy(services, actor, params.id);
        return { effective: wirePolicy(effective), source: 'inherited' };
      },
    }),
    route({
      method: 'POST',
      path: '/api/databases/:id/backup-policy/preview',
      access: 'viewer',
      isReading: true,
      summary: 'What would stay and go now by this policy, each with the rule that says so; changes nothing',
      body: previewInput,
      example: { preset: 'lean' },
      answer: z.object({
        ...{ policy, keep: z.array(planned), prune: z.array(planned), bytesFreed: z.number() },
        ...{ cappedButUnreachable: z.boolean(), frozen },
      }),
      refusals: [404],
      handle: async ({ c, params, body }) => {
        const input = c.get('isBodyEmpty') === true ? null : body;
        const { policy, plan, freeze } = await previewRetention(services, params.id, input);
        return {
          policy: wirePolicy(policy.effective),
          keep: plan.decisions.filter(({ keep }) => keep).map(wirePlanned),
          prune: plan.decisions.filter(({ keep }) => !keep).map(wirePlanned),
          bytesFreed: plan.bytesFreed,
          cappedButUnreachable: plan.cappedButUnreachable,
          frozen: freeze,
        };
      },
    }),
    route({
      method: 'POST',
      path: '/api/databases/:id/backup-policy/accept',
      access: 'operator',
      summary: 'Say that the backups became smaller rightly: pruning, which stood still, goes on',
      answer: success,
      refusals: [404],
      handle: async ({ params, actor }) => {
        await acceptSize(services, actor, params.id);
        return SUCCESS;
      },
    }),
    route({
      method: 'POST',
      path: '/api/databases/:id/rotate',
      access: 'operator',
      summary: 'Prune the backups of a database by its policy now',
      answer: rotation,
      refusals: [404],
      handle: async ({ params, actor, signal }) =>
        wireRotation(await rotate(services, actor, params.id, within(signal))),
    }),
  ] as const;
}

const within = (signal: AbortSignal) => AbortSignal.any([signal, AbortSignal.timeout(PRUNES_WITHIN_MS)]);

function wirePolicy({ source, maxShrinkPercent, ...rules }: Policy): z.infer<typeof policy> {
  const { keepLast, daily, weekly, monthly, yearly, minFloor, maxTotalBytes, preset } = rules;
  return {
    ...{ keepLast, daily, weekly, monthly, yearly, minFloor, maxTotalBytes, preset },
    ...{ source, autoApplied: false, maxShrinkPercent },
  };
}

function wireOverride(row: BackupPolicyRow): z.infer<typeof override> {
  return {
    id: row.id,
    databaseId: row.database_id,
    inheritGlobal: row.inherit_global === 1,
    preset: row.preset,
    autoApplied: row.auto_applied === 1,
    keepLast: row.keep_last,
    daily: row.daily,
    weekly: row.weekly,
    monthly: row.monthly,
    yearly: row.yearly,
    minFloor: row.min_floor,
    maxTotalBytes: row.max_total_bytes === null ? null : Number(row.max_total_bytes),
    maxShrinkPercent: row.max_shrink_percent,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function wirePlanned({ backup, rule, because, until }: Decision<Candidate>): z.infer<typeof planned> {
  const { id, filename, createdAt, size } = backup;
  return { id, filename, createdAt, size, rule, because, keptUntil: until };
}

function wireRotation(of: Rotation): z.infer<typeof rotation> {
  const { bytesFreed, cappedButUnreachable, errors } = of;
  return {
    keep: of.keep.map(({ id }) => id),
    prune: of.prune.map(({ id }) => id),
    ...{ bytesFreed, cappedButUnreachable, frozen: of.freeze satisfies Freeze | null },
    ...(errors.length === 0 ? {} : { errors: [...errors] }),
  };
}
