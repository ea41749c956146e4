import { sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { readSettings } from '../settings/settings.ts';

const DAY_MS = 86_400_000;
/** An event is of use until it was told, and everything that tells of it has been sent or given up. */
const EVENT_DAYS = 7;
const CHUNK = 500;

/** Removes what was told long ago, as long as the settings say; a little in each transaction. */
export async function forgetOldNews({ db, now }: Context, signal?: AbortSignal): Promise<void> {
  await forgetSpells(db);
  const settings = await readSettings(db);
  const before = (days: number) => new Date(now().getTime() - days * DAY_MS).toISOString();
  const removals = [
    ['notifications', before(settings.notificationRetentionDays), sql<boolean>`1 = 1`],
    [
      'deliveries',
      before(Math.max(EVENT_DAYS, settings.webhookDeliveryRetentionDays)),
      sql<boolean>`next_try_at is null`,
    ],
    ['events', before(EVENT_DAYS), sql<boolean>`told_at is not null`],
  ] as const;
  for (const [table, until, isDone] of removals) {
    let removed = CHUNK;
    while (removed === CHUNK && !signal?.aborted) {
      removed = await write(db, async (trx) => {
        const old = trx
          .selectFrom(table)
          .select('id')
          .where('created_at', '<', until)
          .where(isDone)
          .orderBy('created_at')
          .limit(CHUNK);
        const { numDeletedRows } = await trx
          .deleteFrom(table)
          .where('id', 'in', old)
          .executeTakeFirstOrThrow();
        return Number(numDeletedRows);
      });
    }
  }
}

/** Spells of databases that are gone. */
async function forgetSpells(db: Db): Promise<void> {
  await write(db, (trx) =>
    trx
      .deleteFrom('notification_spells')
      .where('database_id', 'is not', null)
      .where('database_id', 'not in', (eb) => eb.selectFrom('databases').select('databases.id'))
      .execute(),
  );
}
