import { getDatabaseRow } from '../databases/databases.ts';
import type { Context } from '../db/context.ts';
import { isAppError } from '../errors.ts';
import { decide } from './decide.ts';
import { readDefaults } from './defaults.ts';
import { type PolicyInput, policyWith } from './policy-input.ts';

export interface WouldPrune {
  readonly databaseId: string;
  readonly count: number;
  readonly bytes: number;
}

/**
 * What saving this for each of these would prune, and whether a person is to be asked before, as `savePolicy` asks of one. Changes
 * nothing; what is gone is left out.
 */
export async function wouldPrune(
  { db, now }: Context,
  databaseIds: readonly string[],
  input: PolicyInput,
): Promise<{ readonly each: readonly WouldPrune[]; readonly isMuch: boolean }> {
  const defaults = await readDefaults(db);
  const each: WouldPrune[] = [];
  for (const databaseId of databaseIds) {
    try {
      await getDatabaseRow(db, databaseId);
    } catch (error) {
      if (!isAppError(error, 'not_found')) throw error;
      continue;
    }
    const instead = (present: Parameters<typeof policyWith>[0]) => policyWith(present, input);
    const { plan } = await decide(db, databaseId, { now: now(), defaults, instead });
    each.push({ databaseId, count: plan.prune.length, bytes: plan.bytesFreed });
  }
  const total = each.reduce((sum, { count }) => sum + count, 0);
  return { each, isMuch: total > defaults.confirmThreshold };
}
