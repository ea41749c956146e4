import type { Context } from '../db/context.ts';
import { write } from '../db/write.ts';

/** What the last drills of each database said is kept beside, for ever. */
const KEPT_MS = 366 * 86_400_000;

/** Forgets the lines of old drills, and their restores; one that left something behind stays. */
export async function forgetOldDrills({ db, now }: Context): Promise<void> {
  const before = new Date(now().getTime() - KEPT_MS).toISOString();
  await write(db, async (trx) => {
    await trx
      .deleteFrom('restores')
      .where('is_drill', '=', 1)
      .where('ended_at', '<', before)
      .where('state', '!=', 'left')
      .execute();
    await trx.deleteFrom('drills').where('ended_at', '<', before).execute();
  });
}
