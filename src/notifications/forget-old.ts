import { sql } from 'kysely';
import type { Context } from '../db/context.ts';
import type { Db } from '../db/schema.ts';
import { write } from '../db/write.ts';
import { readSettings } from '../settings/settings.ts';
import { endWhatIsOver } from './over.ts';
import { idOf } from './spells.ts';

const DAY_MS = 86_400_000;
/** An event is of use until it was told, and everything that tells of it has been sent or given up. */
const EVENT_DAYS = 7;
const CHUNK = 500;
/** What went well of a user's is kept so far back: a thousand databases come to as many each night. */
const MOST_GOOD_NEWS = 1000;

/** Removes what was told long ago, as long as the settings say; a little in each transaction. */
export async function forgetOldNews({ db, now }: Context, signal?: AbortSignal): Promise<void> {
  await forgetSpells(db);
  await forgetGoodNews(db, signal);
  const settings = await readSettings(db);
  const before = (days: number) => new Date(now().getTime() - days * DAY_MS).toISOString();
  const removals = [
    ['notifications', before(settings.notificationRetentionDays), sql<boolean>`1 = 1`],
    [
      'deliveries',
      before(Math.max(EVENT_DAYS, settings.webhookDeliveryRetentionDays)),
      sql<boolean>`next_try_at is null`,
    ],
    // That of trouble which lasts is told again to whom it did not reach.
    [
      'events',
      before(EVENT_DAYS),
      sql<boolean>`told_at is not null and id not in (select event_id from notification_spells where is_open = 1)`,
    ],
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

/** Spells of databases, channels and users that are gone. */
async function forgetSpells(db: Db): Promise<void> {
  const prefix = idOf('system.channel_failed', { id: '' });
  await write(db, async (trx) => {
    await endWhatIsOver(trx);
    await trx
      .deleteFrom('notification_spells')
      .where('database_id', 'is not', null)
      .where('database_id', 'not in', (eb) => eb.selectFrom('databases').select('databases.id'))
      .execute();
    await trx
      .deleteFrom('notification_spells')
      .where('type_id', '=', 'system.channel_failed')
      .where('id', '!=', idOf('system.channel_failed', { id: 'email' }))
      .where('id', 'not in', (eb) =>
        eb
          .selectFrom('notification_channels')
          .select(sql<string>`${prefix} || notification_channels.id`.as('id')),
      )
      .where('id', 'not in', (eb) =>
        eb.selectFrom('users').select(sql<string>`${prefix} || users.id`.as('id')),
      )
      .execute();
  });
}

async function forgetGoodNews(db: Db, signal?: AbortSignal): Promise<void> {
  const users = await db.selectFrom('users').select('id').execute();
  for (const { id } of users) {
    let removed = CHUNK;
    while (removed === CHUNK && !signal?.aborted) {
      removed = await write(db, async (trx) => {
        const beyond = trx
          .selectFrom('notifications')
          .select('id')
          .where('user_id', '=', id)
          .where('severity', '=', 'info')
          .orderBy('created_at', 'desc')
          .orderBy('id', 'desc')
          .limit(CHUNK)
          .offset(MOST_GOOD_NEWS);
        const rows = await beyond.execute();
        if (rows.length === 0) return 0;
        const ids = rows.map((row) => row.id);
        await trx.deleteFrom('notifications').where('id', 'in', ids).execute();
        return ids.length;
      });
    }
  }
}
