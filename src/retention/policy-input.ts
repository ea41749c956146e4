import * as z from 'zod';
import {
  PRESET_TIERS,
  RETENTION_PRESETS,
  type RetentionTiers,
  tierFields,
} from '../settings/retention-presets.ts';
import type { Policy, PolicyOfDatabase } from './policy.ts';

const optional = {
  /** Of all completed backups of the database; null: no cap. */
  maxTotalBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable().optional(),
  inheritGlobal: z.boolean().optional(),
  /** By how much the newest backup may be smaller than those before it before pruning stands still; 100: by any share. */
  maxShrinkPercent: z.number().int().min(1).max(100).nullable().optional(),
};

/** A database's own policy, as it is sent. */
export const policyInput = z.object({
  preset: z.enum(RETENTION_PRESETS),
  ...tierFields,
  ...optional,
  confirm: z.boolean().optional(),
});
export type PolicyInput = z.infer<typeof policyInput>;

/** What is asked for in a preview: laid over what counts now. */
export const policyOverlay = z.object({
  preset: z.enum(RETENTION_PRESETS),
  ...tierFields,
  ...optional,
});
export const previewInput = policyOverlay.partial();
export type PreviewInput = z.infer<typeof previewInput>;

/** The tiers that a preset stands for; of `custom` those that were sent. */
export function tiersOf({ preset, ...sent }: PolicyInput): RetentionTiers {
  if (preset !== 'custom') return PRESET_TIERS[preset];
  const { keepLast, daily, weekly, monthly, yearly, minFloor } = sent;
  return { keepLast, daily, weekly, monthly, yearly, minFloor };
}

/** What would count if this were saved. */
export function policyWith(present: PolicyOfDatabase, input: PolicyInput): Policy {
  const maxShrinkPercent = input.maxShrinkPercent ?? present.effective.maxShrinkPercent;
  if (input.inheritGlobal === true) return { ...present.globalDefault, maxShrinkPercent };
  const { preset, maxTotalBytes = null } = input;
  return { ...tiersOf(input), preset, maxTotalBytes, source: 'override', maxShrinkPercent };
}

/** What is sent, over what counts now; a named preset brings its tiers and leaves the cap. */
export function policyOver(present: PolicyOfDatabase, input: PreviewInput): Policy {
  const { effective, globalDefault } = present;
  const maxShrinkPercent = input.maxShrinkPercent ?? effective.maxShrinkPercent;
  if (input.inheritGlobal === true) return { ...globalDefault, maxShrinkPercent };
  const maxTotalBytes = input.maxTotalBytes === undefined ? effective.maxTotalBytes : input.maxTotalBytes;
  const preset = input.preset ?? (hasTiers(input) ? 'custom' : effective.preset);
  const sent = preset === 'custom' ? { ...input, preset } : { preset, ...PRESET_TIERS[preset] };
  const tier = (name: keyof RetentionTiers) => sent[name] ?? effective[name];
  return {
    keepLast: tier('keepLast'),
    daily: tier('daily'),
    weekly: tier('weekly'),
    monthly: tier('monthly'),
    yearly: tier('yearly'),
    minFloor: tier('minFloor'),
    ...{ preset, maxTotalBytes, maxShrinkPercent, source: 'override' },
  };
}

function hasTiers(input: PreviewInput): boolean {
  return Object.keys(tierFields).some((name) => Object.hasOwn(input, name));
}
