import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';

const KEY = 'sealingKeyId';

/** Records at the start which key the running app seals with, for the command that rotates it. */
export async function recordSealingKey(db: Db, keyId: string, now: Date): Promise<void> {
  // As nearly always: a start that writes nothing waits for no disk.
  if (await isSealingKey(db, keyId)) return;
  const values = { value: JSON.stringify(keyId), updated_at: now.toISOString() };
  await write(db, (trx) =>
    trx
      .insertInto('system_settings')
      .values({ key: KEY, ...values })
      .onConflict((conflict) => conflict.column('key').doUpdateSet(values))
      .execute(),
  );
}

/** True when the app that was started last seals with this key. */
export async function isSealingKey(db: Db, keyId: string): Promise<boolean> {
  const row = await db
    .selectFrom('system_settings')
    .select('value')
    .where('key', '=', KEY)
    .executeTakeFirst();
  return row?.value === JSON.stringify(keyId);
}
