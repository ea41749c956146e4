import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';

const KEY = 'writeProbe';

/** Saves one row of its own, to find out whether anything can be saved; throws what is in the way. */
export async function tryToSave(db: Db, now: Date, patienceMs: number): Promise<void> {
  const at = now.toISOString();
  const values = { value: JSON.stringify(at), updated_at: at };
  await write(
    db,
    (trx) =>
      trx
        .insertInto('system_settings')
        .values({ key: KEY, ...values })
        .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
        .execute(),
    { patienceMs },
  );
}
