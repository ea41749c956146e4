import { sql } from 'kysely';
import * as z from 'zod';
import type { RunRow, Trx } from '../db/schema.ts';
import { newId } from '../ids.ts';
import { insertRun } from '../runs/claim.ts';
import { retentionLane } from '../runs/lanes.ts';

const pruneInput = z.object({
  databaseId: z.string(),
  /** What the backups of the database are pruned for. */
  trigger: z.enum(['backup', 'manual', 'policy-change', 'sweep']),
  /** Who asked for it; null: the installation itself. */
  userId: z.string().nullable(),
});

export type PruneInput = Readonly<z.infer<typeof pruneInput>>;

/**
 * Has the backups of a database pruned by its policy: a run that waits. Gives its id, or that of one which waits already and will do
 * the same.
 */
export async function insertPrune(trx: Trx, input: PruneInput, now: Date): Promise<string> {
  const [id, lane] = [newId(), retentionLane(input.databaseId)];
  const run = { id, kind: 'prune', subjectId: null, serverId: null, lane, input } as const;
  if (await insertRun(trx, run, now)) return id;
  const waiting = await trx
    .selectFrom('runs')
    .select('id')
    .where('kind', '=', 'prune')
    .where('lane', '=', lane)
    .where('state', '=', sql.lit('pending'))
    .executeTakeFirstOrThrow();
  return waiting.id;
}

/** Of the row that a prune was asked for with. */
export function pruneInputOf({ input }: Pick<RunRow, 'input'>): PruneInput {
  return pruneInput.parse(JSON.parse(input ?? 'null'));
}
