import type { Db } from '../db/schema.ts';
import { readDefaults } from './defaults.ts';
import { type Freeze, freezeOf } from './freeze.ts';
import { type Policy, policyOf } from './policy.ts';

/** What counts for the backups of a database, as its pages tell it. */
export interface Standing {
  readonly policy: Policy;
  /** In it days, weeks, months and years begin. */
  readonly zone: string;
  /** Null while pruning goes on. */
  readonly freeze: Freeze | null;
}

export async function standingOf(db: Db, databaseId: string): Promise<Standing> {
  const defaults = await readDefaults(db);
  const { effective: policy } = await policyOf(db, databaseId, defaults);
  const { freeze } = await freezeOf(db, databaseId);
  return { policy, zone: defaults.zone, freeze };
}
