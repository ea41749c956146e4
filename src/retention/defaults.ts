import type { Db, PolicyPreset, Trx } from '../db/schema.ts';
import { type PublicSettings, readSettings } from '../settings/settings.ts';
import type { RetentionRules } from './plan.ts';

/** What the installation says of retention; a database's own policy may say otherwise. */
export interface RetentionDefaults {
  readonly preset: PolicyPreset;
  readonly rules: RetentionRules;
  /** In it days, weeks, months and years begin. */
  readonly zone: string;
  /** How long the rows of failed runs are kept. */
  readonly failedDays: number;
  /** A change of a policy that would prune more backups than that wants to be confirmed. */
  readonly confirmThreshold: number;
}

export async function readDefaults(db: Db | Trx): Promise<RetentionDefaults> {
  return defaultsOf(await readSettings(db));
}

export function defaultsOf(settings: PublicSettings): RetentionDefaults {
  return {
    preset: settings.backupRetentionPreset,
    rules: {
      keepLast: settings.backupRetentionKeepLast,
      daily: settings.backupRetentionDaily,
      weekly: settings.backupRetentionWeekly,
      monthly: settings.backupRetentionMonthly,
      yearly: settings.backupRetentionYearly,
      minFloor: settings.backupRetentionMinFloor,
      maxTotalBytes: settings.backupRetentionMaxTotalBytes,
    },
    zone: settings.timezone,
    failedDays: settings.failedBackupRetentionDays,
    confirmThreshold: settings.backupRotationConfirmThreshold,
  };
}
