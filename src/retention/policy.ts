import type { BackupPolicyRow, Db, PolicyPreset, Trx } from '../db/schema.ts';
import type { RetentionDefaults } from './defaults.ts';
import type { RetentionRules } from './plan.ts';

/** By how much the newest backup may be smaller than those before it, unless a policy says otherwise. 100: by any share. */
export const USUAL_SHRINK_PERCENT = 50;

/** What counts for a database. */
export interface Policy extends RetentionRules {
  readonly preset: PolicyPreset;
  readonly source: 'override' | 'inherited';
  readonly maxShrinkPercent: number;
}

export interface PolicyOfDatabase {
  readonly effective: Policy;
  /** What the database has of its own, also where it inherits nevertheless. */
  readonly override: BackupPolicyRow | null;
  readonly globalDefault: Policy;
}

/** What counts for a database, and where it comes from. */
export async function policyOf(
  db: Db | Trx,
  databaseId: string,
  defaults: RetentionDefaults,
): Promise<PolicyOfDatabase> {
  const row = await db
    .selectFrom('backup_policies')
    .selectAll()
    .where('database_id', '=', databaseId)
    .executeTakeFirst();
  const globalDefault = inherited(defaults);
  const override = row ?? null;
  if (row === undefined || row.inherit_global === 1) {
    // How much a database may shrink is its own also where the tiers are not.
    const maxShrinkPercent = row?.max_shrink_percent ?? USUAL_SHRINK_PERCENT;
    return { effective: { ...globalDefault, maxShrinkPercent }, override, globalDefault };
  }
  return { effective: ofRow(row), override, globalDefault };
}

function inherited({ rules, preset }: RetentionDefaults): Policy {
  return { ...rules, preset, source: 'inherited', maxShrinkPercent: USUAL_SHRINK_PERCENT };
}

function ofRow(row: BackupPolicyRow): Policy {
  return {
    keepLast: row.keep_last,
    daily: row.daily,
    weekly: row.weekly,
    monthly: row.monthly,
    yearly: row.yearly,
    minFloor: row.min_floor,
    maxTotalBytes: row.max_total_bytes === null ? null : Number(row.max_total_bytes),
    preset: row.preset,
    source: 'override',
    maxShrinkPercent: row.max_shrink_percent ?? USUAL_SHRINK_PERCENT,
  };
}
