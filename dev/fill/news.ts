import type { Insertable } from 'kysely';
import type {
  DatabaseRow,
  DeliveryItemRow,
  DeliveryRow,
  EventRow,
  NotificationRow,
} from '../../src/db/schema.ts';
import { write } from '../../src/db/write.ts';
import { newId } from '../../src/ids.ts';
import { wordsOf } from '../../src/notifications/words.ts';
import type { Services } from '../../src/services-port.ts';
import { inParts } from './in-parts.ts';
import type { Told } from './people.ts';

const DAY_MS = 86_400_000;
/** Events are kept for a week, notifications and deliveries for thirty days by default, of good news a thousand for each user. */
const EVENT_DAYS = 7;
const NEWS_DAYS = 30;
const MOST_GOOD_NEWS = 1000;
/** So many of a user's newest are not read yet. */
const UNREAD = 40;

/** What happened in the last days, of which everybody was told: nothing waits to be told or sent. More of it with more backups. */
export async function fillNews(
  { db, now }: Services,
  fill: {
    readonly databases: readonly DatabaseRow[];
    readonly told: Told;
    readonly backups: number;
    readonly random: () => number;
  },
): Promise<void> {
  const { databases, told, backups, random } = fill;
  const present = now().getTime();
  const happened = (count: number, days: number, good: number) =>
    Array.from({ length: Math.floor(count) }, (_, number) => {
      const at = new Date(present - Math.floor(((number + 1) * days * DAY_MS) / count)).toISOString();
      const database = databases[Math.floor(random() * databases.length)];
      return eventOf(database, { at, isGood: random() < good });
    });
  const events = happened(backups / 5, EVENT_DAYS, 0.95);
  // Of each user: what went well comes to its most soon, what did not is a twentieth of that.
  const good = happened(Math.min(MOST_GOOD_NEWS, backups / 10), NEWS_DAYS / 2, 1);
  const bad = happened(backups / 250, NEWS_DAYS, 0);
  const notifications = told.userIds.flatMap((id) =>
    [...good, ...bad].map((event, index) => notificationOf(event, id, index % good.length < UNREAD)),
  );
  const sent = happened(backups / 10, NEWS_DAYS, 0.2).map((event, number) => deliveryOf(event, told, number));
  await write(db, async (trx) => {
    for (const rows of inParts(events.map(({ row }) => row)))
      await trx.insertInto('events').values(rows).execute();
    for (const rows of inParts(notifications)) await trx.insertInto('notifications').values(rows).execute();
    for (const part of inParts(sent)) {
      await trx
        .insertInto('deliveries')
        .values(part.map(({ delivery }) => delivery))
        .execute();
      await trx
        .insertInto('delivery_items')
        .values(part.map(({ item }) => item))
        .execute();
    }
  });
}

interface Happened {
  readonly row: Insertable<EventRow>;
  readonly words: ReturnType<typeof wordsOf>;
  readonly severity: 'info' | 'critical';
}

function eventOf(
  database: DatabaseRow | undefined,
  { at, isGood }: { readonly at: string; readonly isGood: boolean },
): Happened {
  const of = { databaseName: database?.name ?? 'app', backupId: newId() };
  const event = isGood
    ? ({ type: 'backup.completed', data: { ...of, bytes: 1_000_000, sizeChange: null } } as const)
    : ({
        type: 'backup.failed',
        data: { ...of, step: 'dump', error: 'pg_dump ended with status 1: FATAL: password …' },
      } as const);
  return {
    row: {
      ...{ id: newId(), type: event.type, data: JSON.stringify(event.data), created_at: at, told_at: at },
      ...{ database_id: database?.id ?? null, environment_id: database?.environment_id ?? null },
    },
    words: wordsOf(event),
    severity: isGood ? 'info' : 'critical',
  };
}

function notificationOf(
  { row, words, severity }: Happened,
  userId: string,
  isUnread: boolean,
): Insertable<NotificationRow> {
  const { id: event_id, created_at, data, environment_id, database_id } = row;
  return {
    ...{ id: newId(), event_id, type_id: words.typeId, user_id: userId, severity },
    ...{ title: words.title, message: words.message, data, environment_id, database_id },
    in_app_read_at: isUnread ? null : created_at,
    ...{ email_sent_at: null, webhook_sent_at: null, created_at },
  };
}

/** Nine of ten were taken, the others given up; to channels and by mail in turn. */
function deliveryOf(
  { row, words, severity }: Happened,
  { userIds, channels }: Told,
  number: number,
): { readonly delivery: Insertable<DeliveryRow>; readonly item: DeliveryItemRow } {
  const isMail = number % 2 === 0;
  const channel = channels[number % channels.length];
  const isTaken = number % 10 !== 9;
  const id = newId();
  return {
    delivery: {
      ...{ id, way: isMail ? 'email' : 'channel', event: words.typeId, body: null },
      target_id: isMail ? (userIds[number % userIds.length] ?? '') : (channel?.id ?? ''),
      recipient: isMail ? `person-${number % userIds.length}@example.com` : (channel?.name ?? ''),
      ...{ status: isTaken ? 'delivered' : 'failed', attempts: isTaken ? 1 : 8, next_try_at: null },
      last_error: isTaken ? null : 'connect ECONNREFUSED 127.0.0.1:25',
      response_status: isTaken && !isMail ? 200 : null,
      ...{ claimed_by: null, lease_until: null, created_at: row.created_at },
      delivered_at: isTaken ? row.created_at : null,
    },
    item: {
      ...{ delivery_id: id, event_id: row.id, type_id: words.typeId, severity },
      ...{ title: words.title, message: words.message, database_id: row.database_id ?? null },
      at: row.created_at,
    },
  };
}
