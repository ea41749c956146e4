import * as z from 'zod';

/** How many backups are kept of each kind; `minFloor` is what no rule goes below. */
export const tierFields = {
  keepLast: z.number().int().min(0).max(100),
  daily: z.number().int().min(0).max(366),
  weekly: z.number().int().min(0).max(520),
  monthly: z.number().int().min(0).max(240),
  yearly: z.number().int().min(0).max(50),
  minFloor: z.number().int().min(1).max(10),
};

const tiers = z.object(tierFields);
export type RetentionTiers = Readonly<z.infer<typeof tiers>>;

/** Sets of tiers that have a name, and `custom` for all others. */
export const RETENTION_PRESETS = ['lean', 'balanced', 'long_term', 'custom'] as const;
export type RetentionPreset = (typeof RETENTION_PRESETS)[number];

export const PRESET_TIERS: Readonly<Record<Exclude<RetentionPreset, 'custom'>, RetentionTiers>> = {
  lean: { keepLast: 12, daily: 7, weekly: 4, monthly: 0, yearly: 0, minFloor: 2 },
  balanced: { keepLast: 24, daily: 7, weekly: 4, monthly: 6, yearly: 0, minFloor: 2 },
  long_term: { keepLast: 24, daily: 7, weekly: 4, monthly: 12, yearly: 3, minFloor: 2 },
};
